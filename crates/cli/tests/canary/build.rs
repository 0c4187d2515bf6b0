//! All that is printed and made by the commands of beamship, but for those that talk to a registry.

use std::os::unix::fs::PermissionsExt;

use crate::canaries::{COMPILED, CONFIGURED, COOKIE};
use crate::project::Project;
use crate::sandbox::run;
use crate::search::{Place, are_there_alone, is_clean, search};

/// What a command evaluates, so that it has met what there is.
const MIX: &[&str] = &["mix"];
const RUNTIME: &[&str] = &["runtime"];
const NOTHING: &[&str] = &[];

/// Commands in their order, and which files they evaluate.
const COMMANDS: &[(&[&str], &[&str])] = &[
    (&["release", "--verbose", "--tar"], MIX),
    (&["release", "--verbose", "--json", "--overwrite"], MIX),
    (&["release", "--verbose", "--zstd", "--overwrite", "--no-cache"], MIX),
    (&["release", "--dry-run", "--json"], MIX),
    (&["release", "--dry-run", "--verbose"], MIX),
    (&["build", "--verbose", "--no-cache"], MIX),
    (&["build", "--verbose", "--tar", "--path", "elsewhere"], MIX),
    (&["build", "--verbose"], MIX),
    (&["build", "--json"], NOTHING),
    (&["build", "--dry-run", "--verbose"], NOTHING),
    (&["build", "--dry-run", "--json", "--no-cache"], MIX),
    (&["profile-boot", "--verbose"], RUNTIME),
    (&["profile-boot", "--json", "--exercise", "true"], RUNTIME),
    (&["explain-boot", "--verbose"], RUNTIME),
    (&["explain-boot", "--json", "--svg", "start.svg"], RUNTIME),
    (&["init", "--verbose"], NOTHING),
    (&["init", "--json", "--force"], NOTHING),
    (&["gen", "--verbose", "--dry-run"], MIX),
    (&["gen", "release", "docker", "entrypoint", "fly", "systemd", "k8s", "--verbose"], MIX),
    (
        &[
            "gen",
            "release",
            "docker",
            "entrypoint",
            "--builder",
            "beamship",
            "--minimal",
            "--json",
            "--force",
        ],
        MIX,
    ),
    (&["digest", "--verbose"], NOTHING),
    (&["digest", "--json", "--output", "digested", "--zstd"], NOTHING),
    (&["digest", "clean", "--all", "--verbose", "--output", "digested"], NOTHING),
    (&["image", "--verbose", "--output", "image"], MIX),
    (&["image", "--json", "--zstd", "--release", "_build/prod/rel/demo", "--output", "image.tar"], NOTHING),
    (&["image", "--dry-run", "--verbose", "--shell", "--time-zones"], MIX),
    (&["image", "inspect", "image", "--json"], NOTHING),
    (&["image", "inspect", "image.tar", "--since", "image", "--verbose"], NOTHING),
    (&["check", "abi", "--verbose"], NOTHING),
    (&["check", "abi", "--json"], NOTHING),
    (&["check", "abi", "--target", "image"], NOTHING),
    (&["doctor", "--verbose"], MIX),
    (&["doctor", "--json", "--release", "demo"], MIX),
    (&["secret", "--env"], NOTHING),
    (&["completions", "bash"], NOTHING),
    (&["man"], NOTHING),
    (&["help", "release"], NOTHING),
];

#[test]
fn canaries_are_where_they_belong_and_nowhere_else() {
    let project = Project::new();
    for (arguments, evaluates) in COMMANDS {
        let outcome = run(&mut project.beamship(arguments));
        assert_eq!(outcome.status, Some(0), "{arguments:?}\n{}\n{}", outcome.stdout, outcome.stderr);
        assert!(!(outcome.stdout.is_empty() && outcome.stderr.is_empty()), "{arguments:?} prints nothing");
        is_clean(arguments, &outcome);
        for file in *evaluates {
            assert!(project.has_met_secrets(file), "{arguments:?} does not meet the secrets of {file}");
        }
    }
    let found = search(project.sandbox.path());
    are_there_alone(&found, PLACES);
    for path in found.keys().filter(|path| path.starts_with("cache")) {
        let mode = project.sandbox.path().join(path).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path}");
    }
    let mode = |path: &str| project.path.join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("_build/prod/rel/demo/releases/COOKIE"), 0o400);
    for archive in ["_build/prod/demo-0.1.0.tar.gz", "_build/prod/demo-0.1.0.tar.zst"] {
        assert_eq!(mode(archive), 0o600, "{archive}");
    }

    // Without a cookie everybody may read it.
    let outcome = run(&mut project.beamship(&["release", "--tar", "--no-cookie", "--overwrite"]));
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert_eq!(mode("_build/prod/demo-0.1.0.tar.gz"), 0o644);
    let archives = search(&project.path.join("_build/prod"));
    are_there_alone(
        &archives,
        &[
            Place::must("demo-0.1.0.tar.gz", &[COMPILED, CONFIGURED]),
            Place::may("*", &[COMPILED, CONFIGURED, COOKIE]),
        ],
    );
}

