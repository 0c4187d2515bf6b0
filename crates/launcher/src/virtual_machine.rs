//! The command line of the virtual machine: the one that Mix's script, Elixir's script and the `erl` script make
//! together (specification §6.2), without any of them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::configuration::{Configuration, contains};
use crate::cookie::cookie;
use crate::distribution::{Distribution, Mode, mode};
use crate::environment::{Environment, given};
use crate::erlexec;
use crate::exposure::Exposure;
use crate::failure::Failure;
use crate::random::random;
use crate::release::Release;
use crate::schedulers;

/// What runs in the virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The system, without a shell.
    Start,
    /// The system with IEx on the terminal.
    StartIex,
    /// One expression, with arguments.
    Eval(Vec<OsString>),
    /// One expression on a running node.
    Rpc {
        /// The node.
        node: String,
        /// The expression.
        expression: OsString,
    },
    /// IEx on a running node.
    Remote {
        /// The node.
        node: String,
    },
}

impl Program {
    /// Whether it only talks to a running system.
    fn is_control(&self) -> bool {
        matches!(self, Self::Rpc { .. } | Self::Remote { .. })
    }

    fn is_iex(&self) -> bool {
        matches!(self, Self::StartIex | Self::Remote { .. })
    }

    /// The variable that names its boot script. A single expression loads code when it needs it.
    fn boot_variable(&self) -> &'static str {
        if self.is_system() { "RELEASE_BOOT_SCRIPT" } else { "RELEASE_BOOT_SCRIPT_CLEAN" }
    }

    /// Whether it is the system itself.
    fn is_system(&self) -> bool {
        matches!(self, Self::Start | Self::StartIex)
    }
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

/// The command that starts the virtual machine. Only what talks to a running system has no configuration.
pub(crate) fn command(
    release: &Release,
    environment: &Environment,
    configuration: Option<&Configuration>,
    program: &Program,
    exposure: &Exposure,
) -> Result<Command, Failure> {
    let distribution = match program {
        // A single expression runs undistributed.
        Program::Eval(_) => Distribution::None,
        Program::Start | Program::StartIex => Distribution::from_environment(environment)?,
        Program::Rpc { .. } => Distribution::from_environment(environment)?.temporary("rpc")?,
        Program::Remote { .. } => Distribution::from_environment(environment)?.temporary("rem")?,
    };
    let cookie = cookie(release, environment, &distribution)?;
    let reboots = configuration.is_some_and(|configuration| configuration.reboots);
    let mode = system_mode(program, environment, reboots)?;
    let script = if mode == Some(Mode::Fast) {
        OsStr::new("start_fast")
    } else {
        environment.get(program.boot_variable())
    };
    let boot = release.version_directory().join(script);
    let shown = match &cookie {
        Some(cookie) => Some(cookie_argument(cookie, &boot, configuration)?),
        None => None,
    };
    let arguments = arguments(
        release,
        environment,
        configuration,
        program,
        &distribution,
        shown.as_deref(),
        exposure,
        &boot,
        mode,
    )?;
    check_null_device()?;
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
    if let Some(configuration) = configuration {
        configuration.apply(&mut command);
    }
    exposure.apply(&mut command);
    command.args(arguments.0);
    Ok(command)
}

/// The virtual machine opens `/dev/null` when it starts, and tries again for ever when there is none.
fn check_null_device() -> Result<(), Failure> {
    let opened = File::options().write(true).open("/dev/null");
    opened.map(|_| ()).map_err(|error| {
        Failure::cannot("write to", "/dev/null", error)
            .hint("the virtual machine needs it: mount /dev (below the new root, if the root was changed)")
    })
}

/// When the system's code is loaded; nothing for what is not the system. One that reboots after it is configured would load
/// twice what a fast start loads first, and starts in embedded mode.
fn system_mode(program: &Program, environment: &Environment, reboots: bool) -> Result<Option<Mode>, Failure> {
    if !program.is_system() {
        return Ok(None);
    }
    Ok(Some(match mode(environment)? {
        Mode::Fast if reboots => Mode::Embedded,
        mode => mode,
    }))
}

