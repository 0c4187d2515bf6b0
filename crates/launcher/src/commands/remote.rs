//! `remote`: a console on the running system.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::release::Release;
use crate::virtual_machine::{Program, become_control};

/// Opens the console. `--vm` opens IEx's own, in a virtual machine that connects to the running one.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    if arguments.first().is_some_and(|argument| argument == "--vm") {
        let node = environment.text("RELEASE_NODE")?.to_owned();
        return become_control(release, environment, &Program::Remote { node });
    }
    Err(Failure::new("the native `remote` is not there yet").hint("use `remote --vm`"))
}
