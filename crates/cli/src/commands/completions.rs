//! `beamship completions`.

use std::io::Write;

use clap::CommandFactory;

use crate::arguments::{Arguments, CompletionsArguments};

/// Prints the completion script of a shell.
pub(crate) fn run(arguments: &CompletionsArguments) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "beamship", &mut script);
    Ok(anstream::stdout().write_all(&script)?)
}
