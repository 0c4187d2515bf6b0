//! The cases of Phoenix's own tests of its generator (`test/mix/tasks/phx.gen.release_test.exs`), numbered G1 to G7 here, and
//! what that refuses or asks a registry for.

use beamship_generate::{Builder, Notice, Options, Part, Project, default_parts, files, notices};

use crate::{generated, names, phoenix, text, umbrella};

fn paths(project: &Project, parts: &[Part]) -> Vec<String> {
    generated(project, parts).into_iter().map(|file| file.path).collect()
}

/// G1: with Ecto.
#[test]
fn g01_release_with_ecto() {
    let project = phoenix();
    let expected = [
        "rel/overlays/bin/server",
        "rel/overlays/bin/server.bat",
        "rel/overlays/bin/migrate",
        "rel/overlays/bin/migrate.bat",
        "lib/my_shop/release.ex",
    ];
    assert_eq!(paths(&project, &[Part::Release]), expected);
    for file in generated(&project, &[Part::Release]) {
        assert_eq!(file.mode, if file.path.starts_with("rel/") { 0o755 } else { 0o644 }, "{}", file.path);
    }
    let release = text(&project, &[Part::Release], "lib/my_shop/release.ex");
    for line in [
        "defmodule MyShop.Release do\n",
        "  @app :my_shop\n",
        "  def migrate do\n    load_app()\n",
        "{:ok, _, _} = Ecto.Migrator.with_repo(repo, &Ecto.Migrator.run(&1, :up, all: true))",
        "  def rollback(repo, version) do\n    load_app()\n",
        "{:ok, _, _} = Ecto.Migrator.with_repo(repo, &Ecto.Migrator.run(&1, :down, to: version))",
        "  def status do\n",
        "Application.fetch_env!(@app, :ecto_repos)",
        "{:ok, _} = Application.ensure_all_started(:ssl)\n    :ok = Application.ensure_loaded(@app)",
    ] {
        assert!(release.contains(line), "{line}\n{release}");
    }
    assert!(!release.contains("start_app") && release.ends_with("\nend\n"), "{release}");
    let server = text(&project, &[Part::Release], "rel/overlays/bin/server");
    assert_eq!(
        server,
        "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./my_shop start\n"
    );
    let batch = text(&project, &[Part::Release], "rel/overlays/bin/server.bat");
    assert_eq!(batch, "set PHX_SERVER=true\r\ncall \"%~dp0\\my_shop\" start\r\n");
    let migrate = text(&project, &[Part::Release], "rel/overlays/bin/migrate");
    assert!(migrate.ends_with("exec ./my_shop eval MyShop.Release.migrate\n"), "{migrate}");
    let batch = text(&project, &[Part::Release], "rel/overlays/bin/migrate.bat");
    assert_eq!(batch, "call \"%~dp0\\my_shop\" eval MyShop.Release.migrate\r\n");
}

/// G2: without Ecto.
#[test]
fn g02_release_without_ecto() {
    let project = Project { dependencies: names(&["phoenix"]), ..phoenix() };
    assert_eq!(paths(&project, &[Part::Release]), ["rel/overlays/bin/server", "rel/overlays/bin/server.bat"]);
}

/// G3: with Docker.
#[test]
fn g03_docker() {
    let project = phoenix();
    let docker = text(&project, &[Part::Release, Part::Docker], "Dockerfile");
    for line in [
        "COPY --from=builder --chown=nobody:root /app/_build/prod/rel/my_shop ./\n",
        "USER nobody\n",
        "CMD [\"/app/bin/server\"]\n",
        "COPY config/runtime.exs config/\n",
        "COPY rel rel\n",
        "ENV MIX_ENV=\"prod\"\n",
        "RUN mix release\n",
    ] {
        assert!(docker.contains(line), "{line}\n{docker}");
    }
    let order = [
        "mix.lock ./",
        "deps.get --only prod",
        "config/prod.exs config/",
        "mix deps.compile",
        "mix assets.setup",
        "COPY lib lib",
        "RUN mix compile",
        "COPY assets assets",
        "RUN mix assets.deploy",
        "config/runtime.exs config/",
        "COPY rel rel",
        "RUN mix release",
    ];
    let places: Vec<_> =
        order.iter().map(|step| docker.find(step).unwrap_or_else(|| panic!("{step}\n{docker}"))).collect();
    assert!(places.is_sorted(), "{docker}");
    let ignored = text(&project, &[Part::Docker], ".dockerignore");
    for line in
        ["\n.git\n!.git/HEAD\n!.git/refs\n", "\n/_build/\n/deps/\n", "\n/assets/node_modules/\n", "\n.env\n"]
    {
        assert!(ignored.contains(line), "{line}\n{ignored}");
    }
}

/// Instead of G4 and G5: versions are those of the project, and no registry is asked.
#[test]
fn versions_are_pinned_without_a_registry() {
    let docker = text(&phoenix(), &[Part::Docker], "Dockerfile");
    assert!(
        docker.contains("ARG ELIXIR_VERSION=1.18.3\nARG OTP_VERSION=27\nARG DEBIAN_VERSION=bookworm\n"),
        "{docker}"
    );
    assert!(docker.contains("Versions are those of .tool-versions."), "{docker}");
    let newer = Project { otp: "28".to_owned(), ..phoenix() };
    assert!(text(&newer, &[Part::Docker], "Dockerfile").contains("ARG DEBIAN_VERSION=trixie\n"));
}

