//! `beamship doctor`: whether toolchain, project and release are as they should be.
//!
//! Each of the three is looked at as far as that is possible without the others: without Elixir the files of the project and
//! the release are still looked at, and a project that does not load does not hide what is wrong with the release that was
//! built of it. What a release finds where it runs is the business of its own doctor, `bin/NAME doctor`.

mod profile;
mod project;
mod release;
mod sources;
mod toolchain;

use ::project::Survey;
use diagnosis::{Finding, Findings, Severity};

use crate::arguments::{DoctorArguments, GlobalArguments};
use crate::cache_directory;
use crate::hinted_error::HintedError;
use crate::output;
use crate::project_directory;

/// Checks everything and prints the findings.
pub(crate) fn run(arguments: &DoctorArguments, global: &GlobalArguments) -> anyhow::Result<()> {
    // In a directory whose name it cannot read Elixir never ends.
    let directory = project_directory::find()?;
    let mut findings = Findings::new();
    let has_elixir = toolchain::check(&directory, &mut findings);
    if let Some(problem) = cache_directory::problem() {
        findings.push(finding("cache", Severity::Warning, &problem.into()));
    }
    let is_release_named = arguments.release.is_some();
    let survey: Option<Survey> = project::check(has_elixir, is_release_named, &mut findings)?;
    release::check(arguments, survey.as_ref(), &mut findings)?;
    // Colours go no further where they are not wanted.
    let text = if global.json { findings.json() } else { findings.text(true) };
    output::print(text)?;
    match findings.failure() {
        None => Ok(()),
        Some(message) => anyhow::bail!(message),
    }
}

/// An error of another part as a finding: its hint is the remedy.
fn finding(check: &'static str, severity: Severity, error: &anyhow::Error) -> Finding {
    HintedError::from(error).into_finding(check, severity)
}
