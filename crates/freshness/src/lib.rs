//! Whether anything that a build has read has changed since.
//!
//! Starting Elixir, loading a project and finding out that there is nothing to do takes a second, and it is what most
//! builds do. So after a build a [`Record`] is kept of its inputs (files of the project by content, files of the toolchain by
//! their stamps, variables of the environment) and of its outputs. As long as none of them has changed, another build would
//! make the same, and need not run.
//!
//! The second question is whether the code in a build directory was compiled from the sources that are there now, which the
//! times of files do not tell reliably: [`Compilation`].
//!
//! # Terms
//!
//! A [`Scope`] is where a build may read; a [`Snapshot`] is everything that is there, by content, and an [`InitialSnapshot`]
//! is the one that was taken before the build read anything. A [`Stamp`] is what the file system says of a file (size, times,
//! inode, mode), by which an unchanged file is recognised without being read. A [`FinishedBuild`] is what the caller knows
//! about a build when it has finished, and the [`Record`] is what is kept of it; the [`Origin`] of an output is the one input
//! that it was made from, with the transformation that was applied to it; a [`Difference`] is why the next build has to run. A
//! [`BuildDirectory`] is where Mix compiles to; a [`RebuildReason`] is why everything in it has to be compiled again.
//!
//! # Errors
//!
//! They are on one side only. Whatever cannot be told for certain counts as changed: a file that was touched while it was being
//! read, a record that cannot be read, a file that changed during the build. Then the build runs, as it would without a
//! record.
#![allow(
    clippy::disallowed_methods,
    reason = "no error here is anyone's to see: what cannot be read counts as changed"
)]

mod checksummed_file;
mod compilation;
mod difference;
mod environment;
mod file_digest;
mod initial_snapshot;
mod names;
mod origin;
mod record;
mod scope;
mod snapshot;
mod stamp;

pub use compilation::{BuildDirectory, Compilation, RebuildReason};
pub use difference::Difference;
pub use environment::{Environment, EnvironmentScope};
pub use initial_snapshot::InitialSnapshot;
pub use origin::Origin;
pub use record::{FinishedBuild, Record};
pub use scope::Scope;
pub use snapshot::Snapshot;
pub use stamp::{Moment, Stamp, Stamps};
