//! Images against a registry that fails, and against the schemas of the OCI image specification.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod cache;
mod faults;
mod forms;
mod images;
mod registry_server;
mod tokens;
