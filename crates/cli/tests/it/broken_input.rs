//! Broken input of each kind: an error that names the file and the remedy, and nothing half-written.

use std::process::Command;

use camino::Utf8Path;

use crate::files::write;
use crate::project;
use crate::sandbox::{Sandbox, fail, succeed};

/// Builds the project once, breaks it, builds the release again without compiling: the message must name what is
/// expected, and the release of before must still be there and start.
fn broken(change: impl Fn(&Utf8Path), expected: &[&str]) {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.beamship(&demo, &["build"]));
    change(&demo);
    let message = fail(&mut as_anybody(&sandbox, &demo, &["release", "--no-compile"]));
    for part in expected {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    assert_eq!(message.matches("error:").count(), 1, "{message}");
    let names: Vec<String> = demo
        .join("_build/prod/rel")
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .filter(|name| !name.ends_with("lock"))
        .collect();
    assert_eq!(names, ["demo"], "nothing half-written stays");
    let outcome = succeed(
        sandbox.command(demo.join("_build/prod/rel/demo/bin/demo")).args(["eval", "IO.puts(Demo.area())"]),
    );
    assert_eq!(outcome.stdout, "6\n");
}

/// `beamship`, without what lets root read every file.
fn as_anybody(sandbox: &Sandbox, project: &Utf8Path, arguments: &[&str]) -> Command {
    if !rustix::process::geteuid().is_root() {
        return sandbox.beamship(project, arguments);
    }
    let without = "-dac_override,-dac_read_search";
    let mut command = sandbox.command("setpriv");
    command.args(["--bounding-set", without, "--inh-caps", without]).arg(env!("CARGO_BIN_EXE_beamship"));
    command.current_dir(project).args(arguments);
    command
}

const EBIN: &str = "_build/prod/lib/demo/ebin";

#[test]
fn corrupt_beam() {
    broken(
        |demo| std::fs::write(demo.join(EBIN).join("Elixir.Demo.beam"), b"FOR1 nonsense").unwrap(),
        &["lib/demo/ebin/Elixir.Demo.beam", "hint: ", "compile"],
    );
}

#[test]
fn truncated_beam() {
    broken(
        |demo| {
            let path = demo.join(EBIN).join("Elixir.Demo.beam");
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        },
        &["lib/demo/ebin/Elixir.Demo.beam", "hint: ", "compile"],
    );
}

#[test]
fn corrupt_application_resource() {
    // A dependency's, because Mix itself reads the project's own.
    broken(
        |demo| write(&demo.join("_build/prod/lib/greeter/ebin/greeter.app"), "{application, greeter, ["),
        &["lib/greeter/ebin/greeter.app", "hint: "],
    );
}

#[test]
fn missing_module() {
    broken(
        |demo| std::fs::remove_file(demo.join(EBIN).join("Elixir.Demo.beam")).unwrap(),
        &["lib/demo/ebin/Elixir.Demo.beam", "demo.app", "hint: "],
    );
}

#[test]
fn name_that_is_not_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    broken(
        |demo| {
            let name = OsStr::from_bytes(b"caf\xe9.txt");
            std::fs::write(demo.join("priv").as_std_path().join(name), "x").unwrap();
        },
        &["priv", "not valid UTF-8", "hint: "],
    );
}

#[test]
fn link_in_a_circle() {
    broken(
        |demo| std::os::unix::fs::symlink(".", demo.join("priv/again")).unwrap(),
        &["priv/again", "hint: "],
    );
}

#[test]
fn link_to_nowhere() {
    broken(
        |demo| std::os::unix::fs::symlink("missing", demo.join("priv/lost")).unwrap(),
        &["priv/lost", "missing", "hint: "],
    );
}

#[test]
fn pipe_in_priv() {
    broken(
        |demo| {
            let path = demo.join("priv/pipe");
            rustix::fs::mkfifoat(rustix::fs::CWD, path.as_std_path(), rustix::fs::Mode::from_raw_mode(0o600))
                .unwrap();
        },
        &["priv/pipe", "hint: "],
    );
}

fn in_mix_exs(demo: &Utf8Path, from: &str, to: &str) {
    let path = demo.join("mix.exs");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    std::fs::write(&path, text.replace(from, to)).unwrap();
}

#[test]
fn unknown_application() {
    broken(
        |demo| {
            in_mix_exs(
                demo,
                "releases: [demo: []]",
                "releases: [demo: [applications: [nowhere: :permanent]]]",
            );
        },
        &["cannot find the application `nowhere`", "hint: "],
    );
}

/// "see above", where nothing was.
#[test]
fn a_step_that_ends_without_a_word() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    in_mix_exs(&demo, "demo: []", "demo: [steps: [:assemble, fn _ -> exit({:shutdown, 3}) end]]");
    let said = fail(&mut sandbox.beamship(&demo, &["release"]));
    assert!(said.contains("failed: a Mix task ended with exit status 3"), "{said}");
}

#[test]
fn wrong_mode() {
    broken(
        |demo| {
            in_mix_exs(
                demo,
                "releases: [demo: []]",
                "releases: [demo: [applications: [greeter: :sometimes]]]",
            );
        },
        &["unknown mode `sometimes` for the application `greeter`", "hint: "],
    );
}

#[test]
fn duplicate_module() {
    broken(
        |demo| {
            let greeter = demo.join("_build/prod/lib/greeter/ebin");
            let path = greeter.join("greeter.app");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replace("'Elixir.Greeter'", "'Elixir.Greeter','Elixir.Demo'"))
                .unwrap();
            std::fs::copy(demo.join(EBIN).join("Elixir.Demo.beam"), greeter.join("Elixir.Demo.beam"))
                .unwrap();
        },
        &["the module `Elixir.Demo` is in both", "greeter", "hint: "],
    );
}

#[test]
fn unreadable_file() {
    use std::os::unix::fs::PermissionsExt;
    broken(
        |demo| {
            let path = demo.join("priv/secret");
            std::fs::write(&path, "x").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
        },
        &["priv/secret", "hint: "],
    );
}
