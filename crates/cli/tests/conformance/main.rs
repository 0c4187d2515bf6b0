//! The conformance cases: what the test suites of Mix assert of releases, and what was found beside them, each as a
//! folder.
//!
//! A case is a folder of `cases/`: files that are laid over the project in `fixture/`, a shell script `run`, and
//! `expected`, all that the script prints and its exit status. Its name starts with the numbers of what it shows: R
//! (`Mix.Release`), T (`mix release`), I (`mix release.init`), P (`Config.Provider`), X (found beside them). A line `# elixir: >= 1.16` in `run` says where it applies.
//! Where versions of Elixir differ, `expected.1.14` is looked for before `expected`.
//!
//! `BEAMSHIP_UPDATE_CASES=usual` writes `expected` anew (with the newest Elixir), `BEAMSHIP_UPDATE_CASES=special` writes
//! `expected.1.14` and the like where they differ from it. Read the difference before you commit it.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod case;
mod cases;
mod numbers;
#[path = "../support/sandbox.rs"]
mod sandbox;
mod toolchain;
