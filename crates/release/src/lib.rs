//! The release model, pure.
//!
//! A [`ReleaseSpec`] (plain data, made by the bridge from a Mix project) goes in; the tree of a whole release comes out:
//! the application graph is resolved, boot scripts are made as OTP's `systools` makes them, configuration is written,
//! and every file of every application gets its place. Nothing is read but through [`FileSource`], nothing is written
//! at all.

mod application;
mod boot;
mod error;
mod graph;
mod layout;
#[cfg(test)]
mod memory;
mod mode;
mod source;
mod spec;
mod sys_config;
mod templates;
mod version;

pub use application::{Application, ApplicationOrigin};
pub use boot::{
    BootScript, InstrumentedBootScript, Step, StepKind, instrument_boot_script, recording_boot_script,
};
pub use error::ReleaseError;
pub use graph::Graph;
pub use layout::{Materials, OwnCode, PROFILE, Plan, Profile};
pub use mode::Mode;
pub use source::{FileKind, FileSource, SourceEntry, SourceError};
pub use spec::{
    Boot, BootList, CompiledConfiguration, Erts, ReleaseSpec, RuntimeConfiguration, Strip, Toolchain,
};
pub use templates::{TEMPLATES, Template};
