//! Whether anything that a build has read has changed since.
//!
//! Starting Elixir, loading a project and finding out that there is nothing to do takes a second, and it is what most
//! builds do. After a build a [`Record`] is kept: what was there to be read (files of the project by content, files of the
//! toolchain by their stamps, variables of the environment), and what was made. As long as nothing of it has changed, another
//! build would make the same, and need not run.
//!
//! And whether what a build has compiled is what is there: [`Compilation`].
//!
//! Errors are on one side only. What cannot be told for sure counts as changed: a file that was touched while it was
//! looked at, a record that cannot be read, a file that changed during the build. Then the build runs, as it would without
//! a record.
#![allow(
    clippy::disallowed_methods,
    reason = "no error here is anyone's to see: what cannot be read counts as changed"
)]

mod compilation;
mod difference;
mod environment;
mod kept;
mod record;
mod snapshot;
mod stamp;

pub use compilation::{Compilation, Compiled, Doubt};
pub use difference::Difference;
pub use environment::{Environment, EnvironmentScope};
pub use record::{Ended, Record};
pub use snapshot::{Beginning, Scope, Snapshot};
pub use stamp::{Moment, Stamp, Stamps};
