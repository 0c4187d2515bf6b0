//! Secrets of a build are where they belong and nowhere else.
//!
//! Every secret that a build meets is marked with a canary of its own: variables of the environment, the cookie, the
//! configuration, credentials for a registry. Then all that the commands print (with `--verbose` too), every artefact, and
//! whatever else is on the disk afterwards is searched for them. Where a canary belongs is written down here:
//!
//! * the cookie in `releases/COOKIE`, which its owner alone can read, and in a tarball that was asked for with it;
//! * what `config/config.exs` computes in `sys.config`: that is what the file is for (see docs/security.md).

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    dead_code,
    reason = "a test may fail, and every test executable uses its part"
)]

// The registry of the tests of `image`, which knows the crate by its full name.
extern crate image as beamship_image;

#[path = "../../../image/tests/it/registry_server.rs"]
mod registry_server;
#[path = "../support/sandbox.rs"]
mod sandbox;
mod secrets;
