//! `ping`: does the system answer?

use std::process::ExitCode;

use node::Deadline;

use crate::calls::value;
use crate::control::{Route, SETUP_TIMEOUT, connect};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output;
use crate::release::Release;
use crate::virtual_machine;

/// Prints `pong` when the node answers.
pub(super) fn run(release: &Release, environment: &Environment) -> Result<ExitCode, Failure> {
    match Route::find(release, environment)? {
        Route::Native { address, cookie } => {
            let deadline = Deadline::after(SETUP_TIMEOUT);
            let mut connection = connect(&address, &cookie, deadline)?;
            let alive = value(&mut connection, ("erlang", "is_alive"), vec![], deadline)?;
            if !alive.is_atom("true") {
                return Err(Failure::new(format!("`{}` is not alive any more", address.node())));
            }
            output::print(b"pong\n")
        }
        Route::VirtualMachine { protocol } => {
            virtual_machine::rpc(release, environment, "IO.puts(\"pong\")", &protocol)
        }
    }
}
