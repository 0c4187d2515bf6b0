//! What is around a build: other builds, a umask, times of files, permissions.

use std::collections::HashSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use crate::artefact::Artefact;
use crate::commands::Project;
use crate::injector::{Call, Fault, run_with};
use crate::sandbox::{Outcome, Sandbox, run, succeed};
use crate::sweep::Source;

pub(crate) const RELEASE: [&str; 4] = ["release", "--no-compile", "--no-deps-check", "--quiet"];

/// Names beside a release that belong to a build, not to the project.
fn left_beside(release: &Utf8Path) -> Vec<String> {
    let parent = release.parent().unwrap();
    let names = parent.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned());
    names.filter(|name| name.starts_with('.') && !name.ends_with("lock")).collect()
}

/// Runs a shell command line around `beamship`, which is `"$@"` in it.
fn within(project: &Project, script: &str, arguments: &[&str]) -> Outcome {
    let inner = project.beamship(arguments);
    let mut command = project.sandbox.command("/bin/sh");
    command
        .current_dir(&project.path)
        .args(["-c", script, "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    run(&mut command)
}

#[test]
fn two_builds_at_once_leave_one_whole_release() {
    let project = Project::new(false);
    let build = || {
        let mut command = project.beamship(&["release", "--overwrite"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for round in 1..=2 {
        std::fs::write(
            project.path.join("lib/demo.ex"),
            format!("defmodule Demo do\n  def version, do: \"round {round}\"\nend\n"),
        )
        .unwrap();
        let builds = [build(), build()];
        for child in builds {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert_eq!(project.version_of(&project.target()), format!("round {round}"));
    }
    assert!(left_beside(&project.target()).is_empty());
}

#[test]
fn two_archives_at_once_are_whole() {
    let project = Project::new(false);
    project.set_source(Source::One);
    let arguments = [&RELEASE[..], &["--tar"]].concat();
    succeed(&mut project.beamship(&arguments));
    let archive = project.path.join("_build/prod/demo-0.1.0.tar.gz");
    let before = Artefact::at(&archive);
    let children = [0; 2].map(|_| project.beamship(&arguments).stderr(Stdio::piped()).spawn().unwrap());
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(Artefact::at(&archive), before);
    assert!(left_beside(&archive).is_empty());
}

#[test]
fn the_umask_has_no_say_and_secrets_are_private() {
    let project = Project::new(false);
    let archive = project.path.join("_build/prod/demo-0.1.0.tar.gz");
    let arguments = [&RELEASE[..], &["--tar"]].concat();
    let made = ["000", "022", "077"].map(|umask| {
        let _ = std::fs::remove_dir_all(project.target());
        std::fs::create_dir_all(project.target().join("releases")).unwrap();
        std::fs::write(project.target().join("releases/start_erl.data"), "").unwrap();
        std::fs::write(project.target().join("releases/COOKIE"), "cookie").unwrap();
        let outcome = within(&project, &format!("umask {umask}; exec \"$@\""), &arguments);
        assert_eq!(outcome.status, Some(0), "umask {umask}: {}", outcome.stderr);
        let mode = project.target().join("releases/COOKIE").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o400);
        (Artefact::at(&project.target()), Artefact::at(&archive))
    });
    assert!(made[0] == made[1] && made[1] == made[2], "{}", made[0].0.difference(&made[2].0));
}

/// What a build has not published yet is nobody else's business, from the moment it is there, whatever the umask is: the
/// cookie is in it.
#[test]
fn what_is_not_published_is_private_from_the_beginning() {
    let project = Project::new(false);
    let mut command = project.sandbox.command("/bin/sh");
    let beamship = project.beamship(&[&RELEASE[..], &["--tar"]].concat());
    command
        .args(["-c", "umask 000; exec \"$@\"", "sh"])
        .arg(beamship.get_program())
        .args(beamship.get_args());
    command.current_dir(&project.path);
    let (outcome, calls) = run_with(&project.sandbox, &project.path, 0, Fault::Kill, &command);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let created: Vec<_> = calls.iter().filter_map(|call| Some((call.mode?, &call.path))).collect();
    assert!(created.iter().any(|(_, path)| path.ends_with("new/releases/COOKIE")), "{created:?}");
    let is_private = |path: &Utf8Path| path.as_str().contains(".beamship-");
    assert!(created.iter().filter(|(_, path)| is_private(path)).count() > 100);
    for (mode, path) in created {
        assert_eq!(mode & 0o077, 0, "{path} is created with mode {mode:o}");
        assert!(is_private(path), "{path}");
    }
    // Names are not known beforehand.
    let (_, again) = run_with(&project.sandbox, &project.path, 0, Fault::Kill, &command);
    let names = |calls: &[Call]| -> HashSet<Utf8PathBuf> {
        let created =
            calls.iter().filter(|call| call.mode.is_some() && !call.path.as_str().ends_with("lock"));
        created.map(|call| call.path.clone()).collect()
    };
    assert!(names(&calls).is_disjoint(&names(&again)));
}

/// What was compiled when the clock was a day ahead is older than what is changed now, whatever the times say.
#[test]
fn a_clock_that_goes_backwards_ships_nothing_stale() {
    let project = Project::new(false);
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let build = project.path.join("_build");
    // Of the same size as the source before, which would give it away.
    for number in [3, 4] {
        let in_the_future = |path: &Utf8Path| {
            let file = std::fs::File::open(path).unwrap();
            file.set_modified(tomorrow).unwrap();
        };
        for_each_file(&build, &in_the_future);
        let text = format!("defmodule Demo do\n  def version, do: {number}\nend\n");
        std::fs::write(project.path.join("lib/demo.ex"), text).unwrap();
        let outcome = succeed(&mut project.beamship(&["release", "--quiet", "--overwrite"]));
        assert_eq!(project.version_of(&project.target()), number.to_string(), "{}", outcome.stderr);
    }
    // A source from the future is compiled too.
    let source = project.path.join("lib/demo.ex");
    std::fs::write(&source, "defmodule Demo do\n  def version, do: 5\nend\n").unwrap();
    std::fs::File::options().write(true).open(&source).unwrap().set_modified(tomorrow).unwrap();
    succeed(&mut project.beamship(&["release", "--quiet", "--overwrite"]));
    assert_eq!(project.version_of(&project.target()), "5");
}

fn for_each_file(directory: &Utf8Path, action: &dyn Fn(&Utf8Path)) {
    for entry in directory.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            for_each_file(entry.path(), action);
        } else if kind.is_file() {
            action(entry.path());
        }
    }
}

/// They used to be written to `NAME.new` first, through whatever link stood there.
#[test]
fn generated_files_follow_no_link_and_leave_no_draft() {
    let sandbox = Sandbox::new();
    let project = sandbox.join("demo");
    std::fs::create_dir_all(project.join("rel")).unwrap();
    std::fs::write(project.join("mix.exs"), "").unwrap();
    let outside = sandbox.join("outside");
    std::fs::write(&outside, "mine").unwrap();
    std::os::unix::fs::symlink(&outside, project.join("rel/vm.args.eex.new")).unwrap();
    succeed(&mut sandbox.beamship(&project, &["init"]));
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "mine");
    // What a killed run has left is removed by the next one.
    let left = project.join("rel/.vm.args.eex.beamship-abcdefABCDEF");
    std::fs::write(&left, "half").unwrap();
    std::fs::write(project.join("rel/vm.args.eex"), "another").unwrap();
    succeed(&mut sandbox.beamship(&project, &["init", "--force"]));
    assert!(!left.exists());
}

/// Root may write anywhere: only other users are refused by permissions.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A directory that others own and nobody else may write to.
#[test]
fn a_directory_without_permission_is_named() {
    let project = Project::new(false);
    let place = project.path.join("closed");
    std::fs::create_dir(&place).unwrap();
    std::fs::set_permissions(&place, Permissions::from_mode(0o555)).unwrap();
    let target = place.join("demo");
    let arguments = [&RELEASE[..], &["--path", target.as_str()]].concat();
    let outcome = if is_root() {
        // Without the capabilities that let root write anywhere.
        within(&project, "exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"", &arguments)
    } else {
        run(&mut project.beamship(&arguments))
    };
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("Permission denied (os error 13)\nhint: check its owner"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains(place.as_str()), "{}", outcome.stderr);
    assert_eq!(place.read_dir_utf8().unwrap().count(), 0);
}
