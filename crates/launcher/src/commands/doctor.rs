//! `doctor`: whether this machine is what the system needs, and who can reach it.
//!
//! Most of what keeps a release from working where it has been put is not in the release: a variable that nobody has set, a
//! directory that belongs to somebody else, a library that is too old, a port that is open to everybody. Everything that can
//! be known about that without starting the system is checked here, and everything about the running one that can be known
//! without disturbing it. Nothing is written, and nothing that is missing (a shell, `/proc`, permissions) keeps the rest from
//! being checked.

mod cookie;
mod directories;
mod files;
mod limits;
mod listeners;
mod locale;
mod system;
mod time;
mod variables;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use diagnosis::{Findings, Severity, count};

use super::options::Options;
use crate::configuration::Configuration;
use crate::distribution::{Distribution, mode};
use crate::environment::{Environment, env_var};
use crate::failure::Failure;
use crate::output;
use crate::release::Release;

/// What every check needs.
struct DoctorContext<'a> {
    release: &'a Release,
    environment: &'a Environment,
    /// `sys.config`; none when it cannot be read.
    configuration: Option<Configuration>,
    /// None when the variable that says it is wrong.
    distribution: Option<Distribution>,
}

/// Runs all checks and prints what they find. Fails when something does not work.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    let options = Options::parse("doctor", arguments, &["--json"], None)?;
    let mut findings = Findings::new();
    let mut failed = |check, failure: Failure| findings.push(failure.into_finding(check, Severity::Error));
    let configuration = Configuration::read(release).map_err(|failure| failed("files", failure)).ok();
    let distribution = Distribution::from_environment(environment);
    let distribution = distribution.map_err(|failure| failed("settings", failure)).ok();
    let _ = mode(environment).map_err(|failure| failed("settings", failure));
    let context = DoctorContext { release, environment, configuration, distribution };

    files::check(&context, &mut findings);
    variables::check(&context, &mut findings);
    cookie::check(&context, &mut findings);
    directories::check(&context, &mut findings);
    limits::check(&mut findings);
    locale::check(&context, &mut findings);
    time::check(&context, &mut findings);
    let system = system::check(&context, &mut findings);
    listeners::check(&context, &system, &mut findings);

    let colour = std::io::stdout().is_terminal() && env_var("NO_COLOR").is_none();
    let text = if options.json { findings.json() } else { findings.text(colour) };
    let success = output::print(text.as_bytes())?;
    findings.failure().map_or(Ok(success), |message| Err(Failure::new(message)))
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000_000_000 => format!("{} MB", count(bytes / 1_000_000)),
        _ => format!("{} GB", count(bytes / 1_000_000_000)),
    }
}

/// What a check gives that has one result.
fn push_result(findings: &mut Findings, check: &'static str, result: Result<String, Failure>) {
    match result {
        Ok(message) => findings.ok(check, format_args!("{message}")),
        Err(failure) => findings.push(failure.into_finding(check, Severity::Error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1_048_576), "1,048,576");
        assert_eq!(size(512 << 20), "536 MB");
        assert_eq!(size(25 << 30), "26 GB");
    }
}