/// G6 and G7: what concerns assets is there when they are.
#[test]
fn g06_g07_assets() {
    let with = text(&phoenix(), &[Part::Docker], "Dockerfile");
    let without = Project { present: names(&["mix.lock", "lib"]), aliases: names(&[]), ..phoenix() };
    let without = text(&without, &[Part::Docker], "Dockerfile");
    for step in ["mix assets.setup", "COPY assets assets", "mix assets.deploy"] {
        assert!(with.contains(step) && !without.contains(step), "{step}");
    }
    // Nor is anything else copied that is not there.
    for missing in ["COPY priv", "COPY rel", "COPY config"] {
        assert!(!without.contains(missing), "{missing}\n{without}");
    }
}

/// Phoenix's generator refuses umbrellas.
#[test]
fn umbrellas_have_release_tasks_and_a_dockerfile() {
    let project = umbrella();
    assert!(paths(&project, &[Part::Release]).contains(&"apps/shop/lib/shop/release.ex".to_owned()));
    let migrate = text(&project, &[Part::Release], "rel/overlays/bin/migrate");
    assert!(migrate.contains("exec ./all eval Shop.Release.migrate"), "{migrate}");
    let docker = text(&project, &[Part::Docker], "Dockerfile");
    for line in [
        "COPY apps/shop/mix.exs apps/shop/mix.exs\n",
        "RUN mix do --app shop_web cmd mix assets.setup\n",
        "COPY apps/shop_web apps/shop_web\nRUN mix compile\nRUN mix do --app shop_web cmd mix assets.deploy\n",
        "/app/_build/prod/rel/all ./",
    ] {
        assert!(docker.contains(line), "{line}\n{docker}");
    }
    let several = Project {
        applications: umbrella()
            .applications
            .into_iter()
            .map(|mut it| {
                it.has_repositories = true;
                it
            })
            .collect(),
        ..umbrella()
    };
    let release = text(&several, &[Part::Release], "apps/shop/lib/shop/release.ex");
    assert!(release.contains("@apps [:shop, :shop_web]\n"), "{release}");
}

#[test]
fn plain_ecto_applications_have_tasks_and_no_server() {
    let project = Project { dependencies: names(&["ecto_sql"]), ..phoenix() };
    assert!(!paths(&project, &[Part::Release]).iter().any(|path| path.contains("server")));
    let docker = text(&project, &[Part::Docker], "Dockerfile");
    assert!(docker.contains("CMD [\"/app/bin/my_shop\", \"start\"]\n"), "{docker}");
}

#[test]
fn a_minimal_start_is_an_option() {
    let options = Options { minimal: true, ..Options::default() };
    let all = files(&phoenix(), &[Part::Release], options).unwrap();
    let release = &all.iter().find(|file| file.path.ends_with("release.ex")).unwrap().text;
    assert!(release.contains("  def migrate do\n    start_app()\n"), "{release}");
    assert!(release.contains("Application.put_env(@app, :minimal, true)\n"), "{release}");
}

#[test]
fn what_fits_is_generated() {
    assert_eq!(default_parts(&phoenix()), [Part::Release, Part::Docker]);
    let plain = Project { dependencies: names(&[]), ..phoenix() };
    assert_eq!(default_parts(&plain), [Part::Docker]);
}

#[test]
fn node_packages_and_dependencies_inside_are_copied_first() {
    let project = Project {
        present: names(&["assets", "assets/package.json", "assets/package-lock.json", "lib"]),
        path_dependencies: vec!["vendor/fork".to_owned(), "our \"own\" libraries".to_owned()],
        ..phoenix()
    };
    let options = Options { builder: Builder::Beamship, ..Options::default() };
    let all = files(&project, &[Part::Docker], options).unwrap();
    let docker = &all[0].text;
    for line in [
        "COPY vendor/fork vendor/fork\n",
        r#"COPY ["our \\\"own\\\" libraries","our \\\"own\\\" libraries"]"#,
        "COPY assets/package.json assets/package-lock.json assets/\n",
        "  npm --prefix assets ci --no-audit --no-fund\n",
        "RUN beamship build\n",
        "CMD [\"/app/bin/my_shop\", \"ready\"]\n",
        "COPY --from=beamship /beamship /beamship-launcher /usr/local/bin/\n",
    ] {
        assert!(docker.contains(line), "{line}\n{docker}");
    }
    assert!(!docker.contains("RUN mix assets.deploy") && !docker.contains("RUN mix compile"), "{docker}");
}

#[test]
fn what_the_runtime_configuration_lacks_is_told() {
    let variables = |text: Option<&str>, project: Project| -> Vec<&'static str> {
        let all = notices(&Project { runtime_exs: text.map(str::to_owned), ..project });
        all.into_iter().map(|Notice { variable, .. }| variable).collect()
    };
    assert_eq!(variables(None, phoenix()), ["ECTO_IPV6", "PHX_SERVER", "PHX_HOST"]);
    assert_eq!(variables(Some("PHX_SERVER ECTO_IPV6"), phoenix()), ["PHX_HOST"]);
    let sqlite = Project { dependencies: names(&["phoenix", "ecto_sql", "ecto_sqlite3"]), ..phoenix() };
    assert_eq!(variables(Some("PHX_SERVER PHX_HOST"), sqlite), Vec::<&str>::new());
    assert_eq!(variables(None, Project { dependencies: names(&[]), ..phoenix() }), Vec::<&str>::new());
}
