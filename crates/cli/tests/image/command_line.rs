//! What goes wrong is said before anything is built, and nothing is left behind.

use std::net::TcpListener;

use crate::built::{Built, image};
use crate::sandbox::{Sandbox, fail, run, succeed};

#[test]
fn wrong_arguments_are_refused_at_once() {
    let sandbox = Sandbox::new();
    let message = |arguments: &[&str]| {
        let mut all = vec!["image"];
        all.extend(arguments);
        fail(&mut sandbox.beamship(sandbox.path(), &all))
    };
    assert!(message(&["--tag", "Shop"]).contains("`Shop` is not the name of an image"));
    let digest = format!("shop@sha256:{}", "0".repeat(64));
    assert!(message(&["--tag", &digest]).contains("--tag names a digest\nhint: "));
    std::fs::write(sandbox.path().join("plain"), "").unwrap();
    assert!(message(&["--output", "plain"]).contains("--output `plain` is a file"));
    for name in ["x.tar.gz", "x.tgz", "x.tar.zst"] {
        let message = message(&["--output", name]);
        assert!(message.contains("is not compressed, its layers are\nhint: name it FILE.tar"), "{message}");
    }
    assert!(message(&["--push"]).contains("--push does not say where to\nhint: "));
    assert!(message(&["--push", "a b"]).contains("`a b` is not the name of an image"));
    assert!(message(&["--env", "NOVALUE"]).contains("--env is `NOVALUE`\nhint: it has to be NAME=VALUE"));
    assert!(message(&["--label", "=x"]).contains("--label is `=x`"));
    assert!(message(&["--release", "gone", "--output", "x"]).contains("`gone` is not a release"));
    assert!(message(&["inspect"]).contains("there is no image in `"));
    assert!(message(&["inspect", "/etc/hostname"]).contains("is neither an OCI layout nor an archive"));
    for port in ["99999", "0"] {
        assert!(run(&mut sandbox.beamship(sandbox.path(), &["image", "--port", port])).status == Some(2));
    }
    for base in ["./nosuch.tar", "../nosuch", "/nosuch", "nosuch.tar"] {
        assert!(message(&["--base", base]).contains(&format!("`{base}` does not exist\nhint: ")), "{base}");
    }
    assert!(message(&["--base", "No"]).contains("`No` is not the name of an image"));
    let mut load = sandbox.beamship(sandbox.path(), &["image", "--load"]);
    load.env("DOCKER_HOST", "tcp://10.0.0.1:2375");
    assert!(fail(&mut load).contains("only `unix://` is supported\nhint: "));
    load.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    assert!(
        fail(&mut load).contains("there is no mix.exs"),
        "the engine is asked when there is something to load"
    );
}

#[test]
fn nothing_is_said_about_what_to_do_with_it() {
    let built = Built::get();
    let release = built.release();
    let message =
        fail(&mut built.sandbox.beamship(&built.project, &["image", "--release", release.as_str()]));
    assert!(message.contains("nothing says what to do with the image\nhint: name --output"), "{message}");
    let arguments = ["image", "--release", release.as_str(), "--platform", "linux/s390x", "--output", "x"];
    let message = fail(&mut built.sandbox.beamship(&built.project, &arguments));
    assert!(
        message.contains("the release is for linux/") && message.contains("not for linux/s390x"),
        "{message}"
    );
    let twice = [&["image", "--output", "x"][..], &["--release", release.as_str()].repeat(2)].concat();
    let message = fail(&mut built.sandbox.beamship(&built.project, &twice));
    assert!(message.contains("two of the releases are for linux/"), "{message}");
    let arguments = ["image", "--release", release.as_str(), "--command", "sever", "--output", "x"];
    let message = fail(&mut built.sandbox.beamship(&built.project, &arguments));
    assert!(
        message.contains("an image of this release cannot run `sever`\nhint: it can run start, "),
        "{message}"
    );
    // What the launcher says of itself, but for what cannot run there.
    let help = succeed(built.sandbox.command(release.join("bin/guestbook")).arg("help")).stdout;
    for line in
        help.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| !line.starts_with(' '))
    {
        let own = line.split_whitespace().next().unwrap();
        assert!(own.starts_with("daemon") || message.contains(&format!(" {own},")) || own == "help", "{own}");
    }
    assert!(!built.project.join("x").exists());
}

#[test]
fn a_registry_that_is_not_there_is_named() {
    let built = Built::get();
    // A port that nobody listens on any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let release = built.release();
    let name = format!("{address}/shop:1");
    let message = fail(
        &mut built
            .sandbox
            .beamship(&built.project, &["image", "--release", release.as_str(), "--push", &name]),
    );
    assert!(message.contains(&format!("to `{address}`: ")), "{message}");
    assert!(message.contains("hint: is the registry there"), "{message}");
}

