//! The command line: arguments become settings, settings become commands, results become text.
//!
//! Everything that beamship knows how to do is in the other crates; here is what a user sees of it.

mod abi_target;
mod archiving;
pub mod arguments;
mod assembly;
mod bridge_failure;
mod build_directory;
mod cache_directory;
mod commands;
mod compilation;
mod cookie;
mod failure;
mod generated_files;
mod git;
mod hinted_error;
mod image_build;
mod image_source;
mod interruption;
mod last_build;
mod launcher_file;
pub mod machine_files;
mod modification_time;
mod native_code;
mod output;
mod passing_directory;
mod pipeline;
mod printable;
mod printer;
mod program;
mod project_directory;
mod project_lock;
mod question;
mod random;
mod release_alias;
mod release_directory;
mod report;
mod repository;
mod step_output;
mod usage_error;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::printer::Printer;

/// Runs beamship with the arguments of this process.
pub fn main() -> ExitCode {
    failure::report_panics();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help is such an error, and its output may not be written either.
        Err(help) => {
            let help = usage_error::plain(help);
            return match help.print() {
                Ok(()) => ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(2)),
                Err(error) => failure::print(&output::OutputError::from(error).into()),
            };
        }
    };
    let printer = Printer::new(arguments.global.verbosity());
    let entered = arguments.global.directory.as_deref().map_or(Ok(()), project_directory::enter);
    match entered.and_then(|()| commands::run(&arguments, &printer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::print(&error),
    }
}
