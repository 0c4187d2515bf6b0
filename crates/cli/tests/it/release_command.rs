//! `beamship release`, as far as it differs from `beamship build`.

use crate::project;
use crate::sandbox::{Sandbox, fail, succeed};

#[test]
fn path_and_version_can_be_given() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.beamship(&demo, &["release", "demo", "--path", "out", "--version", "9.9.9"]));
    let version = succeed(sandbox.command(demo.join("out/bin/demo")).arg("version"));
    assert_eq!(version.stdout, "demo 9.9.9\n");
}

/// Mix exits 0 and ships yesterday's code: an existing release is replaced when there is nobody to ask.
#[test]
fn without_a_terminal_an_existing_release_is_replaced() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.beamship(&demo, &["release"]));
    std::fs::write(demo.join("priv/hello"), "changed").unwrap();
    std::fs::write(demo.join("_build/prod/rel/demo/kept-by-somebody"), "data").unwrap();
    succeed(&mut sandbox.beamship(&demo, &["release"]));
    let release = demo.join("_build/prod/rel/demo");
    assert_eq!(std::fs::read_to_string(release.join("lib/demo-0.1.0/priv/hello")).unwrap(), "changed");
    assert_eq!(std::fs::read_to_string(release.join("kept-by-somebody")).unwrap(), "data");
}

/// The switch had no effect: the release was replaced all the same.
#[test]
fn who_says_no_overwrite_keeps_the_release() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let mix_exs = std::fs::read_to_string(demo.join("mix.exs")).unwrap();
    std::fs::write(demo.join("mix.exs"), mix_exs.replace("demo: []", "demo: [overwrite: true]")).unwrap();
    succeed(&mut sandbox.beamship(&demo, &["release", "--no-overwrite"]));
    let edited = demo.join("_build/prod/rel/demo/releases/0.1.0/env.sh");
    std::fs::write(&edited, "# edited").unwrap();
    let outcome = fail(&mut sandbox.beamship(&demo, &["release", "--no-overwrite"]));
    let said = "error: demo-0.1.0 was not replaced: there is nobody to ask\nhint: --overwrite replaces without asking\n";
    assert!(outcome.ends_with(said), "{}", outcome);
    assert_eq!(std::fs::read_to_string(&edited).unwrap(), "# edited");
    succeed(&mut sandbox.beamship(&demo, &["release", "--no-overwrite", "--overwrite"]));
    assert_ne!(std::fs::read_to_string(&edited).unwrap(), "# edited");
}

/// Hex was installed for a run that was to change nothing, and the project was taken for an application of OTP.
#[test]
fn a_dry_run_of_a_build_says_when_nothing_is_compiled() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let outcome = fail(&mut sandbox.beamship(&demo, &["build", "--dry-run"]));
    let said = "error: `demo` has not been compiled for MIX_ENV=prod, so what is in its release is not known\nhint: ";
    assert!(outcome.contains(said), "{}", outcome);
    let mix_exs = std::fs::read_to_string(demo.join("mix.exs")).unwrap();
    std::fs::write(demo.join("mix.exs"), mix_exs.replace("deps: [", "deps: [{:jason, \"~> 1.4\"}, "))
        .unwrap();
    let outcome = fail(&mut sandbox.beamship(&demo, &["build", "--dry-run"]));
    assert!(!outcome.contains("Hex? [Yn] y"), "{}", outcome);
    assert!(!sandbox.join("home/.mix/archives").exists());
}

/// "1, fetched", and then hints that helped nobody.
#[test]
fn a_path_dependency_that_is_not_there_is_named() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let mix_exs = std::fs::read_to_string(demo.join("mix.exs")).unwrap();
    std::fs::write(demo.join("mix.exs"), mix_exs.replace("deps: [", "deps: [{:gone, path: \"../gone\"}, "))
        .unwrap();
    let outcome = fail(&mut sandbox.beamship(&demo, &["build"]));
    let said =
        format!("error: the directory of the dependency gone is not there: {}\n", sandbox.join("gone"));
    assert!(outcome.contains(&said) && !outcome.contains("fetched"), "{}", outcome);
}

#[test]
fn an_overlay_that_is_gone_disappears() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.beamship(&demo, &["release"]));
    let overlay = demo.join("_build/prod/rel/demo/etc/demo.conf");
    assert!(overlay.exists());
    std::fs::remove_dir_all(demo.join("rel/overlays/etc")).unwrap();
    succeed(&mut sandbox.beamship(&demo, &["release"]));
    assert!(!overlay.exists());
}

/// Nothing was said when there was no tarball to leave the cookie out of, nor of a tarball of an earlier build beside the new one.
#[test]
fn what_is_said_of_tarballs_is_all_that_there_is_to_know() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let release = |arguments: &[&str]| {
        let mut command = sandbox.beamship(&demo, &["release"]);
        succeed(command.args(arguments)).stderr
    };
    let said = release(&["--no-cookie", "--quiet"]);
    assert!(said.starts_with("warning: --no-cookie is about the tarball, and none is made"), "{said}");
    assert!(demo.join("_build/prod/rel/demo/releases/COOKIE").exists());
    assert_eq!(release(&["--no-cookie", "--quiet", "--tar"]), "");
    let said = release(&["--tar", "--zstd"]);
    assert!(said.contains("\n  demo-0.1.0.tar.gz beside it is of an earlier build\n"), "{said}");
    let said = release(&["--tar"]);
    assert!(said.contains("\n  demo-0.1.0.tar.zst beside it is of an earlier build\n"), "{said}");
    std::fs::remove_file(demo.join("_build/prod/demo-0.1.0.tar.zst")).unwrap();
    assert!(!release(&["--tar"]).contains("beside it"));
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.mix(&demo, &["compile"]));
    let outcome = succeed(&mut sandbox.beamship(&demo, &["release", "--dry-run"]));
    assert!(outcome.stdout.contains("releases/0.1.0/start.boot"), "{}", outcome.stdout);
    let outcome = succeed(&mut sandbox.beamship(&demo, &["release", "--dry-run", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&report["written"], report.get("bytes")), (&serde_json::Value::Bool(false), None));
    assert!(!demo.join("_build/prod/rel").exists());
}

#[test]
fn json_describes_the_release() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let outcome = succeed(&mut sandbox.beamship(&demo, &["build", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["name"], "demo");
    assert_eq!(report["version"], "0.1.0");
    assert_eq!(report["environment"], "prod");
    assert_eq!(report["written"], true);
    assert!(report["bytes"].as_u64().unwrap() > 0, "{report}");
    let names: Vec<&str> = report["applications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"greeter") && names.contains(&"runtime_tools"), "{names:?}");
    assert!(report["phases"].as_array().unwrap().iter().any(|phase| phase["name"] == "assemble"));
}

#[test]
fn an_unknown_release_is_refused() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let message = fail(&mut sandbox.beamship(&demo, &["release", "other"]));
    assert!(message.contains("other") && message.contains("demo"), "{message}");
}
