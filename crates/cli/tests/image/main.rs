//! `beamship image` on the guestbook: reproducible, checked, and, where there is an engine and a registry
//! (`scripts/container-engine`), run for real.

#![allow(clippy::disallowed_methods, reason = "these tests look at real files")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod built;
mod command_line;
mod engine;
mod native_code;
#[path = "../support/ports.rs"]
mod ports;
mod reproducible;
#[path = "../support/sandbox.rs"]
mod sandbox;
