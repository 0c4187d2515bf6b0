//! What can be wrong with a BEAM file.

use crate::ChunkId;

/// Why some bytes are not a BEAM file.
///
/// The texts complete a sentence such as "`lib/app/ebin/mod.beam` is not a valid BEAM file: …"; the path is known to
/// the caller only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BeamError {
    /// There are no bytes at all.
    #[error("it is empty")]
    Empty,
    /// It starts with something else than `FOR1…BEAM`, and is not compressed either.
    #[error("it does not start with the header of a BEAM file (`FOR1…BEAM`)")]
    NotBeam,
    /// It starts like a gzip file and cannot be decompressed.
    #[error("it is compressed with gzip and cannot be decompressed: {reason}")]
    Decompression {
        /// What the decompressor said.
        reason: String,
    },
    /// The stripped file could not be compressed.
    #[error("it cannot be compressed: {reason}")]
    Compression {
        /// What the compressor said.
        reason: String,
    },
    /// It would be larger than [`MAXIMUM_SIZE`](crate::MAXIMUM_SIZE) when decompressed.
    #[error("it is larger than {limit} bytes when decompressed")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The header announces more bytes than there are.
    #[error("it is cut off: its header announces {announced} bytes, {present} are there")]
    Truncated {
        /// Size of the whole file by its header.
        announced: u64,
        /// Size that it has.
        present: u64,
    },
    /// There are more bytes than the header announces.
    #[error("{extra} bytes follow after its end (it ends at {end} by its header)")]
    TrailingBytes {
        /// Where it should end.
        end: u64,
        /// How many bytes follow.
        extra: u64,
    },
    /// There are a few bytes left where a chunk should begin.
    #[error("at byte {offset} a chunk should begin, but the header of a chunk does not fit there")]
    ChunkHeader {
        /// Position in the (decompressed) file.
        offset: usize,
    },
    /// A chunk announces more bytes than are left.
    #[error("its chunk `{}` at byte {offset} announces {announced} bytes, {present} are left", id.escape_ascii())]
    ChunkTooLarge {
        /// Id of the chunk.
        id: ChunkId,
        /// Position of the chunk in the (decompressed) file.
        offset: usize,
        /// Size by its header.
        announced: u32,
        /// Bytes that are left.
        present: usize,
    },
    /// There is no chunk of atoms, so that not even the module's name is known.
    #[error("it has no chunk of atoms (`AtU8` or `Atom`)")]
    NoAtoms,
    /// The chunk of atoms cannot be decoded.
    #[error("its chunk of atoms is damaged: {reason}")]
    Atoms {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The chunk of literals cannot be decoded.
    #[error("its chunk of literals is damaged: {reason}")]
    Literals {
        /// What is wrong with it.
        reason: &'static str,
    },
}
