//! The commands of a release, one file each.

mod apps;
mod daemon;
mod doctor;
mod eval;
mod help;
mod options;
mod pid;
mod remote;
mod rpc;
mod start;
mod stop;

pub(crate) use apps::look_natively;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use node::{Connection, Deadline};

use self::options::Options;
use crate::control::{Route, SETUP, connect};
use crate::env_sh;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::overlay_commands;
use crate::release::Release;
use crate::start_lock::StartLock;

/// Runs the command that was typed.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    let release = Release::find()?;
    if let Some(command) = overlay_commands::find(&release)? {
        return Err(become_command(command));
    }
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.get(1).is_some_and(|argument| argument == "--help" || argument == "-h") {
        return help::to_stdout(&release);
    }
    let command = arguments.first().and_then(|argument| argument.to_str()).unwrap_or_default().to_owned();
    let rest = arguments.get(1..).unwrap_or_default();
    // It finds what it would find if it was called itself: the commands that it runs read `env.sh`, each for itself.
    if !help::lists(&command)
        && let Some(script) = overlay_commands::script(&release, &command, rest)
    {
        return Err(become_command(script));
    }
    let environment = Environment::before_env_sh(&release, &command);
    if daemon::is_inner() {
        // `env.sh` was read by the outer one, whose variables this process has inherited.
        return daemon::run_inner(&release, &environment.complete(&release), &command);
    }
    let needs_shell = match env_sh::is_needed(&release) {
        // A doctor says so, and looks at the rest.
        Err(_) if command == "doctor" => false,
        needed => needed? && (command != "doctor" || env_sh::has_shell()),
    };
    if needs_shell {
        return Err(env_sh::source(&release, &environment));
    }
    let environment = environment.complete(&release);
    if matches!(command.as_str(), "start" | "start_iex" | "daemon" | "daemon_iex" | "version") {
        Options::parse(&command, rest, &[], None)?;
    }
    match command.as_str() {
        "start" => start::run(&release, &environment, StartLock::of_start(&environment)),
        "start_iex" => start::run_iex(&release, &environment, StartLock::of_start(&environment)),
        "daemon" | "daemon_iex" => {
            let lock = StartLock::of_start(&environment);
            daemon::run(&release, &environment, &command, lock)
        }
        "eval" => eval::run(&release, &environment, rest),
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
        "rpc" => rpc::run(&release, &environment, rest),
        "stop" => stop::run(&release, &environment, rest),
        "restart" => stop::restart(&release, &environment, rest),
        "pid" => pid::run(&release, &environment, rest),
        "ping" => pid::ping(&release, &environment, rest),
        "ready" => apps::ready(&release, &environment, rest),
        "apps" => apps::run(&release, &environment, rest),
        "doctor" => doctor::run(&release, &environment, rest),
        "remote" => remote::run(&release, &environment, rest),
        name => {
            help::to_stderr(&release);
            Err(Failure::new(format!("unknown command `{name}`")))
        }
    }
}

/// Becomes a command of the project's own. Only ever returns a failure.
fn become_command(mut command: Command) -> Failure {
    let error = command.exec();
    Failure::cannot("run", command.get_program().display(), error)
}

/// Connects for a command that only the launcher's own client can do.
fn connect_natively(
    release: &Release,
    environment: &Environment,
    command: &str,
) -> Result<Connection, Failure> {
    match Route::find(release, environment)? {
        Route::Native { address, cookie } => connect(&address, &cookie, Deadline::after(SETUP)),
        Route::VirtualMachine { protocol } => {
            Err(Failure::new(format!("`{command}` does not work over `{protocol}`"))
                .hint("use `rpc` with an expression: it runs in a virtual machine of its own there"))
        }
    }
}
