//! Zstandard, one frame for each block.
//!
//! Frames that follow each other are one file to every decompressor (RFC 8878, section 3). They know nothing of each other,
//! so a block has to be large, and it can be decompressed in parallel too. Each has its size and a checksum in it. The
//! reference implementation's version is pinned by `Cargo.lock`; another one may write other bytes.

use std::io;

use ::zstd::bulk::Compressor;

use super::blocks::BlockFormat;

/// zstd's level. Level 9 saves two percent more and takes twice the time.
const LEVEL: i32 = 6;

/// The format. It has no state.
pub(super) struct Zstd;

impl BlockFormat for Zstd {
    const BLOCK: usize = 4 * 1024 * 1024;
    type Check = ();

    fn header(&self) -> &'static [u8] {
        &[]
    }

    fn compress(block: &[u8]) -> io::Result<(Vec<u8>, ())> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.include_checksum(true)?;
        Ok((compressor.compress(block)?, ()))
    }

    fn add(&mut self, (): ()) {}

    fn trailer(&self) -> Vec<u8> {
        Vec::new()
    }
}
