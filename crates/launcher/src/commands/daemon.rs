//! `daemon` and `daemon_iex`: the system in the background, on a pseudo-terminal that `to_erl` can attach to.
//!
//! `run_erl` of OTP makes the pseudo-terminal, writes the logs and runs a command on it. That command is this
//! executable again, so that a system in the background is supervised as one in the foreground is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::thread::sleep;
use std::time::Duration;

use node::Deadline;

use super::start;
use crate::already_running;
use crate::command::Command;
use crate::cookie;
use crate::distribution::{Distribution, is_none, mode};
use crate::environment::{Environment, IN_BACKGROUND};
use crate::failure::Failure;
use crate::file_limit;
use crate::private_file;
use crate::readiness::{self, Readiness};
use crate::release::{Release, executable};
use crate::run_erl;
use crate::start_lock::StartLock;
use crate::state::{State, path_of};
use crate::supervision::exit_code;

/// How long a start is watched. A system that takes longer goes on starting.
const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often its state file is looked for.
const STATE_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Whether `run_erl` has started this process.
pub(super) fn is_in_background() -> bool {
    std::env::var_os(IN_BACKGROUND).is_some()
}

/// Runs `run_erl`, which goes to the background by itself, and watches the start of the system there.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    command: Command,
    lock: Option<StartLock>,
) -> Result<ExitCode, Failure> {
    // Errors are reported here: what the launcher in the background prints goes to the log.
    check(release, environment)?;
    let bin = release.erts_bin().map(|bin| bin.join("run_erl"));
    let program = bin.filter(|path| path.is_file()).unwrap_or_else(|| "run_erl".into());
    let directory = environment.path("RELEASE_TMP");
    let (pipes, logs) = (directory.join("pipe"), directory.join("log"));
    // The log may hold secrets, so its parent is private. Whether it could be created shows with the next ones.
    let _ = private_file::create_directory(&directory);
    for path in [&pipes, &logs] {
        run_erl::create_directory(path)?;
    }
    run_erl::remove_stale_pipes(&pipes);
    run_erl::prepare_signals();
    // It closes as many files as it may open before it does anything.
    file_limit::lower(environment);
    let shell_command = format!("exec {} {}", quoted(executable()?.as_os_str())?, command.name());
    let mut background = process::Command::new(&program);
    background.arg("-daemon").arg(pipes.join("")).arg(logs.join("")).arg(shell_command);
    environment.apply(&mut background);
    background.env(IN_BACKGROUND, "1");
    let marker = StartMarker::create(environment);
    let status = background.status().map_err(|error| {
        Failure::cannot("run", program.display(), error)
            .hint("`daemon` needs the `run_erl` of the Erlang runtime")
    })?;
    if let Some(lock) = lock.filter(|_| status.success()) {
        wait_until_ready(release, environment, lock, &marker).map_err(|failure| {
            let log = run_erl::newest_log(&logs).unwrap_or(logs);
            failure.hint(format!("`{}` says why", log.display()))
        })?;
    }
    Ok(exit_code(status))
}

/// Waits until the system is ready, but no longer than [`READY_TIMEOUT`]. One that has ended has failed.
fn wait_until_ready(
    release: &Release,
    environment: &Environment,
    lock: StartLock,
    marker: &StartMarker,
) -> Result<(), Failure> {
    let ended = || Err(Failure::new("the system has ended right after its start"));
    let deadline = Deadline::after(READY_TIMEOUT);
    let mut readiness = Readiness::of(release, environment);
    // The launcher in the background starts under the lock of this one.
    let mut lock = Some(lock);
    while let Some(left) = deadline.remaining() {
        // It is removed when there is a state file, so this is checked first.
        let is_removed = marker.is_removed();
        match State::of_running(environment) {
            Some(_) => {
                lock = None;
                if readiness.poll() {
                    return Ok(());
                }
            }
            None if lock.is_none() || is_removed => return ended(),
            None => {}
        }
        sleep(left.min(if lock.is_some() { STATE_POLL_INTERVAL } else { readiness::POLL_INTERVAL }));
    }
    // Without a state file it has ended, or not even begun in all this time.
    if lock.is_none() || State::of_running(environment).is_some() { Ok(()) } else { ended() }
}

/// Runs the system on the pseudo-terminal.
pub(super) fn run_in_background(
    release: &Release,
    environment: &Environment,
    command: Option<Command>,
) -> Result<ExitCode, Failure> {
    // The launcher in the foreground sees by it when this one ends before there is a state file.
    let marker = StartMarker::of(environment);
    if command == Some(Command::DaemonIex) {
        start::run_iex(release, environment, marker)
    } else {
        start::run(release, environment, marker)
    }
}

/// A file that exists from the moment at which a system is taken to the background until it has a state file or has ended:
/// without it a system that ends early could not be distinguished from one that has not begun.
struct StartMarker {
    path: Option<PathBuf>,
}

impl StartMarker {
    /// A system without distribution is not waited for: other systems may have the same name.
    fn of(environment: &Environment) -> Self {
        Self { path: path_of(environment, "beginning").filter(|_| !is_none(environment)) }
    }

    /// Creates the file. Where that fails the end of the system is seen later.
    fn create(environment: &Environment) -> Self {
        let marker = Self::of(environment);
        let made = marker.path.as_deref().is_some_and(|path| private_file::write(path, b"").is_ok());
        if made { marker } else { Self { path: None } }
    }

    fn is_removed(&self) -> bool {
        self.path.as_deref().is_some_and(|path| !path.exists())
    }
}

impl Drop for StartMarker {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Checks what the start in the background will need.
fn check(release: &Release, environment: &Environment) -> Result<(), Failure> {
    mode(environment)?;
    run_erl::check_log_limits()?;
    already_running::refuse(release, environment)?;
    let distribution = Distribution::from_environment(environment)?;
    // Where there is none the launcher in the background makes one.
    if !cookie::is_missing(release) {
        cookie::cookie(release, environment, &distribution)?;
    }
    Ok(())
}

/// A path as one word of a shell command.
fn quoted(path: &OsStr) -> Result<String, Failure> {
    let text = std::str::from_utf8(path.as_bytes()).map_err(|_| {
        Failure::new(format!("the path of the release is not valid UTF-8: {}", path.display()))
    })?;
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_one_word() {
        assert_eq!(quoted(OsStr::new("/a b/it's")).unwrap(), r"'/a b/it'\''s'");
    }
}
