//! Compressed terms: a length and a zlib stream.

use super::error::DecodeProblem;
use flate2::bufread::ZlibDecoder;
use std::io::Read;

/// Expands what follows the tag of a compressed term.
///
/// The announced size is not trusted for allocation: the buffer grows with what really comes out, and never beyond
/// `limit`.
pub(super) fn expand(bytes: &[u8], limit: usize) -> Result<Vec<u8>, DecodeProblem> {
    let Some((size, stream)) = bytes.split_first_chunk::<4>() else {
        return Err(DecodeProblem::Truncated);
    };
    let size = u32::from_be_bytes(*size);
    if usize::try_from(size).map_or(true, |size| size > limit) {
        return Err(DecodeProblem::UncompressedSize(limit));
    }
    let mut expanded = Vec::new();
    let mut decoder = ZlibDecoder::new(stream);
    // One byte more than announced, so that a longer stream is noticed.
    decoder
        .by_ref()
        .take(u64::from(size) + 1)
        .read_to_end(&mut expanded)
        .map_err(|_| DecodeProblem::Compression)?;
    if expanded.len() as u64 != u64::from(size) {
        return Err(DecodeProblem::Compression);
    }
    let rest = decoder.into_inner();
    if rest.is_empty() { Ok(expanded) } else { Err(DecodeProblem::TrailingBytes(rest.len())) }
}
