//! The guestbook's generated Dockerfile, built by a Docker engine and run with PostgreSQL.
//!
//! Engine, database and base images are made of Debian's packages: `./test` starts this by `scripts/container-engine` and
//! `examples/guestbook/test/with_postgres.sh`. They are ignored otherwise.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;

use crate::files::write;
use crate::ports::free_port;
use crate::sandbox::{Outcome, Sandbox, run, succeed};

struct Engine {
    host: String,
    database: String,
    /// A root file system of Debian with Erlang and Elixir.
    root: PathBuf,
}

impl Engine {
    fn find() -> Self {
        let toolchains =
            std::env::var("BEAMSHIP_TOOLCHAINS").unwrap_or("/opt/beamship-toolchains".to_owned());
        let root = Path::new(&toolchains).join("trixie");
        assert!(root.join("usr/lib/erlang").is_dir(), "{}: no toolchain", root.display());
        let variable = |name| std::env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { host: variable("DOCKER_HOST"), database: variable("DATABASE_URL"), root }
    }

    fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        // Without BuildKit's plugin the client builds as it always has.
        command.env("DOCKER_HOST", &self.host).env("DOCKER_BUILDKIT", "0").args(arguments);
        command
    }

    /// Makes an image of files.
    fn import(&self, name: &str, directory: &Path, files: &[&str]) {
        // What somebody has mounted in a toolchain's root is not part of it.
        let mut tar = Command::new("tar")
            .args(["--one-file-system", "-C"])
            .arg(directory)
            .arg("-c")
            .args(files)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut import = self.docker(&["import", "-", name]);
        succeed(import.stdin(tar.stdout.take().unwrap()));
        assert!(tar.wait().unwrap().success());
    }
}

/// A container that goes with the test.
struct Container<'e>(&'e Engine, String);

impl Container<'_> {
    fn exec(&self, arguments: &[&str]) -> Outcome {
        run(self.0.docker(&["exec", &self.1]).args(arguments))
    }

    fn logs(&self) -> String {
        let logs = run(&mut self.0.docker(&["logs", &self.1]));
        format!("{}{}", logs.stdout, logs.stderr)
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = self.0.docker(&["rm", "--force", &self.1]).output();
    }
}

#[test]
#[ignore = "needs a container engine, PostgreSQL and a root of trixie"]
fn the_generated_dockerfile_builds_and_runs_the_guestbook() {
    let engine = Engine::find();
    let sandbox = Sandbox::new();
    let project = sandbox.join("guestbook");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/guestbook");
    succeed(sandbox.command("cp").arg("-r").arg(source).arg(&project));
    let _ = std::fs::remove_dir_all(project.join("_build"));
    engine.import("test/debian:trixie", &engine.root, &["--one-file-system", "."]);
    let executables = sandbox.join("executables");
    std::fs::create_dir(&executables).unwrap();
    for executable in [env!("CARGO_BIN_EXE_beamship"), env!("CARGO_BIN_EXE_beamship-launcher")] {
        sandbox.install(executable, &executables.join(Utf8Path::new(executable).file_name().unwrap()));
    }
    engine.import("test/beamship:1", executables.as_std_path(), &["beamship", "beamship-launcher"]);
    for builder in ["mix", "beamship"] {
        succeed(
            &mut sandbox
                .beamship(&project, &["gen", "docker", "entrypoint", "--force", "--builder", builder]),
        );
        let image = format!("test/guestbook:{builder}");
        let mut build = engine.docker(&["build", "--quiet", "--network", "host", "--tag", &image]);
        for argument in
            ["BUILDER_IMAGE=test/debian:trixie", "RUNNER_IMAGE=test/debian:trixie", "DEBIAN_VERSION=trixie"]
        {
            build.args(["--build-arg", argument]);
        }
        if builder == "beamship" {
            build.args(["--build-arg", "BEAMSHIP_IMAGE=test/beamship:1"]);
        }
        succeed(build.arg(&project));
        runs(&engine, &image, builder);
    }
    // The wrong release of Debian is noticed before anything is built.
    let mut build = engine.docker(&["build", "--quiet", "--build-arg", "BUILDER_IMAGE=test/debian:trixie"]);
    let outcome = run(build.args(["--build-arg", "BEAMSHIP_IMAGE=test/beamship:1"]).arg(&project));
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(
        outcome.status != Some(0) && said.contains("the builder is Debian trixie: set DEBIAN_VERSION"),
        "{said}"
    );
}

