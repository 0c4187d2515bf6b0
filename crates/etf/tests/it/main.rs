//! Our terms against those of the Erlang/OTP in PATH.
//!
//! Each test starts one virtual machine, which writes all its answers into a file, and compares them with ours.

#![allow(clippy::disallowed_methods, reason = "these tests run Erlang and read its files")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that is how tests fail")]

mod generate;
mod random_terms;
mod round_trips;
mod syntax;
mod term_files;
mod virtual_machine;
