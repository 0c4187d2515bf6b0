//! `daemon` and `daemon_iex`: the system in the background, on a pseudo-terminal that `to_erl` can attach to.
//!
//! `run_erl` of OTP makes the pseudo-terminal, writes the logs and runs a command on it. That command is this
//! executable again (the *inner* one), so that a system in the background is looked after as one in the foreground is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use super::start;
use crate::cookie;
use crate::distribution::{Distribution, mode};
use crate::environment::{Environment, INNER};
use crate::failure::Failure;
use crate::release::{Release, executable};

/// Whether this is the inner one.
pub(super) fn is_inner() -> bool {
    std::env::var_os(INNER).is_some()
}

/// Becomes `run_erl`, which goes to the background by itself.
pub(super) fn run(release: &Release, environment: &Environment, command: &str) -> Result<ExitCode, Failure> {
    // What is wrong is said here: nobody sees what the inner one prints.
    check(release, environment)?;
    let bin = release.erts_bin().map(|bin| bin.join("run_erl"));
    let run_erl = bin.filter(|path| path.is_file()).unwrap_or_else(|| "run_erl".into());
    let directory = environment.path("RELEASE_TMP");
    let (pipes, logs) = (directory.join("pipe"), directory.join("log"));
    for path in [&pipes, &logs] {
        std::fs::create_dir_all(path).map_err(|error| {
            Failure::cannot("create", path.display(), error)
                .hint("RELEASE_TMP has to be a directory that the system may write to")
        })?;
    }
    let inner = format!("exec {} {command}", quoted(executable()?.as_os_str())?);
    let mut background = Command::new(&run_erl);
    background.arg("-daemon").arg(pipes.join("")).arg(logs.join("")).arg(inner);
    environment.apply(&mut background);
    background.env(INNER, "1");
    let error = background.exec();
    Err(Failure::cannot("run", run_erl.display(), error)
        .hint("`daemon` needs the `run_erl` of the Erlang runtime"))
}

/// Runs the system on the pseudo-terminal.
pub(super) fn run_inner(
    release: &Release,
    environment: &Environment,
    command: &str,
) -> Result<ExitCode, Failure> {
    if command == "daemon_iex" {
        start::run_iex(release, environment)
    } else {
        start::run(release, environment)
    }
}

/// What the start in the background will need.
fn check(release: &Release, environment: &Environment) -> Result<(), Failure> {
    mode(environment)?;
    let distribution = Distribution::from_environment(environment)?;
    cookie::provide(release, environment)?;
    cookie::cookie(release, environment, &distribution)?;
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
