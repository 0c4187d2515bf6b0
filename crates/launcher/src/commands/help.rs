//! The list of commands.

use std::io::Write;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::release::Release;

const COMMANDS: &str = "
    start              Starts the system
    start_iex          Starts the system with IEx attached
    daemon             Starts the system in the background
    daemon_iex         Starts the system in the background with IEx attached
    eval EXPR [ARG…]   Evaluates an expression in a new virtual machine, without starting the system
    rpc EXPR           Evaluates an expression on the running system
    rpc --mfa MODULE FUNCTION [TERM…]
                       Calls a function on the running system and prints its value
    remote [--vm]      Opens a console on the running system; its input may be a script
    stop [--wait [SECONDS]]
                       Stops the running system, and waits until its process is gone
    restart            Restarts the running system in its process
    pid                Prints the number of the system's process
    ping               Prints `pong` when the running system answers
    ready [--wait SECONDS]
                       Succeeds when all applications of the release are started
    apps [--json]      Lists the applications that run
    doctor [--json]    Checks what the system needs from this machine, and who can reach it
    version            Prints name and version of the release
    help               Prints this list
";

/// Whether it is one of the commands.
pub(super) fn lists(command: &str) -> bool {
    let mut names = COMMANDS.lines().filter_map(|line| line.strip_prefix("    ")?.split(' ').next());
    !command.is_empty() && names.any(|name| name == command)
}

fn text(release: &Release) -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    format!(
        "{} {}\n\nUsage: {} COMMAND\n{COMMANDS}",
        release.name,
        release.version,
        program.to_string_lossy()
    )
}

/// For who asked for it.
pub(super) fn to_stdout(release: &Release) -> Result<ExitCode, Failure> {
    std::io::stdout().write_all(text(release).as_bytes()).map_err(|error| Failure::new(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

/// For who needs it.
pub(super) fn to_stderr(release: &Release) {
    let _ = std::io::stderr().write_all(text(release).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_of_the_list() {
        for command in ["start", "rpc", "stop", "help"] {
            assert!(lists(command), "{command}");
        }
        for other in ["", "server", "rpc --mfa", "Starts", "--help"] {
            assert!(!lists(other), "{other}");
        }
    }
}
