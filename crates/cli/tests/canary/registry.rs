//! Credentials for a registry.

use std::os::unix::fs::PermissionsExt;

use data_encoding::BASE64;

use crate::canaries::{COMPILED, CONFIGURED, COOKIE, PASSWORD, USER};
use crate::project::Project;
use crate::registry_server::{Behaviour, Server};
use crate::sandbox::{Outcome, run};
use crate::search::{Place, are_there_alone, found_in, is_clean, search};

/// The registry of `registry_server` wants the token that it gives for this user and password.
fn guarded() -> Behaviour {
    Behaviour { user: Some((USER, PASSWORD)), ..Behaviour::default() }
}

struct Client {
    project: Project,
}

impl Client {
    /// With a release, and a directory of Docker's.
    fn new() -> Self {
        let project = Project::new();
        assert_eq!(run(&mut project.beamship(&["release"])).status, Some(0));
        std::fs::create_dir(project.sandbox.join("docker")).unwrap();
        Self { project }
    }

    fn configure(&self, text: &str) {
        std::fs::write(self.project.sandbox.join("docker/config.json"), text).unwrap();
    }

    /// As `docker login` leaves them.
    fn log_in(&self, server: &Server) {
        let credentials = BASE64.encode(format!("{USER}:{PASSWORD}").as_bytes());
        self.configure(&format!(r#"{{"auths":{{"{}":{{"auth":"{credentials}"}}}}}}"#, server.address));
    }

    fn run(&self, arguments: &[&str], status: i32) -> Outcome {
        let mut command = self.project.beamship(arguments);
        command.env("DOCKER_CONFIG", self.project.sandbox.join("docker"));
        let path = format!("{}:{}", self.project.sandbox.path(), std::env::var("PATH").unwrap());
        let outcome = run(command.env("PATH", path));
        assert_eq!(outcome.status, Some(status), "{arguments:?}\n{}", outcome.stderr);
        is_clean(arguments, &outcome);
        // The token that credentials are changed for, and what the registry signs into addresses.
        let printed = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!printed.contains("sesame") && !printed.contains("state=secret"), "{printed}");
        outcome
    }
}

/// What the registry was given holds what an image may hold, and nothing more.
fn is_clean_store(server: &Server) {
    let store = server.store.lock().unwrap();
    let mut all = std::collections::BTreeSet::new();
    for blob in store.blobs.values().chain(store.manifests.values().map(|(_, bytes)| bytes)) {
        all.extend(found_in(blob));
    }
    assert_eq!(all, std::collections::BTreeSet::from([COMPILED, CONFIGURED]));
}

const PLACES: &[Place] = &[
    Place::must("demo/mix.exs", &[COOKIE]),
    Place::must("demo/_build/prod/rel/demo/releases/COOKIE", &[COOKIE]),
    Place::must("demo/config/config.exs", &[COMPILED, CONFIGURED]),
    Place::may("demo/_build/*", &[COMPILED, CONFIGURED]),
    Place::may("demo/image*", &[COMPILED, CONFIGURED]),
    // Layers of the base image, which is one of this very release here.
    Place::may("cache/beamship/*", &[COMPILED, CONFIGURED]),
    // Where they are known from.
    Place::must("docker/config.json", &[USER, PASSWORD]),
    Place::may("docker-credential-canary", &[USER, PASSWORD]),
];

/// Credentials go to the registry, and to no place and no message, whether it works, refuses, or breaks.
#[test]
fn canaries_of_a_registry_go_to_the_registry_alone() {
    let client = Client::new();
    let behaviours = [
        (guarded(), 0),
        (Behaviour { wants_password: true, ..guarded() }, 0),
        (Behaviour { user: Some((USER, "another")), ..Behaviour::default() }, 1),
        (Behaviour { lies_about_digests: true, ..guarded() }, 1),
        (Behaviour { refuses_blobs: Some("400 Bad Request"), ..guarded() }, 1),
    ];
    for (behaviour, status) in behaviours {
        let server = Server::start(behaviour);
        client.log_in(&server);
        let name = format!("{}/shop:1", server.address);
        let arguments = ["image", "--verbose", "--release", "_build/prod/rel/demo", "--push", &name];
        client.run(&arguments, status);
        if status == 0 {
            is_clean_store(&server);
        }
    }
    are_there_alone(&search(client.project.sandbox.path()), PLACES);
}

/// A base image, and whatever else is read from a registry.
#[test]
fn canaries_are_nowhere_after_a_pull() {
    let client = Client::new();
    let server = Server::start(guarded());
    client.log_in(&server);
    let base = format!("{}/base:1", server.address);
    // The registry of the tests knows manifests by their tags alone.
    let name = format!("{}/shop:2", server.address);
    let release = ["--release", "_build/prod/rel/demo"];
    client.run(&[&["image"][..], &release, &["--push", &base]].concat(), 0);
    let upon = [&["image", "--verbose", "--base", &base][..], &release].concat();
    client.run(&[&upon[..], &["--output", "image", "--json"]].concat(), 0);
    client.run(&[&upon[..], &["--dry-run"]].concat(), 0);
    client.run(&[&upon[..], &["--push", &name]].concat(), 0);
    client.run(&["image", "inspect", &name, "--since", &base, "--verbose"], 0);
    client.run(&["image", "inspect", &name, "--json"], 0);
    client.run(&["check", "abi", "--target", &base, "--verbose"], 0);
    is_clean_store(&server);

    // Asked of a program.
    let helper = client.project.sandbox.join("docker-credential-canary");
    let answer = format!(r#"{{"Username":"{USER}","Secret":"{PASSWORD}"}}"#);
    std::fs::write(&helper, format!("#!/bin/sh\ncat >/dev/null\necho '{answer}'\n")).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    client.configure(&format!(r#"{{"credHelpers":{{"{}":"canary"}}}}"#, server.address));
    client.run(&["image", "inspect", &name, "--verbose"], 0);

    // The wrong ones.
    let other = Server::start(Behaviour { user: Some((USER, "another")), ..Behaviour::default() });
    client.log_in(&other);
    let base = format!("{}/base:1", other.address);
    client.run(&[&["image", "--verbose", "--base", &base][..], &release].concat(), 1);
    client.run(&["image", "inspect", &base, "--verbose"], 1);
    client.run(&["check", "abi", "--target", &base, "--verbose"], 1);
    are_there_alone(&search(client.project.sandbox.path()), PLACES);
}
