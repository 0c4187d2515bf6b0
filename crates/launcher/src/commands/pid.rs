//! `pid`: which process is the system?

use std::process::ExitCode;

use node::Deadline;

use crate::calls::os_process_id;
use crate::control::{Route, SETUP_TIMEOUT, connect};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output;
use crate::release::Release;
use crate::virtual_machine;

/// Prints the number of the system's process.
pub(super) fn run(release: &Release, environment: &Environment) -> Result<ExitCode, Failure> {
    match Route::find(release, environment)? {
        Route::Native { address, cookie } => {
            let deadline = Deadline::after(SETUP_TIMEOUT);
            let pid = os_process_id(&mut connect(&address, &cookie, deadline)?, deadline)?;
            output::print(format!("{pid}\n").as_bytes())
        }
        Route::VirtualMachine { protocol } => {
            virtual_machine::rpc(release, environment, "IO.puts(System.pid())", &protocol)
        }
    }
}
