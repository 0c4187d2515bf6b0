//! The guestbook's image in a real Docker, and in a real registry.
//!
//! `scripts/container-engine` starts both for these tests, which are ignored otherwise; `./test` does so.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::built::{Built, image};
use crate::ports::free_port;
use crate::sandbox::{Outcome, Sandbox, run, succeed};

/// The socket of the engine and the address of the registry.
fn engine() -> (String, String) {
    let variable = |name| std::env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    (variable("DOCKER_HOST"), variable("BEAMSHIP_TEST_REGISTRY"))
}

/// A container, which goes when the test does.
struct Container {
    name: String,
    host: String,
}

impl Container {
    fn run(host: &str, name: &str, image: &str, arguments: &[&str], command: &[&str]) -> Self {
        let container = Self { name: format!("{name}-{}", std::process::id()), host: host.to_owned() };
        // Containers share the network of the machine: each has an EPMD of its own.
        let epmd = format!("ERL_EPMD_PORT={}", free_port());
        let mut docker = container.docker(&[
            "run",
            "--detach",
            "--network",
            "host",
            "--env",
            &epmd,
            "--name",
            &container.name,
        ]);
        succeed(docker.args(arguments).arg(image).args(command));
        container
    }

    fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", &self.host).args(arguments);
        command
    }

    fn exec(&self, arguments: &[&str]) -> Outcome {
        run(self.docker(&["exec", &self.name]).args(arguments))
    }

    fn logs(&self) -> String {
        let logs = succeed(&mut self.docker(&["logs", &self.name]));
        format!("{}{}", logs.stdout, logs.stderr)
    }

    /// Waits until the system says that it is ready.
    fn wait(&self) {
        let ready = self.exec(&["/app/bin/guestbook", "ready", "--wait", "20"]);
        assert_eq!(ready.status, Some(0), "{ready:?}\n{}", self.logs());
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.docker(&["rm", "--force", &self.name]).output();
    }
}

fn get(port: u16, path: &str) -> Outcome {
    run(Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--max-time", "10"])
        .arg(format!("http://127.0.0.1:{port}{path}")))
}

