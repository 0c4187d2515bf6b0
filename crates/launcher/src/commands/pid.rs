//! `pid` and `ping`: is it there, and which process is it?

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use etf::{RawTerm, Term};
use node::{Deadline, Reply};

use super::options::Options;
use super::rpc::failed;
use crate::control::{Route, SETUP, broken, connect};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::release::Release;
use crate::virtual_machine;

/// Prints the number of the system's process.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    Options::parse("pid", arguments, &[], None)?;
    asked(release, environment, ("os", "getpid"), "IO.puts(System.pid())", Term::to_text)
}

/// Prints `pong` when the node answers.
pub(super) fn ping(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    Options::parse("ping", arguments, &[], None)?;
    asked(release, environment, ("erlang", "is_alive"), "IO.puts(\"pong\")", |value| {
        value.is_atom("true").then(|| "pong".to_owned())
    })
}

/// Calls a function without arguments and prints what `text` makes of its value.
fn asked(
    release: &Release,
    environment: &Environment,
    (module, function): (&str, &str),
    expression: &str,
    text: impl Fn(&Term) -> Option<String>,
) -> Result<ExitCode, Failure> {
    let (address, cookie) = match Route::find(release, environment)? {
        Route::Native { address, cookie } => (address, cookie),
        Route::VirtualMachine { protocol } => {
            return virtual_machine::rpc_instead(release, environment, expression, &protocol);
        }
    };
    let deadline = Deadline::after(SETUP);
    let mut connection = connect(&address, &cookie, deadline)?;
    let reply = connection
        .call(module, function, vec![], deadline)
        .map_err(|error| broken(&address.node(), &error))?;
    let answer = match &reply {
        Reply::Returned(value) => RawTerm::split(value).ok().and_then(|(raw, _)| text(&raw.decode().ok()?)),
        _ => None,
    };
    let answer = answer.ok_or_else(|| failed(connection.node().as_str(), &reply))?;
    std::io::stdout()
        .write_all(format!("{answer}\n").as_bytes())
        .map_err(|error| Failure::new(format!("cannot write the output: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
