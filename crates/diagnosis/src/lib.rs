//! What a doctor says, and how it reads what others have written.
//!
//! There are two doctors: `beamship doctor` on the build machine and `bin/NAME doctor` where a release runs. Both look at
//! many things that have nothing to do with each other, and say of each whether it is in order, and what to do when it is
//! not. This crate is what they share: the words ([`Finding`], [`Findings`]), and the two texts that have to be understood
//! for it, [which variables a `runtime.exs` fetches](runtime_configuration) and [which sockets listen](sockets).
//!
//! It depends on nothing, because the launcher is copied into every release.

mod finding;
mod findings;
pub mod json;
mod number;
pub mod runtime_configuration;
pub mod sockets;

pub use finding::{Finding, Severity};
pub use findings::Findings;
pub use number::count;

/// The programs of the runtime system (`erts-VSN/bin`) without which no system starts.
pub const ERTS_PROGRAMS: [&str; 3] = ["erlexec", "beam.smp", "erl_child_setup"];
