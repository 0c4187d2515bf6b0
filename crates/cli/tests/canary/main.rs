//! Secrets of a build are where they belong and nowhere else.
//!
//! Every secret that a build meets is marked with a canary of its own (`canaries`): variables of the environment, the
//! cookie, the configuration, credentials for a registry. Then all that the commands print (with `--verbose` too), every
//! artefact, and whatever else is on the disk afterwards is searched for them, also in what is packed or written otherwise
//! (`packed`, `search`). Where a canary belongs is written down in each test:
//!
//! * the cookie in `releases/COOKIE`, which its owner alone can read, and in a tarball that was asked for with it;
//! * what `config/config.exs` computes in `sys.config`: that is what the file is for (see docs/security.md);
//! * what code was compiled with in that code.
//!
//! A search that finds nothing proves something only if it would have found it: `control` has every form and every packing
//! found, each command is proven to have met the canaries by what the project itself writes down about it (`project`), and
//! where a canary belongs it has to be.

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

mod build;
mod canaries;
mod control;
#[path = "../support/files.rs"]
mod files;
mod packed;
#[path = "../support/ports.rs"]
mod ports;
mod project;
mod registry;
#[path = "../../../image/tests/it/registry_server.rs"]
mod registry_server;
#[path = "../launcher/running.rs"]
mod running;
#[path = "../support/sandbox.rs"]
mod sandbox;
mod search;
mod system;
