//! Projects of several kinds. Their dependencies are directories that only have names: what is generated follows from them.

use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use crate::files::write;
use crate::sandbox::{Sandbox, fail, run, succeed};

fn dependency(project: &Utf8Path, name: &str) {
    let text = format!(
        "defmodule {name}.MixProject do\n  use Mix.Project\n  def project, do: [app: :{lower}, version: \"1.0.0\"]\nend\n",
        name = name.to_uppercase(),
        lower = name
    );
    write(&project.join("vendor").join(name).join("mix.exs"), &text);
}

/// A project of one application.
fn project(sandbox: &Sandbox, dependencies: &[&str]) -> Utf8PathBuf {
    let project = sandbox.join("shop");
    let list: Vec<String> =
        dependencies.iter().map(|name| format!("{{:{name}, path: \"vendor/{name}\"}}")).collect();
    for name in dependencies {
        dependency(&project, name);
    }
    let text = format!(
        "defmodule Shop.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :shop, version: \"0.1.0\", deps: [{}]]\n  end\nend\n",
        list.join(", ")
    );
    write(&project.join("mix.exs"), &text);
    write(&project.join("lib/shop.ex"), "defmodule Shop do\nend\n");
    write(&project.join("config/config.exs"), "import Config\nconfig :shop, ecto_repos: [Shop.Repo]\n");
    write(&project.join("config/runtime.exs"), "import Config\nSystem.get_env(\"PHX_HOST\")\n");
    project
}

