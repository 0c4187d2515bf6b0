//! Releases that have been built: whether they are complete, up to date, and for one machine.

use std::os::unix::fs::PermissionsExt;

use ::project::Survey;
use abi::Finding as AbiFinding;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Parser;
use diagnosis::{ERTS_PROGRAMS, Finding, Findings, Severity};
use freshness::Difference;

use super::{finding, sources};
use crate::arguments::{Arguments, Command, DoctorArguments};
use crate::commands::check::on_this_machine;
use crate::last_build::{LastBuild, Summary};
use crate::{launcher_file, release_directory};

/// What every release has in `releases/VSN`.
const FILES: [&str; 4] = ["start.boot", "start_clean.boot", "sys.config", "vm.args"];

const REBUILD: &str = "build it again: `beamship build`";

/// Checks the one that is named, or all.
///
/// # Errors
///
/// When the directory of the project cannot be used.
pub(super) fn check(
    arguments: &DoctorArguments,
    survey: Option<&Survey>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let directories = match &arguments.release {
        None => release_directory::all()?,
        Some(given) => {
            let path = Utf8Path::new(given);
            let is_path = path.is_dir() || given.contains('/');
            let found = if is_path {
                release_directory::find(Some(path), None)
            } else {
                release_directory::find(None, Some(given))
            };
            match found {
                Ok(directory) => vec![directory],
                Err(error) => {
                    findings.push(finding("release", Severity::Error, &error));
                    return Ok(());
                }
            }
        }
    };
    if directories.is_empty() {
        findings.push(Finding::ok("release", "none has been built yet"));
    }
    let project = crate::project_directory::find()?;
    for directory in directories {
        // Sources say nothing about a release that was copied from somewhere else.
        let is_of_project = directory.starts_with(&project) && project.join("mix.exs").is_file();
        let project = is_of_project.then_some(project.as_path());
        check_release(&directory, project, survey, findings);
    }
    Ok(())
}

fn check_release(
    directory: &Utf8Path,
    project: Option<&Utf8Path>,
    survey: Option<&Survey>,
    findings: &mut Findings,
) {
    let (name, version) = match release_directory::identity(directory) {
        Ok(identity) => identity,
        Err(error) => {
            let mut found = finding("release", Severity::Error, &error);
            found.remedy.get_or_insert_with(|| REBUILD.to_owned());
            findings.push(found);
            return;
        }
    };
    findings.push(Finding::ok("release", format!("{name} {version} in {directory}")));
    if let Some(project) = project {
        findings.extend(freshness(directory, project, survey));
    }
    findings.push(files(&directory.join("releases").join(&version)));
    findings.push(modes(directory, &name));
    findings.push(launcher(&directory.join("bin").join(&name)));
    native_code(directory, findings);
}

/// Whether it is up to date: by the record of the last build, where there is one, else by the times of files, which also
/// change when nothing else does.
fn freshness(directory: &Utf8Path, project: &Utf8Path, survey: Option<&Survey>) -> Option<Finding> {
    let check = "freshness";
    match recorded(directory, survey) {
        Some(Ok(_)) => return Some(Finding::ok(check, "another build would make the same")),
        Some(Err(difference @ (Difference::Changed(_) | Difference::New(_) | Difference::Gone(_)))) => {
            return Some(Finding::warning(check, format!("since it was built: {difference}"), REBUILD));
        }
        // The environment of the build, or a release that was made in another way, says nothing about sources.
        _ => {}
    }
    let built = fs_err::metadata(directory.join(contract::START_ERL_DATA)).ok()?.modified().ok()?;
    let applications: Vec<Utf8PathBuf> = match survey {
        Some(survey) => {
            survey.applications.iter().map(|application| application.path.as_str().into()).collect()
        }
        None => Vec::new(),
    };
    Some(match sources::changed_since(project, &applications, built) {
        None => Finding::ok(check, "no source is newer"),
        Some(path) => Finding::warning(check, format!("since it was built: `{path}` has changed"), REBUILD),
    })
}

