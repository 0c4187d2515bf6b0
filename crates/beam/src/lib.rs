//! BEAM files, pure.
//!
//! A BEAM file is an IFF container of chunks. A release needs only those that the runtime loads; stripping drops the
//! rest (documentation, debug information, compile information), exactly as `Mix.Release.strip_beam/2` does, so that
//! the bytes are the same.

mod strip;

pub use strip::StripOptions;
