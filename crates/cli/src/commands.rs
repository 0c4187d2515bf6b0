//! The commands, one file each.

mod build;
pub(crate) mod check;
mod completions;
mod digest;
mod doctor;
mod explain_boot;
mod generate;
mod image;
mod init;
mod man;
mod profile_boot;
mod release;
mod secret;
mod trial;

use crate::arguments::{Arguments, Command, GlobalArguments};
use crate::cache_directory;
use crate::printer::{Printer, Verbosity};

/// Runs the command that was typed.
///
/// # Errors
///
/// Whatever keeps the command from doing what it says.
pub(crate) fn run(arguments: &Arguments, printer: &Printer) -> anyhow::Result<()> {
    let global = &arguments.global;
    if uses_cache(&arguments.command)
        && let Some(problem) = cache_directory::problem()
    {
        printer.warn(&problem.to_string());
    }
    match &arguments.command {
        Command::Build(arguments) => build::run(arguments, global, printer),
        Command::Release(arguments) => release::run(arguments, global, printer),
        Command::Digest(arguments) => digest::run(arguments, global, printer),
        Command::Generate(arguments) => generate::run(arguments, global, printer),
        Command::ProfileBoot(arguments) => profile_boot::run(arguments, global, printer),
        Command::ExplainBoot(arguments) => explain_boot::run(arguments, global, printer),
        Command::Init(arguments) => init::run(arguments, global, printer),
        Command::Image(arguments) => image::run(arguments, global, printer),
        Command::Check(arguments) => check::run(arguments, global, printer),
        Command::Doctor(arguments) => doctor::run(arguments, global),
        Command::Secret(arguments) => secret::run(arguments, global),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man => man::run(),
    }
}

/// Whether the command says so when there is a cache that it does not use. The doctor has a finding instead.
fn uses_cache(command: &Command) -> bool {
    matches!(
        command,
        Command::Build(_)
            | Command::Release(_)
            | Command::Digest(_)
            | Command::Generate(_)
            | Command::Image(_)
    )
}

impl GlobalArguments {
    /// How much is said.
    pub(crate) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}
