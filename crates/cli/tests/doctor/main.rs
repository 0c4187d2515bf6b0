//! Both doctors: `beamship doctor` on projects and releases, `bin/NAME doctor` in releases, where everything is well and
//! where it is not.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod build_machine;
#[path = "../support/files.rs"]
mod files;
mod findings;
mod machine;
mod network;
#[path = "../support/project.rs"]
mod project;
mod released;
#[path = "../support/sandbox.rs"]
mod sandbox;
mod system;
