//! `help`: the list of commands.

use std::io::Write;
use std::process::ExitCode;

use crate::command::Command;
use crate::failure::Failure;
use crate::output;
use crate::release::Release;

/// The columns that a command with its arguments has beside the text, a space included. A longer one has a line of its own.
const USAGE_WIDTH: usize = 19;

/// For users who asked for it.
pub(super) fn to_stdout(release: &Release) -> Result<ExitCode, Failure> {
    output::print(text(release).as_bytes())
}

/// For users who did not, and need it.
pub(super) fn to_stderr(release: &Release) {
    let _ = std::io::stderr().write_all(text(release).as_bytes());
}

fn text(release: &Release) -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    format!(
        "{} {}\n\nUsage: {} COMMAND\n\n{}",
        release.name,
        release.version,
        program.to_string_lossy(),
        list()
    )
}

fn list() -> String {
    let mut list = String::new();
    for command in Command::ALL {
        for (arguments, help) in command.usages() {
            let usage = format!("{} {arguments}", command.name());
            let usage = usage.trim_end();
            if usage.chars().count() < USAGE_WIDTH {
                list.push_str(&format!("    {usage:USAGE_WIDTH$}{help}\n"));
            } else {
                list.push_str(&format!("    {usage}\n    {:USAGE_WIDTH$}{help}\n", ""));
            }
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_in_a_column() {
        let list = list();
        for expected in [
            "    start              Starts the system\n",
            "    eval EXPR [ARG…]   Evaluates an expression in a new",
            "    stop [--wait [SECONDS]]\n                       Stops the running system,",
            "    help               Prints this list\n",
        ] {
            assert!(list.contains(expected), "{list}");
        }
    }
}
