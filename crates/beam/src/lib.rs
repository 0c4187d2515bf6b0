//! BEAM files, pure.
//!
//! A BEAM file is an IFF container: the four bytes `FOR1`, the size of the rest, `BEAM`, then chunks, each with a
//! four-byte id, a size, its data and zeros up to the next multiple of four. The whole may be compressed with gzip.
//! The reference is `beam_lib.erl` of OTP's stdlib.
//!
//! A release needs only the chunks that the runtime loads; stripping drops the rest (documentation, debug information,
//! compile information), exactly as `Mix.Release.strip_beam/2` does, so that the bytes are the same.
//!
//! Nothing here trusts its input: every size is checked against the bytes that are there, and decompression stops at
//! [`MAXIMUM_SIZE`].

mod atoms;
mod error;
mod file;
mod literals;
mod strip;

pub use error::BeamError;
pub use file::{BeamFile, Chunk, ChunkId, MAXIMUM_SIZE};
pub use strip::{StripOptions, strip};
