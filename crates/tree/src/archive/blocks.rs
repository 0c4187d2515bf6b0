//! Compressing a stream in parallel.
//!
//! The stream is cut into blocks of one size, which are compressed independently of each other and written one after the
//! other. It goes in rounds: the blocks of one are compressed while the bytes of the next are being read. How many blocks
//! are in a round depends on the number of threads, what is in a block does not.

use std::io;

use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;

use super::error::{ArchiveError, At};
use super::output::Output;
use super::stream::TarStream;

/// Blocks of a round for each thread: several, so that the threads are done at about the same time.
const BLOCKS_PER_THREAD: usize = 4;

/// The most bytes of a round, whatever the number of threads.
const LARGEST_ROUND: usize = 64 * 1024 * 1024;

/// A compressed format whose files can be put together from blocks.
pub(super) trait BlockFormat {
    /// The size of a block in bytes.
    const BLOCK: usize;
    /// What is known of a compressed block besides its bytes.
    type Check: Send;

    /// What a file begins with.
    fn header(&self) -> &'static [u8];
    /// Compresses a block.
    fn compress(block: &[u8]) -> io::Result<(Vec<u8>, Self::Check)>;
    /// Takes note of the next block.
    fn add(&mut self, check: Self::Check);
    /// What a file ends with.
    fn trailer(&self) -> Vec<u8>;
}

/// Reads a stream to its end and writes it compressed. `look` sees the bytes before they are compressed, in order.
pub(super) fn compress<F: BlockFormat>(
    stream: &mut TarStream<'_>,
    mut format: F,
    output: &mut Output,
    look: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<(), ArchiveError> {
    let round = round_size(F::BLOCK);
    output.write(format.header())?;
    let mut bytes = Vec::new();
    stream.read(&mut bytes, round)?;
    while !bytes.is_empty() {
        // Only the last block of all may be shorter; what is more than whole blocks is for the next round.
        let end = if stream.is_finished() { bytes.len() } else { bytes.len() - bytes.len() % F::BLOCK };
        let mut next = bytes.split_off(end);
        let (blocks, read) = rayon::join(
            || bytes.par_chunks(F::BLOCK).map(F::compress).collect::<Vec<_>>(),
            || {
                look(&bytes);
                stream.read(&mut next, round)
            },
        );
        for block in blocks {
            let (compressed, check) = block.at("compress", output.target())?;
            format.add(check);
            output.write(&compressed)?;
        }
        read?;
        bytes = next;
    }
    output.write(&format.trailer())
}

fn round_size(block: usize) -> usize {
    let blocks = (rayon::current_num_threads() * BLOCKS_PER_THREAD).min(LARGEST_ROUND / block);
    blocks.max(1) * block
}
