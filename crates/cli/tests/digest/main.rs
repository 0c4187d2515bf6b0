//! `beamship digest`, and assets within `beamship build`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

#[path = "../support/sandbox.rs"]
mod sandbox;

use camino::Utf8PathBuf;

use crate::sandbox::{Sandbox, fail, succeed};

fn assets(sandbox: &Sandbox) -> Utf8PathBuf {
    let project = sandbox.join("project");
    for (path, text) in
        [("priv/static/css/app.css", "a{b:url(/x.png)}".repeat(20)), ("priv/static/x.png", "x".to_owned())]
    {
        std::fs::create_dir_all(project.join(path).parent().unwrap()).unwrap();
        std::fs::write(project.join(path), text).unwrap();
    }
    project
}

/// D24: where files come from and go to, and what is said.
#[test]
fn d24_the_command_says_what_it_does() {
    let sandbox = Sandbox::new();
    let project = assets(&sandbox);
    let outcome = succeed(&mut sandbox.beamship(&project, &["digest"]));
    assert!(outcome.stderr.contains("2 files in priv/static, 5 written"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(".css") && outcome.stderr.contains(" as .gz"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    let again = succeed(&mut sandbox.beamship(&project, &["digest", "--json"]));
    assert!(again.stderr.contains("nothing has changed"), "{}", again.stderr);
    assert!(again.stdout.contains("\"files\": 2"), "{}", again.stdout);

    let other = succeed(
        &mut sandbox.beamship(&project, &["digest", "priv/static", "-o", "public", "--no-vsn", "--brotli=5"]),
    );
    assert!(other.stderr.contains("in public"), "{}", other.stderr);
    assert!(project.join("public/css/app.css.br").is_file() && project.join("public/css/app.css").is_file());

    let message = fail(&mut sandbox.beamship(&project, &["digest", "assets"]));
    assert!(
        message.contains("cannot find the directory `assets`") && message.contains("hint: "),
        "{message}"
    );
    let message = fail(&mut sandbox.beamship(&project, &["digest", "clean", "--output", "nowhere"]));
    assert!(message.contains("`nowhere`") && message.contains("hint: "), "{message}");
}

/// `robots.txt` counted as a compressed file that is as large.
#[test]
fn only_compressed_files_that_are_written_count() {
    let sandbox = Sandbox::new();
    let project = assets(&sandbox);
    std::fs::write(project.join("priv/static/robots.txt"), "User-agent: *\n").unwrap();
    std::fs::write(project.join("priv/static/css/b.css"), "b{}").unwrap();
    let outcome = succeed(&mut sandbox.beamship(&project, &["digest"]));
    assert!(!outcome.stderr.contains(".txt"), "{}", outcome.stderr);
    assert!(!project.join("priv/static/robots.txt.gz").exists());
    let outcome = succeed(&mut sandbox.beamship(&project, &["digest", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["kinds"][".txt"]["compressed"], serde_json::json!({}));
    let digested = project.join("priv/static/css").read_dir_utf8().unwrap().map(|entry| entry.unwrap());
    let written: Vec<u64> = digested
        .filter(|entry| entry.file_name().starts_with("app-") && entry.file_name().ends_with(".gz"))
        .map(|entry| entry.metadata().unwrap().len())
        .collect();
    assert_eq!(report["kinds"][".css"]["compressed"], serde_json::json!({ ".gz": written[0] }));
}

/// It was said not to be found.
#[test]
fn a_file_is_not_a_directory() {
    let sandbox = Sandbox::new();
    let project = assets(&sandbox);
    std::fs::write(project.join("mix.exs"), "").unwrap();
    for arguments in [["digest", "mix.exs"].as_slice(), &["digest", "clean", "-o", "mix.exs"]] {
        let message = fail(&mut sandbox.beamship(&project, arguments));
        assert!(message.starts_with("error: `mix.exs` is not a directory\nhint: "), "{message}");
    }
}

#[test]
fn d24_cleaning_says_what_it_removes() {
    let sandbox = Sandbox::new();
    let project = assets(&sandbox);
    succeed(&mut sandbox.beamship(&project, &["digest"]));
    let nothing = succeed(&mut sandbox.beamship(&project, &["digest", "clean"]));
    assert!(nothing.stderr.contains("There is nothing to remove in priv/static"), "{}", nothing.stderr);
    let plan = succeed(&mut sandbox.beamship(&project, &["digest", "clean", "--all", "--dry-run"]));
    assert!(plan.stderr.contains("would remove priv/static/cache_manifest.json"), "{}", plan.stderr);
    assert!(project.join("priv/static/cache_manifest.json").exists());
    succeed(&mut sandbox.beamship(&project, &["digest", "clean", "--all"]));
    let left: Vec<String> = project
        .join("priv/static")
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_was_replaced_a_moment_ago_is_not_old_when_the_commit_is() {
    let sandbox = Sandbox::new();
    let project = assets(&sandbox);
    let digested = |directory: &str| {
        let mut names: Vec<String> = project
            .join(directory)
            .read_dir_utf8()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_owned())
            .filter(|name| name.starts_with("x-"))
            .collect();
        names.sort();
        names
    };
    let run = |time: &str, arguments: &[&str]| {
        succeed(sandbox.beamship(&project, arguments).env("SOURCE_DATE_EPOCH", time));
    };
    run("1600000000", &["digest", "-o", "previous"]);
    std::fs::write(project.join("priv/static/x.png"), "y").unwrap();
    run("1700000000", &["digest", "-o", "next", "--carry", "previous"]);
    let both = digested("next");
    assert_eq!(both.len(), 2, "{both:?}");
    run("1700000000", &["digest", "clean", "-o", "next", "--age", "604800", "--keep", "5"]);
    assert_eq!(digested("next"), both);
    run("1700700000", &["digest", "clean", "-o", "next", "--age", "604800", "--keep", "5"]);
    assert_eq!(digested("next").len(), 1);
}

/// X11 and more: the assets of a release are digested where the alias says so, by beamship.
#[test]
fn x11_the_assets_of_a_build_are_digested() {
    let sandbox = Sandbox::new();
    let project = assets(&sandbox);
    std::fs::write(
        project.join("mix.exs"),
        "defmodule Demo.MixProject do
  use Mix.Project
  def project, do: [app: :demo, version: \"0.1.0\", aliases: [\"assets.deploy\": [\"phx.digest\"]]]
end
",
    )
    .unwrap();
    let digested = || {
        succeed(sandbox.beamship(&project, &["build"]).env("SOURCE_DATE_EPOCH", "1700000000"));
        let path = project.join("_build/prod/rel/demo/lib/demo-0.1.0/priv/static");
        let manifest = std::fs::read_to_string(path.join("cache_manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let name = manifest["latest"]["css/app.css"].as_str().unwrap().to_owned();
        assert!(path.join(&name).is_file() && path.join(format!("{name}.gz")).is_file());
        assert_eq!(manifest["digests"][&name]["mtime"], 63_867_219_200_u64);
        name
    };
    let first = digested();
    assert_eq!(digested(), first);
    // Mix's stylesheet would keep its name, and browsers its old content.
    std::fs::write(project.join("priv/static/x.png"), "y").unwrap();
    assert_ne!(digested(), first);
    std::fs::remove_dir_all(project.join("priv/static")).unwrap();
    let message = fail(&mut sandbox.beamship(&project, &["build"]));
    assert!(message.contains("cannot find the directory `priv/static`"), "{message}");
}
