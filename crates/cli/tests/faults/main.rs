//! What a failing, full, read-only or busy file system, a killed build, and two builds at once leave behind: the old
//! artefact or the new one, whole, with a true message and status.
//!
//! Every artefact is built twice, so that an old and a new one are known. Then it is built again and again, and each time
//! another system call of beamship on the sandbox fails (`injector.c`). Which ones are tried is a sample by default, the same
//! one each time; `BEAMSHIP_ALL_FAULTS=1` tries every call. The numbers of such a run stand in `docs/reliability.md`; each
//! sweep prints its own with `--nocapture`.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod artefact;
mod build;
mod clock;
mod commands;
mod directory;
mod disks;
#[path = "../support/files.rs"]
mod files;
mod injector;
mod interruption;
#[path = "../support/project.rs"]
mod project;
#[path = "../support/sandbox.rs"]
mod sandbox;
mod sweep;
mod world;
