//! The process of a virtual machine: what it finds, and how it is started.
//!
//! Its own messages for missing files are hard to understand, so the files that variables name are checked first.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use contract::Mode;

use crate::command_line::CommandLine;
use crate::configuration::{Configuration, contains};
use crate::cookie::cookie;
use crate::distribution::{Distribution, mode};
use crate::environment::{Environment, env_var};
use crate::erlexec;
use crate::exposure::Exposure;
use crate::failure::Failure;
use crate::program::Program;
use crate::random::random;
use crate::release::Release;

/// The command that starts the virtual machine. One that only controls a running system has no configuration.
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
        OsStr::new(contract::FAST_BOOT_SCRIPT)
    } else {
        environment.get(program.boot_variable())
    };
    let boot = release.version_directory().join(script);
    let script = read_boot_script(&boot, program)?;
    check_arguments_file(environment, program)?;
    check_null_device()?;
    let shown =
        cookie.as_deref().map(|cookie| cookie_argument(cookie, &script, configuration)).transpose()?;
    let command_line = CommandLine {
        release,
        environment,
        configuration,
        program,
        distribution: &distribution,
        cookie: shown.as_deref(),
        exposure,
        boot: &boot,
        mode,
    };
    let arguments = command_line.arguments()?;
    let mut command = match release.erts_bin() {
        Some(bin) => {
            let program = bin.join("erlexec");
            erlexec::check(&program)?;
            let mut command = Command::new(program);
            let root = env_var("ERL_ROOTDIR").unwrap_or_else(|| release.root.clone().into());
            command.env("BINDIR", &bin).env("ROOTDIR", root).env("EMU", "beam").env("PROGNAME", "erl");
            command
        }
        None => Command::new(system_erl()?),
    };
    environment.apply(&mut command);
    if let Some(cookie) = cookie {
        command.env("RELEASE_COOKIE", cookie);
    }
    if let Some(configuration) = configuration {
        configuration.apply(&mut command);
    }
    exposure.apply(&mut command);
    command.args(arguments);
    Ok(command)
}

/// The boot script, which the virtual machine would end without in a crash dump.
fn read_boot_script(boot: &Path, program: &Program) -> Result<Vec<u8>, Failure> {
    let mut file = boot.as_os_str().to_owned();
    file.push(".boot");
    let file = PathBuf::from(file);
    std::fs::read(&file).map_err(|error| {
        Failure::cannot("read the boot script", file.display(), error).hint(format!(
            "{} names it, without `.boot`; if nobody has set that, the release is incomplete: build it again",
            program.boot_variable()
        ))
    })
}

/// The arguments that `erlexec` reads.
fn check_arguments_file(environment: &Environment, program: &Program) -> Result<(), Failure> {
    let variable = program.arguments_variable();
    let file = environment.path(variable);
    let read = File::open(&file).and_then(|opened| opened.metadata());
    let is_directory = read.as_ref().is_ok_and(std::fs::Metadata::is_dir);
    let read = if is_directory { Err(std::io::ErrorKind::IsADirectory.into()) } else { read };
    read.map(|_| ()).map_err(|error| {
        Failure::cannot("read the arguments of the virtual machine from", file.display(), error).hint(
            format!(
                "{variable} names them; if nobody has set that, the release is incomplete: build it again"
            ),
        )
    })
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
pub(crate) fn system_erl() -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join("erl"))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            Failure::new("this release does not include the Erlang runtime, and there is no `erl` in PATH")
                .hint("install Erlang, or build the release with `include_erts: true`")
        })
}

/// The cookie that everybody on the machine may see: a throw-away one, where the boot script sets the real one.
fn cookie_argument(
    cookie: &str,
    script: &[u8],
    configuration: Option<&Configuration>,
) -> Result<String, Failure> {
    let sets_cookie = contains(script, b"RELEASE_COOKIE");
    // Nodes that kernel waits for while it starts are met before the boot script can set anything.
    let meets_nodes = configuration.is_some_and(|configuration| configuration.mentions("sync_nodes_"));
    if !sets_cookie || meets_nodes {
        return Ok(cookie.to_owned());
    }
    random()
}

/// Evaluates an expression on the running system from a virtual machine, which this process becomes: where the
/// distribution is one that only a virtual machine speaks.
pub(crate) fn rpc(
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

/// Becomes a virtual machine that controls the running one.
pub(crate) fn become_control(
    release: &Release,
    environment: &Environment,
    program: &Program,
) -> Result<ExitCode, Failure> {
    Err(become_process(command(release, environment, None, program, &Exposure::default())?))
}

/// Becomes the virtual machine. Only ever returns a failure.
pub(crate) fn become_process(mut command: Command) -> Failure {
    let error = command.exec();
    Failure::cannot_start(command.get_program().display(), error)
}
