//! `version`: which release is this?

use std::process::ExitCode;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::output;
use crate::release::Release;

/// Prints name and version of the release.
pub(super) fn run(release: &Release, environment: &Environment) -> Result<ExitCode, Failure> {
    output::print(format!("{} {}\n", environment.text("RELEASE_NAME")?, release.version).as_bytes())
}
