//! The command line of the virtual machine: the one that Mix's script, Elixir's script and the `erl` script make
//! together (specification §6.2), without any of them.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::Command;

use crate::configuration::Configuration;
use crate::cookie::cookie;
use crate::distribution::{Distribution, mode};
use crate::environment::{Environment, given};
use crate::erlexec;
use crate::failure::Failure;
use crate::release::Release;

/// What runs in the virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The system, without a shell.
    Start,
    /// The system with IEx on the terminal.
    StartIex,
    /// One expression, with arguments.
    Eval(Vec<OsString>),
}

/// The command line, its pieces in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments(pub(crate) Vec<OsString>);

impl Arguments {
    fn push(&mut self, argument: impl Into<OsString>) {
        self.0.push(argument.into());
    }

    fn words(&mut self, text: &str) {
        self.0.extend(text.split_ascii_whitespace().map(OsString::from));
    }
}

/// The command that starts the virtual machine.
pub(crate) fn command(
    release: &Release,
    environment: &Environment,
    configuration: &Configuration,
    program: &Program,
) -> Result<Command, Failure> {
    let distribution = match program {
        // A single expression runs undistributed.
        Program::Eval(_) => Distribution::None,
        Program::Start | Program::StartIex => Distribution::from_environment(environment)?,
    };
    let cookie = cookie(release, &distribution)?;
    let arguments =
        arguments(release, environment, configuration, program, &distribution, cookie.as_deref())?;
    let mut command = match release.erts_bin() {
        Some(bin) => {
            let program = bin.join("erlexec");
            erlexec::check(&program)?;
            let mut command = Command::new(program);
            let root = given("ERL_ROOTDIR").unwrap_or_else(|| release.root.clone().into());
            command.env("BINDIR", &bin).env("ROOTDIR", root).env("EMU", "beam").env("PROGNAME", "erl");
            command
        }
        None => Command::new(erl_of_the_machine()?),
    };
    environment.apply(&mut command);
    if let Some(cookie) = cookie {
        command.env("RELEASE_COOKIE", cookie);
    }
    configuration.apply(&mut command);
    command.args(arguments.0);
    Ok(command)
}

/// `erl` in PATH, for releases that do not include ERTS.
fn erl_of_the_machine() -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join("erl"))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            Failure::new("this release does not include the Erlang runtime, and there is no `erl` in PATH")
                .hint("install Erlang, or build the release with `include_erts: true`")
        })
}

fn arguments(
    release: &Release,
    environment: &Environment,
    configuration: &Configuration,
    program: &Program,
    distribution: &Distribution,
    cookie: Option<&str>,
) -> Result<Arguments, Failure> {
    let is_iex = *program == Program::StartIex;
    // Before Elixir 1.15 its options came before everything, and IEx had a start-up module of its own.
    let is_old = release.elixir < (1, 15);
    let options = given("ELIXIR_ERL_OPTIONS").unwrap_or_default();
    let options =
        options.to_str().ok_or_else(|| Failure::new("the variable ELIXIR_ERL_OPTIONS is not valid UTF-8"))?;
    let mut arguments = Arguments::default();
    if is_old {
        arguments.words(options);
    } else {
        arguments.push("-noshell");
        arguments.words(options);
    }
    if release.elixir < (1, 19) && wants_colour() {
        arguments.words("-elixir ansi_enabled true");
    }
    match (is_iex, is_old) {
        (true, true) => arguments.words("-noshell -user Elixir.IEx.CLI"),
        (true, false) => arguments.words("-user elixir"),
        (false, true) => arguments.words("-noshell -s elixir start_cli"),
        (false, false) => arguments.words("-s elixir start_cli"),
    }
    let boot = match program {
        // A single expression loads code when it needs it.
        Program::Eval(_) => "RELEASE_BOOT_SCRIPT_CLEAN",
        Program::Start | Program::StartIex => {
            let flag = if configuration.reboots { "-elixir config_provider_reboot_mode" } else { "-mode" };
            arguments.words(&format!("{flag} {}", mode(environment)?));
            "RELEASE_BOOT_SCRIPT"
        }
    };
    if *program == Program::Start {
        // The terminal's interrupt is ours to answer, with a graceful stop.
        arguments.push("+Bi");
    }
    if let Some(cookie) = cookie {
        arguments.push("-setcookie");
        arguments.push(cookie);
    }
    arguments.0.extend(distribution.arguments().into_iter().map(OsString::from));
    arguments.push("-config");
    arguments.push(&configuration.path);
    arguments.push("-boot");
    arguments.push(release.version_directory().join(environment.get(boot)));
    arguments.push("-boot_var");
    arguments.push("RELEASE_LIB");
    arguments.push(release.root.join("lib"));
    arguments.push("-args_file");
    arguments.push(environment.get("RELEASE_VM_ARGS"));
    arguments.push("-extra");
    match program {
        Program::Start => arguments.push("--no-halt"),
        Program::StartIex => arguments.words("--no-halt +iex"),
        Program::Eval(given) => {
            arguments.push("--eval");
            let mut given = given.iter();
            arguments.push(given.next().map_or(OsStr::new(""), OsString::as_os_str));
            arguments.push("--");
            arguments.0.extend(given.cloned());
        }
    }
    Ok(arguments)
}

fn wants_colour() -> bool {
    given("NO_COLOR").is_none() && std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}
