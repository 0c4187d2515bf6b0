//! The recorded profile of a start, `rel/boot.profile`: whether it is of this project.
//!
//! The compiled code of the project decides. Before its first build nothing is known, and nothing is reported.

use camino::Utf8Path;
use diagnosis::{Finding, Findings};
use etf::Atom;
use release::{Application, ApplicationOrigin, OwnCode, PROFILE, Profile};

use crate::machine_files::MachineFiles;

/// A release of OTP that accepts duplicate names in a resource file: whether these are right is not the question here.
const LENIENT: u32 = 26;

/// Checks the profiles in these directories of templates. `build` is where Mix compiles to, `own` are the project's
/// applications.
pub(super) fn check<'t>(
    project: &Utf8Path,
    templates: impl Iterator<Item = &'t str>,
    build: &Utf8Path,
    own: &[&str],
    findings: &mut Findings,
) {
    let check = "boot_profile";
    let profiles: Vec<(String, Profile)> = templates
        .filter_map(|directory| {
            let path = format!("{directory}/{PROFILE}");
            let profile = Profile::parse(&fs_err::read(project.join(&path)).ok()?);
            Some((path, profile))
        })
        .collect();
    if profiles.is_empty() {
        return;
    }
    let applications = compiled(build);
    if applications.is_empty() {
        return;
    }
    let is_started = |application: &Application| {
        own.contains(&application.name.as_str()) && application.callback.is_some()
    };
    let own_code = if applications.iter().any(is_started) { OwnCode::Runs } else { OwnCode::MayNotRun };
    for (path, profile) in profiles {
        let modules = applications.iter().flat_map(|application| &application.modules).map(Atom::as_str);
        findings.push(if profile.is_foreign(modules, own_code) {
            Finding::warning(check, format!("{path} {}", Profile::FOREIGN), Profile::REMEDY)
        } else {
            Finding::ok(check, format!("{path} is a record of this project"))
        });
    }
}

/// The applications of the project and of its dependencies, as far as they have been compiled and can be read.
fn compiled(build: &Utf8Path) -> Vec<Application> {
    let directories = build.join("lib").read_dir_utf8().into_iter().flatten().flatten();
    let read = |directory: &Utf8Path| {
        let name = Atom::new(directory.file_name()?);
        Application::read(&name, directory, ApplicationOrigin::Project, LENIENT, &MachineFiles).ok()
    };
    directories.filter_map(|entry| read(entry.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_code_decides() {
        let directory = tempfile::tempdir().unwrap();
        let project = Utf8Path::from_path(directory.path()).unwrap();
        let build = project.join("_build/prod");
        let found = || {
            let mut findings = Findings::new();
            check(project, ["rel", "other"].into_iter(), &build, &["demo"], &mut findings);
            findings.json()
        };
        fs_err::create_dir(project.join("rel")).unwrap();
        fs_err::write(project.join("rel/boot.profile"), "lists\nElixir.Shop\n").unwrap();
        assert_eq!(found(), Findings::new().json(), "nothing is compiled");
        let code = build.join("lib/demo/ebin");
        fs_err::create_dir_all(&code).unwrap();
        let resource = "{application,demo,[{description,\"\"},{vsn,\"1\"},{modules,['Elixir.Demo']},{registered,[]},{applications,[kernel]},{mod,{'Elixir.Demo',[]}}]}.";
        fs_err::write(code.join("demo.app"), resource).unwrap();
        assert!(
            found().contains("\"warning\"") && found().contains("rel/boot.profile names no module"),
            "{}",
            found()
        );
        fs_err::write(project.join("rel/boot.profile"), "lists\nElixir.Demo\nElixir.Gone\n").unwrap();
        assert!(found().contains("\"ok\"") && !found().contains("other"), "{}", found());
    }
}