/// What the record of `beamship build`, or `beamship build NAME`, says.
fn recorded(directory: &Utf8Path, survey: Option<&Survey>) -> Option<Result<Summary, Difference>> {
    let name = directory.file_name()?;
    let is_default = survey.is_none_or(|survey| survey.releases.first().is_some_and(|first| first == name));
    let command_lines = [vec!["beamship", "build", name], vec!["beamship", "build"]];
    let results = command_lines.into_iter().take(if is_default { 2 } else { 1 }).filter_map(|command_line| {
        let Command::Build(arguments) = Arguments::try_parse_from(command_line).ok()?.command else {
            return None;
        };
        match LastBuild::of_build(&arguments).ok()?.reuse() {
            Err(None) => None,
            Err(Some(difference)) => Some(Err(difference)),
            Ok(summary) => Some(Ok(summary)),
        }
    });
    // One that is up to date is enough.
    results.max_by_key(Result::is_ok)
}

fn files(directory: &Utf8Path) -> Finding {
    let check = "boot_scripts";
    let missing: Vec<&str> = FILES.into_iter().filter(|name| !directory.join(name).is_file()).collect();
    if missing.is_empty() {
        return Finding::ok(check, "boot scripts and configuration are there");
    }
    Finding::error(check, format!("`{directory}` has no {}", missing.join(", no ")), REBUILD)
}

/// Programs that cannot be run, because whatever has copied the release has lost their modes.
fn modes(directory: &Utf8Path, name: &str) -> Finding {
    let check = "executables";
    let mut programs = vec![directory.join("bin").join(name)];
    for entry in directory.read_dir_utf8().into_iter().flatten().flatten() {
        if entry.file_name().starts_with("erts-") {
            programs.extend(ERTS_PROGRAMS.map(|program| entry.path().join("bin").join(program)));
        }
    }
    for program in &programs {
        let problem = match fs_err::metadata(program) {
            Ok(metadata) if metadata.permissions().mode() & 0o111 != 0 => continue,
            Ok(_) => format!("`{program}` is not executable"),
            Err(_) => format!("`{program}` is not there"),
        };
        return Finding::error(
            check,
            problem,
            "copy releases as tarballs, which keep the modes; or build it again",
        );
    }
    Finding::ok(check, format!("all {} can be run", programs.len()))
}

/// Whether the release is controlled by the launcher of this beamship.
fn launcher(program: &Utf8Path) -> Finding {
    let check = "release_launcher";
    // That there is none has been reported already.
    let (Ok(own), Ok(path)) = (fs_err::read(program), launcher_file::find()) else {
        return Finding::detail(check, "cannot be compared");
    };
    if own.starts_with(b"#!") {
        return Finding::warning(
            check,
            format!("`{program}` is a shell script: `mix release` has made this release"),
            "`beamship build` makes one with a native launcher",
        );
    }
    match fs_err::read(path) {
        Ok(current) if current == own => Finding::ok(check, "the one of this beamship"),
        Ok(_) => Finding::warning(check, format!("`{program}` is of another version of beamship"), REBUILD),
        Err(error) => finding(check, Severity::Warning, &error.into()),
    }
}

fn native_code(directory: &Utf8Path, findings: &mut Findings) {
    let check = "native_code";
    let report = match on_this_machine(directory) {
        Ok(report) => report,
        Err(error) => {
            findings.push(finding(check, Severity::Warning, &error));
            return;
        }
    };
    for found in &report.findings {
        let (message, hint) = (found.to_string(), found.hint());
        findings.push(match found {
            AbiFinding::Damaged { .. } | AbiFinding::Architecture { .. } => {
                Finding::error(check, message, hint)
            }
            // It may be meant for another machine.
            _ => Finding::warning(
                check,
                format!("on this machine {message}"),
                format!("{hint}; if it is for another one: `beamship check abi --target DIR|IMAGE`"),
            ),
        });
    }
    if report.is_ok() {
        let files = report.files.len();
        let machine = report.machine.map(|machine| format!(" for {machine}")).unwrap_or_default();
        findings.push(Finding::ok(
            check,
            format!("{files} ELF files{machine}: this machine has all that they need"),
        ));
    }
}
