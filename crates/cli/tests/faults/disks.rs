//! A disk that is full, or read-only.

use std::process::Command;

use camino::Utf8PathBuf;

use crate::artefact::Artefact;
use crate::commands::Project;
use crate::sandbox::{Outcome, run, succeed};
use crate::world::{RELEASE, is_root};

/// Runs a script in a mount namespace of its own; none where that is not permitted.
fn with_mounts(project: &Project, script: &str, arguments: &[&str]) -> Option<Outcome> {
    let can_mount =
        Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !is_root() || !can_mount.is_ok_and(|output| output.status.success()) {
        testing::skip("mounting is not permitted here");
        return None;
    }
    let inner = project.beamship(arguments);
    let mut command = project.sandbox.command("unshare");
    command
        .args(["--mount", "/bin/sh", "-euc", script, "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    Some(run(command.current_dir(&project.path)))
}

#[test]
fn a_full_disk_keeps_the_earlier_release() {
    let project = Project::new(false);
    // The release is 11 MB: one fits, two do not.
    let script = "mkdir -p full; mount -t tmpfs -o size=18m none full
        cp -a _build/prod/rel/demo full/demo
        find full -type f | sort | xargs sha256sum >before
        if \"$@\"; then status=0; else status=$?; fi
        ls -A full >left
        find full -type f | sort | xargs sha256sum >after
        exit $status";
    let target = project.path.join("full/demo");
    let arguments = [&RELEASE[..], &["--path", target.as_str(), "--overwrite"]].concat();
    let Some(outcome) = with_mounts(&project, script, &arguments) else { return };
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("No space left on device (os error 28)\nhint: free space"),
        "{}",
        outcome.stderr
    );
    let read = |name: &str| std::fs::read_to_string(project.path.join(name)).unwrap();
    assert_eq!(read("left"), "demo\n");
    assert_eq!(read("before"), read("after"));
}

#[test]
fn a_read_only_file_system_is_named() {
    let project = Project::new(false);
    let before = Artefact::at(&project.target());
    let script = "mount --bind _build _build; mount -o remount,bind,ro _build; exec \"$@\"";
    let Some(outcome) = with_mounts(&project, script, &[&RELEASE[..], &["--overwrite"]].concat()) else {
        return;
    };
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("Read-only file system (os error 30)\nhint: the file system is read-only"),
        "{}",
        outcome.stderr
    );
    assert!(Artefact::at(&project.target()) == before);
}

/// A cache that cannot be written to costs time, and nothing else.
#[test]
fn a_read_only_cache_is_no_error() {
    let project = Project::new(false);
    let assets = project.path.join("priv/static");
    std::fs::create_dir_all(&assets).unwrap();
    std::fs::write(assets.join("app.css"), "a{color:red}".repeat(100)).unwrap();
    let script = "mount --bind \"$XDG_CACHE_HOME\" \"$XDG_CACHE_HOME\"
        mount -o remount,bind,ro \"$XDG_CACHE_HOME\"; exec \"$@\"";
    let digest = ["digest", "--no-vsn"];
    let Some(outcome) = with_mounts(&project, script, &digest) else { return };
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let compressed = |directory: &Utf8PathBuf| {
        let names = directory.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned());
        names.filter(|name| name.ends_with(".gz")).count()
    };
    assert_eq!(compressed(&assets), 2);
    let release = with_mounts(&project, script, &[&RELEASE[..], &["--overwrite", "--tar"]].concat()).unwrap();
    assert_eq!(release.status, Some(0), "{}", release.stderr);
}

