//! The launcher in releases that Mix has assembled with the Elixir in PATH, beside Mix's own script.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod already_running;
mod background;
mod container;
mod control;
mod crash;
mod draining;
mod env_sh;
mod eval;
#[path = "../support/files.rs"]
mod files;
mod installed;
mod lifecycle;
mod mix_script;
#[path = "../support/ports.rs"]
mod ports;
mod pseudo_terminal;
mod refusals;
mod remote;
mod running;
mod runtime_configuration;
#[path = "../support/sandbox.rs"]
mod sandbox;
mod soak;