/// Plain HTTP, a password with it, is for this machine alone, whatever proxy the rest of the world is asked through.
#[test]
fn a_registry_of_this_machine_is_asked_directly() {
    let sandbox = Sandbox::new();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    proxy.set_nonblocking(true).unwrap();
    let registry = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("{}/shop:1", registry.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = registry.accept().unwrap();
        let mut request = [0; 4096];
        let _ = std::io::Read::read(&mut stream, &mut request);
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
    });
    let mut command = sandbox.beamship(sandbox.path(), &["image", "inspect", &name]);
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(variable, format!("http://{address}"));
    }
    let message = fail(&mut command);
    assert!(message.contains("404"), "{message}");
    assert_eq!(proxy.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "the proxy was asked");
}

/// Credentials are asked for before anything is built, and what a helper says is nobody's business.
#[test]
fn a_credential_helper_that_fails_is_named() {
    let sandbox = Sandbox::new();
    let helper = sandbox.join("home/docker-credential-vault");
    std::fs::write(&helper, "#!/bin/sh\ncat >>\"$HOME/asked\"\necho \"locked: geheim\" >&2\nexit 1\n")
        .unwrap();
    succeed(sandbox.command("chmod").args(["755", helper.as_str()]));
    let configuration = sandbox.join("home/.docker/config.json");
    std::fs::create_dir_all(configuration.parent().unwrap()).unwrap();
    let pushed = || {
        let mut command =
            sandbox.beamship(sandbox.path(), &["image", "--push", "registry.example.com/team/shop:1"]);
        let path = format!("{}:{}", sandbox.join("home"), std::env::var("PATH").unwrap());
        fail(command.env("PATH", path))
    };
    let push = |text: &str| {
        std::fs::write(&configuration, text).unwrap();
        pushed()
    };
    let message = push(r#"{"credHelpers": {"registry.example.com": "vault"}}"#);
    assert!(
        message.contains(
            "cannot read the credentials for `registry.example.com` from `docker-credential-vault`"
        ),
        "{message}"
    );
    assert!(
        message.contains("hint: `docker login registry.example.com`") && !message.contains("geheim"),
        "{message}"
    );
    assert!(
        message.contains("`echo registry.example.com | docker-credential-vault get` shows why"),
        "{message}"
    );
    // It is asked once, and for the registry: gcloud's fails when it is asked for `registry/team/shop`.
    assert_eq!(std::fs::read_to_string(sandbox.join("home/asked")).unwrap(), "registry.example.com");
    let message = push(r#"{"credsStore": "missing"}"#);
    assert!(message.contains("`docker-credential-missing`"), "{message}");
    let message = push(r#"{"credsStore": "../evil"}"#);
    assert!(message.contains("that is not a valid program name"), "{message}");
    // Who has logged in is not sent away as somebody who has not.
    std::fs::remove_file(&configuration).unwrap();
    std::fs::create_dir(&configuration).unwrap();
    let message = pushed();
    assert!(message.contains(&format!("from `{configuration}`: Is a directory")), "{message}");
    std::fs::remove_dir(&configuration).unwrap();
    // Another registry's helper is not asked.
    let message = push(r#"{"credHelpers": {"other.example.com": "vault"}}"#);
    assert!(message.contains("there is no mix.exs") || message.contains("mix.exs"), "{message}");
}

#[test]
fn an_archive_and_a_dry_run() {
    let built = Built::get();
    let release = built.release();
    let sandbox = Sandbox::new();
    let archive = sandbox.join("out/guestbook.tar");
    let report =
        image(&sandbox, sandbox.path(), &["--release", release.as_str(), "--output", archive.as_str()]);
    assert_eq!(report["output"].as_str(), Some(archive.as_str()));
    // The commit of the project is not known here, its layers are the same.
    assert_eq!(crate::built::layers(&report), crate::built::layers(&built.image));
    let inspected =
        succeed(&mut sandbox.beamship(sandbox.path(), &["image", "inspect", archive.as_str(), "--json"]));
    let json: serde_json::Value = serde_json::from_str(&inspected.stdout).unwrap();
    assert_eq!(json[0]["digest"], report["digest"]);
    assert_eq!(json[0]["labels"]["org.opencontainers.image.created"], "2023-11-14T22:13:20Z");
    let before = std::fs::metadata(built.layout().join("index.json")).unwrap().modified().unwrap();
    let plan = succeed(&mut built.sandbox.beamship(&built.project, &["image", "--dry-run"]));
    assert!(plan.stdout.starts_with("linux/") && plan.stdout.contains("  application "), "{}", plan.stdout);
    assert_eq!(std::fs::metadata(built.layout().join("index.json")).unwrap().modified().unwrap(), before);
    // A directory that holds something else is not touched.
    let message = fail(
        &mut built
            .sandbox
            .beamship(&built.project, &["image", "--release", release.as_str(), "--output", "config"]),
    );
    assert!(message.contains("`config` holds something other than an image"), "{message}");
}