/// A cache on a disk that is full, or has so little room that only the beginning of something can be written: builds know
/// nothing of the last one, nothing is half there, and that is all.
#[test]
fn a_full_cache_is_no_error() {
    let project = Project::new(false);
    let assets = project.path.join("priv/static");
    std::fs::create_dir_all(&assets).unwrap();
    std::fs::write(assets.join("app.css"), "a{color:red}".repeat(100)).unwrap();
    // A page is 4 KiB. What is there beside the filler when the command has ended was written whole, or should not be there.
    let script = |room: u32| {
        format!(
            "mount -t tmpfs -o size=64k none \"$XDG_CACHE_HOME\"
            head -c {} /dev/zero >\"$XDG_CACHE_HOME/filler\"
            \"$@\"
            (cd \"$XDG_CACHE_HOME\"; find . -type f ! -name filler -size -1) >empty
            (cd \"$XDG_CACHE_HOME\"; find . -name '*.new' -o -name '*.beamship-*' -o -name '.tmp*') >drafts",
            (16 - room) * 4096
        )
    };
    let commands: [&[&str]; 4] = [
        &["build", "--quiet"],
        &["build", "--quiet", "--tar"],
        &["release", "--quiet", "--overwrite", "--zstd"],
        &["digest", "--quiet", "--no-vsn"],
    ];
    for room in [0, 1, 2] {
        for arguments in commands {
            let version = format!("{room} {arguments:?}").replace('"', "'");
            let text = format!("defmodule Demo do\n  def version, do: \"{version}\"\nend\n");
            std::fs::write(project.path.join("lib/demo.ex"), text).unwrap();
            let Some(outcome) = with_mounts(&project, &script(room), arguments) else { return };
            assert_eq!(outcome.status, Some(0), "{room} {arguments:?}\n{}", outcome.stderr);
            if arguments[0] != "digest" {
                assert_eq!(project.version_of(&project.target()), version);
            }
            for name in ["empty", "drafts"] {
                let left = std::fs::read_to_string(project.path.join(name)).unwrap();
                assert_eq!(left, "", "{name} with {room} pages left, {arguments:?}");
            }
        }
    }
}

/// Mix cannot write what it compiles: the release stays what it was, and when there is room again everything is as if
/// nothing had happened.
#[test]
fn a_full_disk_while_mix_compiles_keeps_the_earlier_release() {
    let project = Project::new(false);
    let set_version = |version: u32| {
        let text = format!("defmodule Demo do\n  def version, do: {version}\nend\n");
        std::fs::write(project.path.join("lib/demo.ex"), text).unwrap();
    };
    let another = project.path.join("lib/another.ex");
    for arguments in [&["build"][..], &["build", "--quiet"], &["release", "--overwrite"]] {
        set_version(1);
        succeed(&mut project.beamship(arguments));
        let before = Artefact::at(&project.target());
        set_version(2);
        // A file of the same size fits where it was before; another one does not.
        std::fs::write(&another, "defmodule Another do\nend\n").unwrap();
        // What is compiled goes to a disk of its own, with all that is there already.
        let script = "library=_build/prod/lib
            cp -a $library before; mount -t tmpfs -o size=512k none $library; cp -a before/. $library; rm -r before
            cat /dev/zero >$library/filler 2>/dev/null || true
            if \"$@\"; then status=0; else status=$?; fi
            cp -a _build/prod/rel/demo after; rm $library/filler
            \"$@\" || status=\"$status, then $?\"
            _build/prod/rel/demo/bin/demo eval 'IO.puts(Demo.version())' >version
            echo $status >status";
        let Some(outcome) = with_mounts(&project, script, arguments) else { return };
        let read = |name: &str| std::fs::read_to_string(project.path.join(name)).unwrap();
        assert_eq!(read("status"), "1\n", "{}", outcome.stderr);
        let said = &outcome.stderr;
        assert!(said.contains("no space left on device"), "{said}");
        assert!(said.contains("_build/prod/lib/demo"), "{said}");
        assert!(!said.contains("has a defect"), "{said}");
        let after = Artefact::at(&project.path.join("after"));
        assert!(after == before, "{}", after.difference(&before));
        std::fs::remove_dir_all(project.path.join("after")).unwrap();
        assert_eq!(read("version"), "2\n");
        std::fs::remove_file(&another).unwrap();
    }
}
