//! `start` and `start_iex`.

use std::process::{Command, ExitCode};

use crate::already_running;
use crate::configuration::Configuration;
use crate::cookie;
use crate::crash_dump::CrashDump;
use crate::environment::Environment;
use crate::epmd::{self, Epmd};
use crate::exposure::Exposure;
use crate::failure::Failure;
use crate::file_limit;
use crate::notify::Notify;
use crate::program::Program;
use crate::readiness::{self, Readiness};
use crate::release::Release;
use crate::state::{Process, State};
use crate::supervision::{Keys, supervise};
use crate::virtual_machine::{become_process, command};

/// Runs the system in the foreground. `until_found` (a lock) is given up as soon as control commands find the system.
pub(super) fn run<T>(
    release: &Release,
    environment: &Environment,
    until_found: T,
) -> Result<ExitCode, Failure> {
    let epmd = already_running::refuse(release, environment)?;
    let configuration = Configuration::prepare(release, environment)?;
    let exposure = prepare_system(release, environment, &configuration, epmd)?;
    let command = command(release, environment, Some(&configuration), &Program::Start, &exposure)?;
    supervise_system(command, Keys::Launcher, release, environment, &exposure, until_found)
}

/// Runs the system with IEx. The terminal belongs to IEx, so the launcher steps aside, unless it has something to
/// clean up.
pub(super) fn run_iex<T>(
    release: &Release,
    environment: &Environment,
    until_found: T,
) -> Result<ExitCode, Failure> {
    let epmd = already_running::refuse(release, environment)?;
    let configuration = Configuration::prepare(release, environment)?;
    let exposure = prepare_system(release, environment, &configuration, epmd)?;
    let mut command = command(release, environment, Some(&configuration), &Program::StartIex, &exposure)?;
    if configuration.copy.is_some() {
        return supervise_system(command, Keys::VirtualMachine, release, environment, &exposure, until_found);
    }
    // The process stays the same when it becomes the virtual machine.
    record(std::process::id(), environment, &exposure)?;
    drop(until_found);
    CrashDump::prepare(environment, &mut command);
    Err(become_process(command))
}

/// What a system finds when it starts: a cookie, a limit of open files that costs no memory, EPMD.
fn prepare_system(
    release: &Release,
    environment: &Environment,
    configuration: &Configuration,
    epmd: Epmd,
) -> Result<Exposure, Failure> {
    cookie::provide(release, environment)?;
    let mut exposure = Exposure::of_system(environment, configuration)?;
    exposure.epmd = epmd;
    file_limit::lower(environment);
    epmd::start_without_shell(release, environment, &exposure)?;
    Ok(exposure)
}

/// Becomes the virtual machine, or stays its parent when there is a private configuration to remove afterwards.
pub(super) fn run_or_become(command: Command, configuration: &Configuration) -> Result<ExitCode, Failure> {
    if configuration.copy.is_some() {
        return supervise(command, Keys::VirtualMachine, None, |_| Ok(()));
    }
    Err(become_process(command))
}

/// Stays the parent of the system, and tells control commands about it as long as it runs.
fn supervise_system<T>(
    mut command: Command,
    keys: Keys,
    release: &Release,
    environment: &Environment,
    exposure: &Exposure,
    until_found: T,
) -> Result<ExitCode, Failure> {
    let mut process = None;
    let notify = Notify::from_environment();
    let crash_dump = CrashDump::prepare(environment, &mut command);
    let result = supervise(command, keys, notify.as_ref(), |pid| {
        process = record(pid, environment, exposure)?;
        drop(until_found);
        if let Some(notify) = &notify {
            tell_when_ready(notify.clone(), Readiness::of(release, environment));
        }
        Ok(())
    });
    if let Some(process) = process {
        State::remove(environment, &process);
    }
    crash_dump.report();
    result
}

/// Asks the system, as `ready` does, until it is.
fn tell_when_ready(notify: Notify, mut readiness: Readiness) {
    std::thread::spawn(move || {
        while !readiness.poll() {
            std::thread::sleep(readiness::POLL_INTERVAL);
        }
        notify.ready();
    });
}

/// Writes the state file. Without it control commands ask EPMD; only where there is none it has to be written.
fn record(pid: u32, environment: &Environment, exposure: &Exposure) -> Result<Option<Process>, Failure> {
    let Some(process) = Process::of(pid) else { return Ok(None) };
    let node = environment.text("RELEASE_NODE")?.to_owned();
    let state = State { node, process: process.clone(), port: exposure.port };
    match state.write(environment) {
        Err(failure) if exposure.port.is_some() => Err(failure),
        _ => Ok(Some(process)),
    }
}
