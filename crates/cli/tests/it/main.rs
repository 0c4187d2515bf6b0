//! End to end: the real `beamship` on real projects with the Elixir in PATH, beside Mix.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod assets;
mod broken_input;
mod command_line;
mod differences;
mod erlang_modules;
mod exposure;
#[path = "../support/files.rs"]
mod files;
mod interrupted_steps;
mod private_cache;
#[path = "../support/project.rs"]
mod project;
mod random_projects;
mod release_command;
mod reproducibility;
mod running;
#[path = "../support/sandbox.rs"]
mod sandbox;
mod stale_code;
mod unchanged;
