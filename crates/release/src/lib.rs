//! The release model, pure.
//!
//! A [`ReleaseSpec`] (plain data, made by the bridge from a Mix project) goes in; the tree of a whole release comes out:
//! the application graph is resolved, boot scripts are made as OTP's `systools` makes them, configuration is written,
//! and every file of every application gets its place. Nothing is read but through [`FileSource`], nothing is written
//! at all.

mod source;
mod spec;

pub use source::{FileKind, FileSource, SourceEntry, SourceError};
pub use spec::{Erts, ReleaseSpec, RuntimeConfiguration, Strip, Toolchain};
