//! `bin/NAME` of a release.
//!
//! Every release holds a copy of this executable. It does what the shell script of a Mix release does
//! (`Mix.Tasks.Release`): it finds the release that it belongs to, reads `env.sh`, completes the `RELEASE_*` variables
//! and starts the virtual machine. It does so without a shell, and stays to look after the system that it has started: signals become
//! a graceful stop, secrets that were written for the start are removed.
//!
//! It is small on purpose (it is copied into every release), links nothing but libc, and never resolves names with the
//! system's resolver.

mod already_running;
mod calls;
mod colours;
mod command;
mod command_line;
mod commands;
mod configuration;
mod console;
mod control;
mod cookie;
mod crash_dump;
mod distribution;
mod env_sh;
mod environment;
mod epmd;
mod erlexec;
mod exposure;
mod failure;
mod file_limit;
#[cfg(fuzzing)]
pub mod fuzzing;
mod notify;
mod output;
mod overlay_commands;
mod private_file;
mod program;
mod random;
mod readiness;
mod release;
mod run_erl;
mod schedulers;
mod signals;
mod standard_streams;
mod start_lock;
mod state;
mod supervision;
mod temporary_directory;
mod virtual_machine;
mod vm_arguments;

use std::process::ExitCode;

pub use command::Command;
pub use env_sh::needs_shell;

/// Runs the launcher with the arguments and the environment of this process.
pub fn main() -> ExitCode {
    match commands::run() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
