//! The search.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::BASE64;

use crate::registry_server::{Behaviour, Server};
use crate::sandbox::{Outcome, Sandbox, run};

const ENVIRONMENT: &str = "canary-environment-71c2";
const MIX_FILE: &str = "canary-of-mix-exs-0b9e";
const RUNTIME: &str = "canary-runtime-55aa";
const COOKIE: &str = "canary-cookie-3d10";
const CONFIGURED: &str = "canary-configured-e2f7";
const USER: &str = "canary-user-90d4";
const PASSWORD: &str = "canary-password-c6b8";

/// A project that meets all of them.
struct Project {
    sandbox: Sandbox,
    path: Utf8PathBuf,
}

impl Project {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let path = sandbox.join("demo");
        let project = Self { sandbox, path };
        project.write(
            "mix.exs",
            &format!(
                "defmodule Demo.MixProject do
  use Mix.Project
  def project do
    token = System.get_env(\"BUILD_TOKEN\") || raise \"no token\"
    [app: :demo, version: \"0.1.0\", build_token: token, releases: [demo: [cookie: \"{COOKIE}\"]]]
  end
  def application, do: [mod: {{Demo.Application, []}}]
end
"
            ),
        );
        project.write(
            "config/config.exs",
            &format!("import Config\nconfig :demo, configured: \"{CONFIGURED}\"\n"),
        );
        project.write(
            "config/runtime.exs",
            "import Config\nconfig :demo, runtime: System.fetch_env!(\"RUNTIME_SECRET\")\n",
        );
        project.write(
            "lib/demo.ex",
            "defmodule Demo.Application do
  use Application
  def start(_, _) do
    true = is_binary(Application.fetch_env!(:demo, :runtime))
    Supervisor.start_link([], strategy: :one_for_one)
  end
end
",
        );
        project
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn beamship(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.beamship(&self.path, arguments);
        command.envs([
            ("SECRET_KEY_BASE", ENVIRONMENT),
            ("DATABASE_URL", ENVIRONMENT),
            ("HEX_API_KEY", ENVIRONMENT),
            ("RELEASE_COOKIE", ENVIRONMENT),
            ("BUILD_TOKEN", MIX_FILE),
            ("RUNTIME_SECRET", RUNTIME),
        ]);
        command
    }
}

/// Every canary, and the form that a registry gets credentials in.
fn canaries() -> Vec<String> {
    let mut all: Vec<String> =
        [ENVIRONMENT, MIX_FILE, RUNTIME, COOKIE, CONFIGURED, USER, PASSWORD].map(str::to_owned).into();
    all.push(credentials());
    all
}

fn credentials() -> String {
    BASE64.encode(format!("{USER}:{PASSWORD}").as_bytes())
}

fn found_in(bytes: &[u8]) -> Vec<String> {
    let has = |canary: &String| bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
    canaries().into_iter().filter(has).collect()
}

/// What a command printed holds none.
fn is_clean(arguments: &[&str], outcome: &Outcome) {
    let printed = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(found_in(printed.as_bytes()), Vec::<String>::new(), "{arguments:?}\n{printed}");
}

/// The files below a directory in which canaries are, with them. Compressed files are looked into.
fn search(directory: &Utf8Path) -> Vec<(Utf8PathBuf, Vec<String>)> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(here) = left.pop() {
        for entry in here.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path().to_owned(), entry.file_type().unwrap());
            let canaries = if kind.is_dir() {
                left.push(path.clone());
                Vec::new()
            } else if kind.is_file() {
                let mut bytes = std::fs::read(&path).unwrap();
                if bytes.starts_with(&[0x1f, 0x8b]) {
                    let mut plain = Vec::new();
                    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
                    bytes = plain;
                }
                found_in(&bytes)
            } else {
                Vec::new()
            };
            if !canaries.is_empty() {
                found.push((path.strip_prefix(directory).unwrap().to_owned(), canaries));
            }
        }
    }
    found.sort();
    found
}

