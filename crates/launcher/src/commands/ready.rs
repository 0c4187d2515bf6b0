//! `ready`: is the start of the system complete?

use std::ffi::OsString;
use std::process::ExitCode;

use node::Deadline;

use super::options::Options;
use crate::control::Route;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::readiness::{self, POLL_INTERVAL};
use crate::release::Release;
use crate::virtual_machine;

const EXPRESSION: &str = "case :init.get_status() do {:started, _} -> :ok; status -> \
                          IO.puts(:stderr, inspect(status)); exit({:shutdown, 1}) end";

/// Exits with 0 once the system's start is complete and all its permanent applications run.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    let options = Options::parse("ready", arguments, &["--wait"], None)?;
    let deadline = options.wait.map(Deadline::after);
    if options.wait.is_some()
        && let Ok(Route::VirtualMachine { protocol }) = Route::find(release, environment)
    {
        return Err(Failure::new(format!("ready --wait does not work over `{protocol}`"))
            .hint("use `ready`, and ask again"));
    }
    loop {
        match ask(release, environment) {
            Ok(code) => return Ok(code),
            Err(failure) => {
                let Some(left) = deadline.and_then(Deadline::remaining) else { return Err(failure) };
                std::thread::sleep(left.min(POLL_INTERVAL));
            }
        }
    }
}

fn ask(release: &Release, environment: &Environment) -> Result<ExitCode, Failure> {
    match Route::find(release, environment)? {
        Route::Native { address, cookie } => {
            readiness::check(release, environment, &address, &cookie).map(|()| ExitCode::SUCCESS)
        }
        Route::VirtualMachine { protocol } => {
            virtual_machine::rpc(release, environment, EXPRESSION, &protocol)
        }
    }
}
