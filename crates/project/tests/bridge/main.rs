//! The bridge against small Mix projects and the Elixir in PATH.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions that tests share fail like tests do"
)]

// As in the rest of the workspace, where dependencies are renamed.
extern crate beamship_project as project;

mod failures;
mod fixture;
mod lifecycle;
mod phases;
mod release_options;
mod releases;
