//! One gzip member from blocks that are compressed in parallel, in the way of pigz.
//!
//! The deflated data of a block ends with an empty stored block, and so on a whole byte ("sync flush" of zlib), after which
//! that of the next block can follow. Before a block is compressed, the 32 KiB before it are given to the compressor as
//! its dictionary: whoever decompresses the file has just written them, so the block may refer to them, and next to nothing
//! is lost against compressing in one go. The checksums of the blocks are combined. Every decompressor reads the result,
//! because it is an ordinary member.

use std::io;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::blocks::BlockFormat;

/// Ten bytes of RFC 1952: no name, no time, an unknown level, made on Unix. `erl_tar` writes the same.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// An empty block of deflate that says it is the last one.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// zlib-rs's level.
const LEVEL: u32 = 6;

/// The format, with the checksum of all blocks so far.
#[derive(Default)]
pub(super) struct Gzip {
    check: Crc,
}

impl BlockFormat for Gzip {
    const BLOCK: usize = 256 * 1024;
    /// The window of deflate.
    const DICTIONARY: usize = 32 * 1024;
    type Check = Crc;

    fn header(&self) -> &'static [u8] {
        &HEADER
    }

    fn compress(dictionary: &[u8], block: &[u8]) -> io::Result<(Vec<u8>, Crc)> {
        let mut check = Crc::new();
        check.update(block);
        let mut compressor = Compress::new(Compression::new(LEVEL), false);
        if !dictionary.is_empty() {
            compressor.set_dictionary(dictionary)?;
        }
        // Stored blocks, the worst case, need five bytes each.
        let mut bytes = Vec::with_capacity(block.len() + block.len() / 64 + 64);
        loop {
            let read = compressor.total_in() as usize;
            let status = compressor.compress_vec(&block[read..], &mut bytes, FlushCompress::Sync)?;
            // There was room to spare: nothing is left inside.
            if bytes.len() < bytes.capacity() {
                return Ok((bytes, check));
            }
            if status != Status::Ok {
                return Err(io::Error::other("the compressor stopped"));
            }
            bytes.reserve(block.len());
        }
    }

    fn add(&mut self, check: Crc) {
        self.check.combine(&check);
    }

    fn trailer(&self) -> Vec<u8> {
        let mut bytes = LAST_BLOCK.to_vec();
        bytes.extend_from_slice(&self.check.sum().to_le_bytes());
        // The size modulo 2^32.
        bytes.extend_from_slice(&self.check.amount().to_le_bytes());
        bytes
    }
}
