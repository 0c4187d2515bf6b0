//! EPMD, which a distributed node does not start without.
//!
//! `erlexec` starts EPMD by `system(3)`, which needs `/bin/sh`. In an image without one it would not be started, so the launcher does
//! it, before the virtual machine. And where the launcher has just seen one answer, `erlexec` is told not to: a shell and a second
//! EPMD that ends at once would be waited for.

use std::process::{Command, Stdio};

use crate::distribution::Distribution;
use crate::env_sh::has_shell;
use crate::environment::Environment;
use crate::exposure::Exposure;
use crate::failure::Failure;
use crate::release::Release;
use crate::vm_arguments::has_flag;

/// What a start knows of the EPMD of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Epmd {
    /// It has just answered.
    Answers,
    /// It was not asked, or has not answered: there may be one.
    #[default]
    NotSeen,
}

/// Starts EPMD where it is needed and erlexec cannot. One that runs already is left as it is.
pub(crate) fn start_without_shell(
    release: &Release,
    environment: &Environment,
    exposure: &Exposure,
) -> Result<(), Failure> {
    let is_needed = Distribution::from_environment(environment)? != Distribution::None
        && exposure.port.is_none()
        && exposure.epmd == Epmd::NotSeen
        && !has_flag(environment, "-start_epmd")
        && !has_flag(environment, "-erl_epmd_port");
    let program = release.erts_bin().map(|bin| bin.join("epmd")).filter(|program| program.is_file());
    let (true, false, Some(program)) = (is_needed, has_shell(), program) else { return Ok(()) };
    let mut command = Command::new(&program);
    command.arg("-daemon").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    exposure.apply(&mut command);
    // It goes to the background by itself. When it cannot, the virtual machine says that it is not there.
    command.status().map(|_| ()).map_err(|error| Failure::cannot("start", program.display(), error))
}
