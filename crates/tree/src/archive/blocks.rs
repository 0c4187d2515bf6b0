//! Compressing a stream in parallel.
//!
//! The stream is cut into blocks of one size, which are compressed independently of each other and written one after the
//! other. It goes in rounds: the blocks of one are compressed while the bytes of the next are being read. How many blocks
//! are in a round depends on the number of threads, what is in a block does not.

use std::io;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::error::{ArchiveError, At};
use super::output::Output;
use super::stream::TarStream;

/// Blocks of a round for each thread: several, so that the threads are done at about the same time.
const BLOCKS_PER_THREAD: usize = 8;

/// The most bytes of a round, whatever the number of threads.
const LARGEST_ROUND: usize = 64 * 1024 * 1024;

/// A compressed format whose files can be put together from blocks.
pub(super) trait BlockFormat {
    /// The size of a block in bytes.
    const BLOCK: usize;
    /// How many bytes of what is before a block help to compress it.
    const DICTIONARY: usize;
    /// What is known of a compressed block besides its bytes.
    type Check: Send;

    /// What a file begins with.
    fn header(&self) -> &'static [u8];
    /// Compresses a block, given what is before it.
    fn compress(dictionary: &[u8], block: &[u8]) -> io::Result<(Vec<u8>, Self::Check)>;
    /// Takes note of the next block.
    fn add(&mut self, check: Self::Check);
    /// What a file ends with.
    fn trailer(&self) -> Vec<u8>;
}

/// Reads a stream to its end and writes it compressed.
pub(super) fn compress<F: BlockFormat>(
    stream: &mut TarStream<'_>,
    mut format: F,
    output: &mut Output,
) -> Result<(), ArchiveError> {
    let round = round_size(F::BLOCK);
    output.write(format.header())?;
    // The end of the round before, as the dictionary of the first block, then the bytes of this round.
    let mut window = Vec::new();
    let mut dictionary = 0;
    stream.read(&mut window, round)?;
    loop {
        let is_last = stream.is_finished();
        let unread = window.len() - dictionary;
        let end = dictionary + if is_last { unread } else { unread - unread % F::BLOCK };
        let (blocks, next) = rayon::join(
            || compress_blocks::<F>(&window[..end], dictionary),
            || {
                let mut next = Vec::new();
                stream.read(&mut next, round).map(|()| next)
            },
        );
        for block in blocks {
            let (bytes, check) = block.at("compress", output.target())?;
            format.add(check);
            output.write(&bytes)?;
        }
        let next = next?;
        if is_last {
            return output.write(&format.trailer());
        }
        dictionary = end.min(F::DICTIONARY);
        window.drain(..end - dictionary);
        window.extend_from_slice(&next);
    }
}

/// Compresses the blocks of a window from `start` on.
fn compress_blocks<F: BlockFormat>(window: &[u8], start: usize) -> Vec<io::Result<(Vec<u8>, F::Check)>> {
    let blocks = (window.len() - start).div_ceil(F::BLOCK);
    (0..blocks)
        .into_par_iter()
        .map(|index| {
            let begin = start + index * F::BLOCK;
            let end = window.len().min(begin + F::BLOCK);
            F::compress(&window[begin.saturating_sub(F::DICTIONARY)..begin], &window[begin..end])
        })
        .collect()
}

fn round_size(block: usize) -> usize {
    let blocks = (rayon::current_num_threads() * BLOCKS_PER_THREAD).min(LARGEST_ROUND / block);
    blocks.max(1) * block
}