#[test]
fn a_phoenix_project_gets_what_fits_and_keeps_what_it_has() {
    let sandbox = Sandbox::new();
    let project = project(&sandbox, &["phoenix", "ecto_sql", "postgrex"]);
    let dry = succeed(&mut sandbox.beamship(&project, &["gen", "--dry-run"]));
    assert!(dry.stderr.contains("  create    lib/shop/release.ex\n"), "{}", dry.stderr);
    let dry = succeed(&mut sandbox.beamship(&project, &["gen", "--dry-run", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&dry.stdout).unwrap();
    assert!(json.as_array().unwrap().iter().all(|file| file["change"] == "create"), "{json}");
    assert!(!project.join("rel").exists() && !project.join("Dockerfile").exists());

    let first = succeed(&mut sandbox.beamship(&project, &["gen"]));
    for path in ["rel/overlays/bin/server", "rel/overlays/bin/migrate", "Dockerfile"] {
        assert!(first.stderr.contains(&format!("  created   {path}\n")), "{path}\n{}", first.stderr);
    }
    // What is missing in the configuration, and only that.
    assert!(first.stderr.contains("System.get_env(\"PHX_SERVER\")"), "{}", first.stderr);
    assert!(
        first.stderr.contains("ECTO_IPV6") && !first.stderr.contains("url: [host: host"),
        "{}",
        first.stderr
    );
    let mode = std::fs::metadata(project.join("rel/overlays/bin/server")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);

    let again = succeed(&mut sandbox.beamship(&project, &["gen", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert!(json.as_array().unwrap().iter().all(|file| file["change"] == "identical"), "{json}");

    // The module compiles in this Elixir, formatted as its formatter would.
    succeed(&mut sandbox.mix(&project, &["compile"]));
    succeed(&mut sandbox.mix(&project, &["format", "--check-formatted", "lib/shop/release.ex"]));

    let own = "defmodule Shop.Release do\n  # mine\nend\n";
    write(&project.join("lib/shop/release.ex"), own);
    let message = fail(&mut sandbox.beamship(&project, &["gen", "release"]));
    assert!(message.contains("-  # mine\n") && message.contains("+  def migrate do\n"), "{message}");
    assert!(message.contains("kept `lib/shop/release.ex`, which differ\nhint: --force"), "{message}");
    assert_eq!(std::fs::read_to_string(project.join("lib/shop/release.ex")).unwrap(), own);
    let dry = succeed(&mut sandbox.beamship(&project, &["gen", "release", "--dry-run"]));
    assert!(dry.stderr.contains("  keep      lib/shop/release.ex\n"), "{}", dry.stderr);
    let forced = succeed(&mut sandbox.beamship(&project, &["gen", "release", "--force", "--minimal"]));
    assert!(forced.stderr.contains("  replaced  lib/shop/release.ex\n"), "{}", forced.stderr);
    succeed(&mut sandbox.mix(&project, &["compile"]));
    succeed(&mut sandbox.mix(&project, &["format", "--check-formatted", "lib/shop/release.ex"]));
}

#[test]
fn a_plain_project_gets_a_dockerfile() {
    let sandbox = Sandbox::new();
    let project = project(&sandbox, &[]);
    write(&project.join(".tool-versions"), "elixir 1.17.3-otp-26\n");
    let outcome = succeed(&mut sandbox.beamship(&project, &["gen"]));
    assert!(!outcome.stderr.contains("rel/"), "{}", outcome.stderr);
    let docker = std::fs::read_to_string(project.join("Dockerfile")).unwrap();
    assert!(docker.contains("ARG ELIXIR_VERSION=1.17.3\nARG OTP_VERSION=26\n"), "{docker}");
    assert!(!docker.contains("local.hex") && !docker.contains("deps.get"), "{docker}");
    let outcome = succeed(&mut sandbox.beamship(&project, &["gen", "release"]));
    assert!(
        outcome.stderr.contains("nothing: the project has neither Phoenix nor Ecto"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_umbrella_has_its_tasks_where_the_repository_is() {
    let sandbox = Sandbox::new();
    let root = sandbox.join("all");
    let mix = |name: &str, rest: &str| {
        format!("defmodule {name}.MixProject do\n  use Mix.Project\n  def project, do: [{rest}]\nend\n")
    };
    write(
        &root.join("mix.exs"),
        &mix(
            "All",
            "apps_path: \"apps\", version: \"0.1.0\", deps: [], releases: [all: [applications: [shop: :permanent]]]",
        ),
    );
    for name in ["phoenix", "ecto_sql"] {
        dependency(&root, name);
    }
    let child = |app: &str, deps: &str| {
        format!(
            "app: :{app}, version: \"0.1.0\", build_path: \"../../_build\", config_path: \"../../config/config.exs\", deps_path: \"../../deps\", lockfile: \"../../mix.lock\", deps: [{deps}], aliases: [\"assets.deploy\": [\"phx.digest\"]]"
        )
    };
    let shop = child("shop", "{:ecto_sql, path: \"../../vendor/ecto_sql\"}");
    let web = child("shop_web", "{:shop, in_umbrella: true}, {:phoenix, path: \"../../vendor/phoenix\"}");
    write(&root.join("apps/shop/mix.exs"), &mix("Shop", &shop));
    write(&root.join("apps/shop_web/mix.exs"), &mix("ShopWeb", &web));
    write(&root.join("config/config.exs"), "import Config\nconfig :shop, ecto_repos: [Shop.Repo]\n");
    let outcome = succeed(&mut sandbox.beamship(&root, &["gen"]));
    for path in ["apps/shop/lib/shop/release.ex", "rel/overlays/bin/server", "Dockerfile"] {
        assert!(outcome.stderr.contains(&format!("  created   {path}\n")), "{path}\n{}", outcome.stderr);
    }
    let docker = std::fs::read_to_string(root.join("Dockerfile")).unwrap();
    for line in [
        "COPY apps/shop_web/mix.exs apps/shop_web/mix.exs\n",
        "COPY vendor vendor\n",
        "COPY apps/shop apps/shop\n",
        "RUN mix do --app shop cmd mix assets.deploy\nRUN mix do --app shop_web cmd mix assets.deploy\n",
    ] {
        assert!(docker.contains(line), "{line}\n{docker}");
    }
    // Every change of a source would compile all dependencies again.
    assert!(!docker.contains("COPY apps apps\n"), "{docker}");
    // One application alone has its configuration elsewhere.
    let outcome = succeed(&mut sandbox.beamship(&root.join("apps/shop"), &["gen", "docker"]));
    let expected = "outside of the project: build_path, config_path, deps_path, lockfile\n";
    assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
}

#[test]
fn what_cannot_be_generated_is_said() {
    let sandbox = Sandbox::new();
    assert!(fail(&mut sandbox.beamship(sandbox.path(), &["gen"])).contains("there is no mix.exs in `"));
    let project = project(&sandbox, &[]);
    assert_eq!(run(&mut sandbox.beamship(&project, &["gen", "heroku"])).status, Some(2));
    write(&project.join("config/config.exs"), "import Config\nraise \"broken\"\n");
    let message = fail(&mut sandbox.beamship(&project, &["gen"]));
    assert!(message.contains("broken") && message.contains("loading the project failed"), "{message}");
    // A dependency that no Dockerfile in the project reaches.
    write(&project.join("config/config.exs"), "import Config\n");
    dependency(sandbox.path(), "outside");
    let text = std::fs::read_to_string(project.join("mix.exs")).unwrap();
    write(
        &project.join("mix.exs"),
        &text.replace("deps: []", "deps: [{:outside, path: \"../vendor/outside\"}]"),
    );
    let outcome = succeed(&mut sandbox.beamship(&project, &["gen", "docker"]));
    let expected = "`docker build` does not reach dependencies outside of the project: `";
    assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("vendor/outside`\n"), "{}", outcome.stderr);
}
