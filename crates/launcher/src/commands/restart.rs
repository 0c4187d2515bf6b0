//! `restart`: the system starts again in its process.

use std::process::ExitCode;

use node::Deadline;

use super::stop::ask;
use crate::control::{Route, SETUP_TIMEOUT, connect};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::release::Release;
use crate::virtual_machine;

/// Restarts the system in its process.
pub(super) fn run(release: &Release, environment: &Environment) -> Result<ExitCode, Failure> {
    match Route::find(release, environment)? {
        Route::Native { address, cookie } => {
            let mut connection = connect(&address, &cookie, Deadline::after(SETUP_TIMEOUT))?;
            ask(&mut connection, "restart", &address, &cookie)?;
            Ok(ExitCode::SUCCESS)
        }
        Route::VirtualMachine { protocol } => {
            virtual_machine::rpc(release, environment, "System.restart()", &protocol)
        }
    }
}