/// `erl` in PATH, for releases that do not include ERTS.
pub(crate) fn erl_of_the_machine() -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join("erl"))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            Failure::new("this release does not include the Erlang runtime, and there is no `erl` in PATH")
                .hint("install Erlang, or build the release with `include_erts: true`")
        })
}

#[allow(clippy::too_many_arguments, reason = "everything that a command line says")]
fn arguments(
    release: &Release,
    environment: &Environment,
    configuration: Option<&Configuration>,
    program: &Program,
    distribution: &Distribution,
    cookie: Option<&str>,
    exposure: &Exposure,
    boot: &Path,
    mode: Option<Mode>,
) -> Result<Arguments, Failure> {
    let is_iex = program.is_iex();
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
    if program.is_control() {
        arguments.push("-hidden");
    }
    if let Some(mode) = mode {
        let reboots = configuration.is_some_and(|configuration| configuration.reboots);
        let flag = if reboots { "-elixir config_provider_reboot_mode" } else { "-mode" };
        arguments.words(&format!("{flag} {}", mode.flag()));
    }
    if *program == Program::Start {
        // The terminal's interrupt is ours to answer, with a graceful stop.
        arguments.push("+Bi");
    }
    if let (true, Some(online)) = (program.is_system(), schedulers::argument(environment)) {
        arguments.push("+S");
        arguments.push(online);
    }
    if let Some(cookie) = cookie {
        arguments.push("-setcookie");
        arguments.push(cookie);
    }
    arguments.0.extend(distribution.arguments().into_iter().map(OsString::from));
    arguments.0.extend(exposure.arguments().into_iter().map(OsString::from));
    if let Some(configuration) = configuration {
        arguments.push("-config");
        arguments.push(&configuration.path);
    }
    arguments.push("-boot");
    arguments.push(boot);
    arguments.push("-boot_var");
    arguments.push("RELEASE_LIB");
    arguments.push(release.root.join("lib"));
    arguments.push("-args_file");
    arguments.push(environment.get(if program.is_control() {
        "RELEASE_REMOTE_VM_ARGS"
    } else {
        "RELEASE_VM_ARGS"
    }));
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
        Program::Rpc { node, expression } => {
            arguments.push("--rpc-eval");
            arguments.push(node);
            arguments.push(expression);
        }
        Program::Remote { node } => {
            arguments.words("--no-halt +iex --remsh");
            arguments.push(node);
        }
    }
    Ok(arguments)
}

/// The cookie that everybody on the machine may see: a throw-away one, where the boot script sets the real one.
fn cookie_argument(
    cookie: &str,
    boot: &Path,
    configuration: Option<&Configuration>,
) -> Result<String, Failure> {
    let mut file = boot.as_os_str().to_owned();
    file.push(".boot");
    let sets_cookie = std::fs::read(&file).is_ok_and(|bytes| contains(&bytes, b"RELEASE_COOKIE"));
    // Nodes that kernel waits for while it starts are met before the boot script can set anything.
    let meets_nodes = configuration.is_some_and(|configuration| configuration.mentions("sync_nodes_"));
    if !sets_cookie || meets_nodes {
        return Ok(cookie.to_owned());
    }
    random()
}

/// What a control command becomes where the distribution is one that only a virtual machine speaks.
pub(crate) fn rpc_instead(
    release: &Release,
    environment: &Environment,
    expression: &str,
    protocol: &str,
) -> Result<ExitCode, Failure> {
    let note =
        format!("note: a second virtual machine asks the system, because its distribution is `{protocol}`\n");
    let _ = std::io::stderr().write_all(note.as_bytes());
    let node = environment.text("RELEASE_NODE")?.to_owned();
    let program = Program::Rpc { node, expression: expression.into() };
    become_control(release, environment, &program)
}

/// Becomes a virtual machine that talks to the running one.
pub(crate) fn become_control(
    release: &Release,
    environment: &Environment,
    program: &Program,
) -> Result<ExitCode, Failure> {
    let mut command = command(release, environment, None, program, &Exposure::default())?;
    let name = command.get_program().to_string_lossy().into_owned();
    let error = command.exec();
    Err(Failure::cannot("start", name, error)
        .hint("the release was built for another system, or is incomplete"))
}

fn wants_colour() -> bool {
    given("NO_COLOR").is_none() && std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}
