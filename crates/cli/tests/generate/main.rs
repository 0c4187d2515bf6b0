//! `beamship gen` on real projects, and what it generates, used.

#![allow(clippy::disallowed_methods, reason = "these tests look at real files")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod docker;
#[path = "../support/files.rs"]
mod files;
#[path = "../support/ports.rs"]
mod ports;
mod projects;
#[path = "../support/sandbox.rs"]
mod sandbox;
