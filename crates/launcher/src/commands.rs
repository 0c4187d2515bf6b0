//! What the commands of a release do, a file each; the variant of a command with IEx is in the file of the command.
//!
//! [`run`] finds out which command is meant: one of the project's own, which becomes this process, or one of the
//! release's ([`Command`]). Before one of these runs, `env.sh` is read, which may set anything.

mod apps;
mod daemon;
mod doctor;
mod eval;
mod help;
mod options;
mod pid;
mod ping;
mod ready;
mod remote;
mod restart;
mod rpc;
mod start;
mod stop;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use self::options::Options;
use crate::command::Command;
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
        return Err(overlay_commands::become_command(command));
    }
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.get(1).is_some_and(|argument| is_help(&argument.to_string_lossy())) {
        return help::to_stdout(&release);
    }
    let name = arguments.first().and_then(|argument| argument.to_str()).unwrap_or_default();
    let command = if is_help(name) { Some(Command::Help) } else { Command::named(name) };
    let rest = arguments.get(1..).unwrap_or_default();
    // It finds what it would find if it was called itself: the commands that it runs read `env.sh`, each for itself.
    if Command::named(name).is_none()
        && let Some(script) = overlay_commands::script(&release, name, rest)
    {
        return Err(overlay_commands::become_command(script));
    }
    let environment = Environment::before_env_sh(&release, name);
    if daemon::is_in_background() {
        // `env.sh` was read by the outer one, whose variables this process has inherited.
        return daemon::run_in_background(&release, &environment.complete(&release, command), command);
    }
    let needs_shell = match env_sh::is_needed(&release) {
        // A doctor says so, and looks at the rest.
        Err(_) if command == Some(Command::Doctor) => false,
        needed => needed? && (command != Some(Command::Doctor) || env_sh::has_shell()),
    };
    if needs_shell {
        return Err(env_sh::source(&release, &environment));
    }
    let environment = environment.complete(&release, command);
    match command {
        Some(command) => run_command(command, &release, &environment, rest),
        None => {
            help::to_stderr(&release);
            // As Mix's script does.
            if name.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            let failure = Failure::new(format!("unknown command `{name}`"));
            Err(match Command::meant(name) {
                Some(meant) => failure.hint(format!("did you mean `{}`?", meant.name())),
                None => failure,
            })
        }
    }
}

fn run_command(
    command: Command,
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    if !command.takes_arguments() {
        Options::parse(command.name(), arguments, &[], None)?;
    }
    let lock = || StartLock::for_start(environment);
    match command {
        Command::Start => start::run(release, environment, lock()),
        Command::StartIex => start::run_iex(release, environment, lock()),
        Command::Daemon | Command::DaemonIex => daemon::run(release, environment, command, lock()),
        Command::Eval => eval::run(release, environment, arguments),
        Command::Rpc => rpc::run(release, environment, arguments),
        Command::Remote => remote::run(release, environment, arguments),
        Command::Stop => stop::run(release, environment, arguments),
        Command::Restart => restart::run(release, environment),
        Command::Pid => pid::run(release, environment),
        Command::Ping => ping::run(release, environment),
        Command::Ready => ready::run(release, environment, arguments),
        Command::Apps => apps::run(release, environment, arguments),
        Command::Doctor => doctor::run(release, environment, arguments),
        Command::Version => version::run(release, environment),
        Command::Help => help::to_stdout(release),
    }
}

/// Whether help is asked for as one asks other programs.
fn is_help(argument: &str) -> bool {
    matches!(argument, "--help" | "-h")
}