/// What `COPY` makes of them is said by the engine only: patterns, variables and quotes are none.
#[test]
#[ignore = "needs a container engine, PostgreSQL and a root of trixie"]
fn names_of_directories_are_taken_literally() {
    let engine = Engine::find();
    let sandbox = Sandbox::new();
    let project = sandbox.join("project");
    let directory = r#"an $odd [1]* 'a' "b" c\d"#;
    let mix_exs = |name: &str, dependencies: &str| {
        format!(
            "defmodule {name}.MixProject do\n  use Mix.Project\n  def project do\n    \
             [app: :{}, version: \"1.0.0\", deps: [{dependencies}]]\n  end\nend\n",
            name.to_lowercase()
        )
    };
    write(&project.join("mix.exs"), &mix_exs("Even", &format!("{{:odd, path: {directory:?}}}")));
    write(&project.join(directory).join("mix.exs"), &mix_exs("Odd", ""));
    write(&project.join(directory).join("lib/odd.ex"), "defmodule Odd do\nend\n");
    succeed(&mut sandbox.beamship(&project, &["gen", "docker"]));

    let generated = std::fs::read_to_string(project.join("Dockerfile")).unwrap();
    let copies = generated.lines().filter(|line| line.starts_with("COPY [")).collect::<Vec<_>>().join("\n");
    write(&project.join("Dockerfile"), &format!("FROM scratch\nWORKDIR /app\n{copies}\n"));
    succeed(engine.docker(&["build", "--quiet", "--tag", "test/odd:1"]).arg(&project));
    let container = Container(&engine, format!("beamship-odd-{}", std::process::id()));
    succeed(&mut engine.docker(&["create", "--name", &container.1, "test/odd:1", "none"]));
    let copied = sandbox.join("copied");
    succeed(engine.docker(&["cp", &format!("{}:/app", container.1)]).arg(&copied));
    for file in ["mix.exs", "lib/odd.ex"] {
        assert!(copied.join(directory).join(file).exists(), "{file}\n{copies}");
    }
}

/// Starts, migrates, serves and stops.
fn runs(engine: &Engine, image: &str, builder: &str) {
    let port = free_port();
    let container = Container(engine, format!("beamship-{builder}-{}", std::process::id()));
    let mut start = engine.docker(&["run", "--detach", "--network", "host", "--name", &container.1]);
    for variable in [
        format!("PORT={port}"),
        format!("ERL_EPMD_PORT={}", free_port()),
        format!("DATABASE_URL={}", engine.database),
        "SECRET_KEY_BASE=0123456789012345678901234567890123456789012345678901234567890123".to_owned(),
    ] {
        start.args(["--env", &variable]);
    }
    succeed(start.arg(image));
    let page = format!("http://127.0.0.1:{port}/");
    let deadline = Instant::now() + Duration::from_secs(30);
    while Command::new("curl")
        .args(["--silent", "--max-time", "2", "--output", "/dev/null", &page])
        .status()
        .unwrap()
        .code()
        != Some(0)
    {
        assert!(Instant::now() < deadline, "{}", container.logs());
        std::thread::sleep(Duration::from_millis(100));
    }
    let migrated = container.exec(&["/app/bin/guestbook", "eval", "Guestbook.Release.migrate"]);
    assert_eq!(migrated.status, Some(0), "{migrated:?}");
    let page =
        run(Command::new("curl").args(["--silent", "--show-error", "--fail", "--max-time", "10", &page]));
    assert!(page.stdout.contains("<html"), "{page:?}\n{}", container.logs());
    let user = container.exec(&["id", "-un"]);
    assert_eq!(user.stdout, "nobody\n", "{user:?}");
    if builder == "beamship" {
        let ready = container.exec(&["/app/bin/guestbook", "ready"]);
        assert_eq!(ready.status, Some(0), "{ready:?}");
    }
    let begin = Instant::now();
    succeed(&mut engine.docker(&["stop", "--time", "20", &container.1]));
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}\n{}", container.logs());
    let code = succeed(&mut engine.docker(&["inspect", "--format", "{{.State.ExitCode}}", &container.1]));
    assert_eq!(code.stdout, "0\n", "{}", container.logs());
}
