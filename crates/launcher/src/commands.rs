//! The commands of a release, one file each.

mod daemon;
mod eval;
mod help;
mod start;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use crate::env_sh;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::release::Release;

/// Commands that talk to a running system.
const NODE_COMMANDS: [&str; 5] = ["rpc", "remote", "stop", "restart", "pid"];

/// Runs the command that was typed.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    let release = Release::find()?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let command = arguments.first().and_then(|argument| argument.to_str()).unwrap_or_default().to_owned();
    let environment = Environment::before_env_sh(&release, &command);
    if daemon::is_inner() {
        // `env.sh` was read by the outer one, whose variables this process has inherited.
        return daemon::run_inner(&release, &environment.complete(&release), &command);
    }
    if env_sh::is_needed(&release)? {
        return Err(env_sh::source(&release, &environment));
    }
    let environment = environment.complete(&release);
    match command.as_str() {
        "start" => start::run(&release, &environment),
        "start_iex" => start::run_iex(&release, &environment),
        "daemon" | "daemon_iex" => daemon::run(&release, &environment, &command),
        "eval" => eval::run(&release, &environment, &arguments[1..]),
        "version" => {
            let text = format!("{} {}\n", environment.text("RELEASE_NAME")?, release.version);
            std::io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::new(error.to_string()))?;
            Ok(ExitCode::SUCCESS)
        }
        "help" | "--help" | "-h" => help::to_stdout(&release),
        "" => {
            help::to_stderr(&release);
            Ok(ExitCode::SUCCESS)
        }
        name if NODE_COMMANDS.contains(&name) => Err(Failure::new(format!(
            "`{name}` is not there yet: this version cannot talk to a running system"
        ))
        .hint("SIGTERM stops a system gracefully")),
        name => {
            help::to_stderr(&release);
            Err(Failure::new(format!("unknown command `{name}`")))
        }
    }
}
