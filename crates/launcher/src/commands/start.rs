//! `start` and `start_iex`.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use crate::configuration::Configuration;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::release::Release;
use crate::supervision::{Keys, supervise};
use crate::virtual_machine::{Program, command};

/// Runs the system in the foreground.
pub(super) fn run(release: &Release, environment: &Environment) -> Result<ExitCode, Failure> {
    let configuration = Configuration::prepare(release, environment)?;
    supervise(command(release, environment, &configuration, &Program::Start)?, Keys::Launcher)
}

/// Runs the system with IEx. The terminal belongs to IEx, so the launcher steps aside, unless it has something to
/// clean up.
pub(super) fn run_iex(release: &Release, environment: &Environment) -> Result<ExitCode, Failure> {
    let configuration = Configuration::prepare(release, environment)?;
    let command = command(release, environment, &configuration, &Program::StartIex)?;
    run_or_become(command, &configuration)
}

/// Becomes the virtual machine, or stays its parent when there is a private configuration to remove afterwards.
pub(super) fn run_or_become(
    mut command: std::process::Command,
    configuration: &Configuration,
) -> Result<ExitCode, Failure> {
    if configuration.copy.is_some() {
        return supervise(command, Keys::VirtualMachine);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let error = command.exec();
    Err(Failure::cannot("start", program, error)
        .hint("the release was built for another system, or is incomplete"))
}