const PLACES: &[Place] = &[
    // What everything is made of.
    Place::must("demo/mix.exs", &[COOKIE]),
    Place::must("demo/config/config.exs", &[COMPILED, CONFIGURED]),
    // Mix puts what a module was compiled with into it and into its resource file, and the configuration into its own notes.
    Place::must("demo/_build/prod/lib/demo/ebin/Elixir.Demo.Application.beam", &[COMPILED]),
    Place::may("demo/_build/prod/lib/demo/ebin/demo.app", &[COMPILED]),
    Place::may("demo/_build/prod/lib/demo/.mix/*", &[COMPILED, CONFIGURED]),
    // A release, and a tarball for one's own machines, which holds all of it.
    Place::must("demo/_build/prod/rel/demo/releases/COOKIE", &[COOKIE]),
    Place::must("demo/_build/prod/rel/demo/releases/0.1.0/sys.config", &[COMPILED, CONFIGURED]),
    Place::must("demo/_build/prod/rel/demo/lib/demo-0.1.0/ebin/Elixir.Demo.Application.beam", &[COMPILED]),
    Place::may("demo/_build/prod/rel/demo/lib/demo-0.1.0/ebin/demo.app", &[COMPILED]),
    Place::must("demo/_build/prod/demo-0.1.0.tar.gz", &[COMPILED, CONFIGURED, COOKIE]),
    Place::must("demo/_build/prod/demo-0.1.0.tar.zst", &[COMPILED, CONFIGURED, COOKIE]),
    Place::must("demo/elsewhere/demo-0.1.0.tar.gz", &[COMPILED, CONFIGURED, COOKIE]),
    Place::must("demo/elsewhere/releases/COOKIE", &[COOKIE]),
    Place::must("demo/elsewhere/releases/0.1.0/sys.config", &[COMPILED, CONFIGURED]),
    Place::may("demo/elsewhere/lib/demo-0.1.0/ebin/*", &[COMPILED]),
    // An image has the rest of it, never the cookie.
    Place::must("demo/image/blobs/sha256/*", &[COMPILED, CONFIGURED]),
    Place::must("demo/image.tar", &[COMPILED, CONFIGURED]),
    // Of what is asked about an image: its layers are kept, for their owner alone.
    Place::must("cache/beamship/images/*", &[COMPILED, CONFIGURED]),
    Place::may("cache/beamship/images/*", &[COMPILED]),
];

/// A build that fails prints none either.
#[test]
fn canaries_are_in_no_message_of_a_failing_build() {
    let project = Project::new();
    project.write("lib/broken.ex", "defmodule Broken do\n  def broken, do: missing()\nend\n");
    let fails = |arguments: &[&str], file: &str| {
        let mut command = project.beamship(arguments);
        if file == "runtime" {
            command.env("FAILS", "1");
        }
        let outcome = run(&mut command);
        assert_eq!(outcome.status, Some(1), "{arguments:?}\n{}", outcome.stderr);
        assert!(outcome.stderr.contains("error: "), "{}", outcome.stderr);
        is_clean(arguments, &outcome);
        assert!(project.has_met_secrets(file), "{arguments:?} does not meet the secrets of {file}");
    };
    for arguments in [&["release", "--verbose"][..], &["build", "--json"], &["image", "--output", "image"]] {
        fails(arguments, "mix");
    }
    std::fs::remove_file(project.path.join("lib/broken.ex")).unwrap();
    assert_eq!(run(&mut project.beamship(&["release"])).status, Some(0));
    // A trial start that has read everything, and fails then.
    for arguments in [&["profile-boot", "--verbose", "--wait", "20"][..], &["explain-boot", "--wait", "20"]] {
        fails(arguments, "runtime");
    }
    // A trial start without what it needs.
    let arguments = ["profile-boot", "--verbose", "--wait", "20"];
    let outcome = run(project.beamship(&arguments).env_remove("RUNTIME_SECRET"));
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    is_clean(&arguments, &outcome);
    // What is wrong is said without what is secret.
    project.write("mix.exs", "raise \"nothing works\"\n");
    for arguments in [&["doctor", "--verbose"][..], &["build", "--verbose", "--no-cache"], &["gen", "docker"]]
    {
        let outcome = run(&mut project.beamship(arguments));
        assert_eq!(outcome.status, Some(1), "{arguments:?}\n{}", outcome.stderr);
        is_clean(arguments, &outcome);
    }
}