fn places(found: &[(Utf8PathBuf, Vec<String>)]) -> Vec<(&str, Vec<&str>)> {
    found
        .iter()
        .map(|(path, canaries)| (path.as_str(), canaries.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn canaries_are_where_they_belong_and_nowhere_else() {
    let project = Project::new();
    let succeed = |arguments: &[&str]| {
        let outcome = run(&mut project.beamship(arguments));
        assert_eq!(outcome.status, Some(0), "{arguments:?}\n{}\n{}", outcome.stdout, outcome.stderr);
        is_clean(arguments, &outcome);
    };
    succeed(&["release", "--verbose", "--tar"]);
    succeed(&["release", "--verbose", "--json", "--overwrite"]);
    succeed(&["release", "--dry-run", "--json"]);
    succeed(&["release", "--dry-run", "--verbose"]);
    succeed(&["build", "--verbose"]);
    succeed(&["profile-boot", "--verbose"]);
    succeed(&["gen", "docker", "systemd", "--verbose"]);
    succeed(&["image", "--verbose", "--output", "image"]);
    succeed(&["image", "--json", "--release", "_build/prod/rel/demo", "--output", "image.tar"]);
    succeed(&["image", "inspect", "image", "--json"]);
    succeed(&["check", "abi"]);

    let found = search(project.sandbox.path());
    let version = "demo/_build/prod/rel/demo/releases/0.1.0";
    let layer =
        found.iter().find(|(path, _)| path.starts_with("demo/image/blobs")).map(|(path, _)| path.as_str());
    let expected = [
        // A tarball for one's own machines holds the whole release; `--no-cookie` makes one without.
        ("demo/_build/prod/demo-0.1.0.tar.gz", vec![COOKIE, CONFIGURED]),
        (&format!("{version}/sys.config"), vec![CONFIGURED]),
        ("demo/_build/prod/rel/demo/releases/COOKIE", vec![COOKIE]),
        // What it is made of.
        ("demo/config/config.exs", vec![CONFIGURED]),
        // The layer with sys.config; never a cookie.
        (layer.unwrap_or("no layer"), vec![CONFIGURED]),
        ("demo/mix.exs", vec![COOKIE]),
    ];
    assert_eq!(places(&found), expected);
    let mode = |path: &str| project.path.join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("_build/prod/rel/demo/releases/COOKIE"), 0o400);
    assert_eq!(mode("_build/prod/demo-0.1.0.tar.gz"), 0o600);
    succeed(&["release", "--tar", "--no-cookie", "--overwrite"]);
    assert_eq!(mode("_build/prod/demo-0.1.0.tar.gz"), 0o644);
}

/// A build that fails prints none either.
#[test]
fn canaries_are_in_no_message_of_a_failing_build() {
    let project = Project::new();
    project.write("lib/broken.ex", "defmodule Broken do\n  def broken, do: missing()\nend\n");
    for arguments in [&["release", "--verbose"][..], &["build"], &["image", "--output", "image"]] {
        let outcome = run(&mut project.beamship(arguments));
        assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
        is_clean(arguments, &outcome);
    }
    std::fs::remove_file(project.path.join("lib/broken.ex")).unwrap();
    // A trial start without what it needs.
    assert_eq!(run(&mut project.beamship(&["release"])).status, Some(0));
    let mut start = project.beamship(&["profile-boot", "--verbose", "--wait", "20"]);
    start.env_remove("RUNTIME_SECRET");
    let outcome = run(&mut start);
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    is_clean(&["profile-boot"], &outcome);
}

/// Credentials go to the registry, and to no place and no message, whether it works, refuses, or breaks.
#[test]
fn canaries_of_a_registry_go_to_the_registry_alone() {
    let project = Project::new();
    assert_eq!(run(&mut project.beamship(&["release"])).status, Some(0));
    let docker = project.sandbox.join("docker");
    std::fs::create_dir(&docker).unwrap();
    let behaviours = [
        (Behaviour { user: Some((USER, PASSWORD)), ..Behaviour::default() }, Some(0)),
        (Behaviour { user: Some((USER, "another")), ..Behaviour::default() }, Some(1)),
        (
            Behaviour { user: Some((USER, PASSWORD)), lies_about_digests: true, ..Behaviour::default() },
            Some(1),
        ),
    ];
    let mut sent = false;
    for (behaviour, status) in behaviours {
        let server = Server::start(behaviour);
        let text = format!(r#"{{"auths":{{"{}":{{"auth":"{}"}}}}}}"#, server.address, credentials());
        std::fs::write(docker.join("config.json"), text).unwrap();
        let name = format!("{}/shop:1", server.address);
        let arguments = ["image", "--verbose", "--release", "_build/prod/rel/demo", "--push", &name];
        let outcome = run(project.beamship(&arguments).env("DOCKER_CONFIG", &docker));
        assert_eq!(outcome.status, status, "{}", outcome.stderr);
        is_clean(&arguments, &outcome);
        let store = server.store.lock().unwrap();
        for blob in store.blobs.values().chain(store.manifests.values().map(|(_, bytes)| bytes)) {
            let mut plain = Vec::new();
            let is_compressed = blob.starts_with(&[0x1f, 0x8b]);
            flate2::read::MultiGzDecoder::new(blob.as_slice()).read_to_end(&mut plain).unwrap_or_default();
            let found = found_in(if is_compressed { &plain } else { blob });
            assert!(found.iter().all(|canary| canary == CONFIGURED), "{found:?}");
        }
        sent |= !store.manifests.is_empty();
    }
    assert!(sent, "nothing was pushed");
    let known = ["docker/config.json", "demo/mix.exs", "demo/config/config.exs"];
    let found = search(project.sandbox.path());
    let others: Vec<&(Utf8PathBuf, Vec<String>)> = found
        .iter()
        .filter(|(path, _)| !known.contains(&path.as_str()))
        .filter(|(path, _)| !path.starts_with("demo/_build/prod/rel/demo/releases"))
        .filter(|(_, canaries)| canaries.iter().any(|canary| canary != CONFIGURED))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}