#[test]
#[ignore = "needs a container engine: scripts/container-engine"]
fn the_guestbook_runs_read_only_and_stops_gracefully() {
    let (host, _) = engine();
    let built = Built::get();
    let port = free_port();
    let release = built.release();
    let mut load =
        built.sandbox.beamship(&built.project, &["image", "--load", "--tag", "test/guestbook:run"]);
    succeed(load.args(["--release", release.as_str()]).env("DOCKER_HOST", &host));
    let container = Container::run(
        &host,
        "beamship-run",
        "test/guestbook:run",
        &[
            "--read-only",
            "--env",
            &format!("PORT={port}"),
            "--env",
            "DATABASE_PATH=/dev/shm/guestbook.db",
            "--env",
            "SECRET_KEY_BASE=0123456789012345678901234567890123456789012345678901234567890123",
        ],
        &[],
    );
    container.wait();
    let migrated = container.exec(&["bin/migrate"]);
    assert_eq!(migrated.status, Some(0), "{migrated:?}");
    let page = get(port, "/");
    assert!(page.stdout.contains("<html"), "{page:?}\n{}", container.logs());
    // TLS and hashes come from libcrypto, names from libc, and the encoding from the locale.
    let checks = container.exec(&[
        "/app/bin/guestbook",
        "rpc",
        "IO.puts(Base.encode16(:crypto.hash(:sha256, \"\")) <> inspect(:inet.getaddr('localhost', :inet)) <> \
         inspect(:file.native_name_encoding()))",
    ]);
    assert!(checks.stdout.starts_with("E3B0C442"), "{checks:?}");
    assert!(checks.stdout.contains("{:ok, {127, 0, 0, 1}}:utf8"), "{checks:?}");
    // One-off tasks have a machine of their own, and control commands do not.
    let eval = container.exec(&["bin/guestbook", "eval", "IO.puts(System.get_env(\"HOME\"))"]);
    assert_eq!(eval.stdout, "/tmp\n", "{eval:?}");
    let user =
        container.exec(&["bin/guestbook", "rpc", "IO.puts(File.read!(\"/proc/self/status\") =~ \"65534\")"]);
    assert_eq!(user.stdout, "true\n", "{user:?}");
    let health = "{{.State.Health.Status}}";
    let deadline = Instant::now() + Duration::from_secs(40);
    let mut status = String::new();
    while status != "healthy\n" && Instant::now() < deadline {
        status = succeed(&mut container.docker(&["inspect", "--format", health, &container.name])).stdout;
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(status, "healthy\n");
    let start = Instant::now();
    succeed(&mut container.docker(&["stop", "--time", "20", &container.name]));
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let code =
        succeed(&mut container.docker(&["inspect", "--format", "{{.State.ExitCode}}", &container.name]));
    assert_eq!(code.stdout, "0\n", "{}", container.logs());
    assert!(container.logs().contains("SIGTERM"), "{}", container.logs());
}

/// Processes whose parent has gone are the first process's to take care of.
#[test]
#[ignore = "needs a container engine: scripts/container-engine"]
fn orphans_are_reaped() {
    let (host, _) = engine();
    let built = Built::get();
    let release = built.release();
    let mut load = built
        .sandbox
        .beamship(&built.project, &["image", "--load", "--shell", "--tag", "test/guestbook:orphans"]);
    succeed(load.args(["--release", release.as_str()]).env("DOCKER_HOST", &host));
    let port = format!("PORT={}", free_port());
    let arguments = [
        "--cpus",
        "1",
        "--env",
        &port,
        "--env",
        "DATABASE_PATH=/tmp/guestbook.db",
        "--env",
        "SECRET_KEY_BASE=0123456789012345678901234567890123456789012345678901234567890123",
    ];
    let container =
        Container::run(&host, "beamship-orphans", "test/guestbook:orphans", &arguments, &["start"]);
    container.wait();
    // A part of the machine's processors, if it has several.
    let online =
        container.exec(&["bin/guestbook", "rpc", "IO.puts(:erlang.system_info(:schedulers_online))"]);
    assert_eq!(online.stdout, "1\n", "{online:?}");
    for _ in 0..5 {
        let orphan = container.exec(&[
            "bin/guestbook",
            "rpc",
            "System.cmd(\"/bin/sh\", [\"-c\", \"sleep 0.2 & exit 0\"])",
        ]);
        assert_eq!(orphan.status, Some(0), "{orphan:?}");
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let states = container.exec(&["/bin/sh", "-c", "cat /proc/[0-9]*/stat"]).stdout;
        let sleeping = states.lines().any(|line| line.contains("(sleep)"));
        let zombies = states.lines().filter(|line| line.contains(") Z ")).count();
        if !sleeping && zombies == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "{states}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[ignore = "needs a container engine: scripts/container-engine"]
fn a_registry_gives_back_what_it_was_given() {
    let (host, registry) = engine();
    let built = Built::get();
    let release = built.release();
    let name = format!("{registry}/team/guestbook:1");
    let first = image(&built.sandbox, &built.project, &["--release", release.as_str(), "--push", &name]);
    assert_eq!(first["pushed"]["present"], 0);
    let digest = first["digest"].as_str().unwrap();
    // By skopeo, which knows nothing of us, and by Docker, which runs it.
    let inspected = succeed(
        Command::new("skopeo").args(["inspect", "--tls-verify=false"]).arg(format!("docker://{name}")),
    );
    let inspected: serde_json::Value = serde_json::from_str(&inspected.stdout).unwrap();
    assert_eq!(inspected["Digest"], digest);
    assert_eq!(inspected["Created"], "2023-11-14T22:13:20Z");
    let sandbox = Sandbox::new();
    let copy = format!("oci:{}", sandbox.join("copy"));
    succeed(
        Command::new("skopeo")
            .args(["copy", "--quiet", "--src-tls-verify=false"])
            .arg(format!("docker://{registry}/team/guestbook@{digest}"))
            .arg(&copy),
    );
    let pulled = format!("{registry}/team/guestbook@{digest}");
    succeed(Command::new("docker").env("DOCKER_HOST", &host).args(["pull", "--quiet", &pulled]));
    let mut version = Command::new("docker");
    version.env("DOCKER_HOST", &host).args(["run", "--rm", "--network", "host", &pulled, "version"]);
    assert_eq!(succeed(&mut version).stdout, "guestbook 0.1.0\n");
    // The same again sends nothing but a name; another repository takes the layers over.
    let again = format!("{registry}/team/guestbook:2");
    let again = image(&built.sandbox, &built.project, &["--release", release.as_str(), "--push", &again]);
    assert!(again["pushed"]["sent"].as_u64().unwrap() < 10_000, "{}", again["pushed"]);
    assert_eq!(again["digest"], digest);
    // Upon another image, here our own.
    let upon = format!("{registry}/other/guestbook:1");
    let upon = image(
        &built.sandbox,
        &built.project,
        &["--release", release.as_str(), "--base", &name, "--push", &upon],
    );
    assert!(upon["pushed"]["mounted"].as_u64().unwrap() > 1_000_000, "{}", upon["pushed"]);
    let compared =
        succeed(&mut built.sandbox.beamship(&built.project, &["image", "inspect", &name, "--since", &name]));
    assert!(compared.stdout.contains("0 B of "), "{}", compared.stdout);
}
