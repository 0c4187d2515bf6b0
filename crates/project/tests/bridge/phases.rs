//! Fetching, compiling, assets: what is done and what is printed.

use etf::Atom;
use project::{Bridge, BridgeError, CompileOptions, ReleaseRequest};

use crate::fixture::{Project, count, explain, keeping_sink, mix_exs, write};

const COMPILE: CompileOptions = CompileOptions {
    no_all_warnings: false,
    force: false,
    no_compile: false,
    no_deps_check: false,
    no_archives_check: false,
    no_elixir_version_check: false,
};

#[test]
fn output_is_attributed_to_its_phase() {
    let keys = "aliases: [\"assets.deploy\": [fn _ ->
        IO.puts(\"assets\")
        IO.puts(:stderr, \"more\")
        Application.ensure_all_started(:logger)
        require Logger
        Logger.error(\"logged\")
      end]]";
    let project = Project::plain(keys).file("config/config.exs", "IO.puts(\"config\")\nimport Config\n");
    let mut bridge = project.start().unwrap();
    assert!(bridge.loading().output.text().contains("config"));
    assert_eq!(bridge.information().mix_env, "prod");
    assert_eq!(bridge.information().aliases, ["assets.deploy"]);
    let compiled = bridge.compile(&COMPILE).unwrap();
    assert_eq!(compiled.output.text(), "Compiling 1 file (.ex)\nGenerated demo app\n");
    assert!(!compiled.output.has_warnings());
    let assets = bridge.deploy_assets().unwrap();
    assert!(assets.value);
    let mut lines: Vec<String> = assets.output.text().lines().map(str::to_owned).collect();
    lines.sort();
    lines.retain(|line| !line.is_empty());
    assert!(lines[0].ends_with("[error] logged"), "{lines:?}");
    assert_eq!(lines[1..], ["assets", "more"]);
    assert_eq!(bridge.stop().unwrap().output.text(), "");
}

#[test]
fn a_sink_sees_output_live_and_without_markers() {
    let project = Project::plain("");
    let mut options = project.options();
    let (sink, kept) = keeping_sink();
    options.sink = Some(sink);
    let mut bridge = Bridge::start(&options).unwrap();
    let compiled = bridge.compile(&COMPILE).unwrap();
    assert!(compiled.output.is_forwarded());
    bridge.stop().unwrap();
    let text = String::from_utf8(kept.lock().unwrap().clone()).unwrap();
    assert_eq!(text, "Compiling 1 file (.ex)\nGenerated demo app\n");
}

#[test]
fn warnings_of_the_compiler_are_noticed() {
    let project =
        Project::plain("").file("lib/other.ex", "defmodule Other do\n  def f(unused), do: 1\nend\n");
    let compiled = project.start().unwrap().compile(&COMPILE).unwrap();
    assert!(compiled.output.has_warnings(), "{}", compiled.output.text());
}

#[test]
fn a_project_without_dependencies_has_nothing_to_fetch() {
    let project = Project::plain("");
    let mut bridge = project.start().unwrap();
    let dependencies = bridge.fetch_dependencies().unwrap();
    assert!(!dependencies.value.fetched);
    assert_eq!(dependencies.value.count, 0);
    assert!(dependencies.output.is_empty(), "{}", dependencies.output.text());
    assert!(!bridge.deploy_assets().unwrap().value);
}

#[test]
fn a_git_dependency_is_fetched_once_and_compiled_in_the_same_virtual_machine() {
    let project = Project::empty();
    let inner = project.root.join("inner");
    let project = project.mix("demo", &format!("deps: [{{:inner, git: \"{inner}\"}}]"));
    write(&inner.join("mix.exs"), &mix_exs("inner", "", ""));
    write(&inner.join("lib/inner.ex"), "defmodule Inner do\n  def number, do: 7\nend\n");
    for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "first"]] {
        let mut git = std::process::Command::new("git");
        git.arg("-C")
            .arg(&inner)
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(arguments);
        let Ok(status) = git.status() else {
            testing::skip("there is no git");
            return;
        };
        assert!(status.success());
    }
    let project = project.file("lib/demo.ex", "defmodule Demo do\n  7 = Inner.number()\nend\n");
    let mut bridge = project.start().unwrap();
    assert!(bridge.fetch_dependencies().unwrap_or_else(|error| panic!("{}", explain(&error))).value.fetched);
    let compiled = bridge.compile(&COMPILE).unwrap_or_else(|error| panic!("{}", explain(&error)));
    assert!(compiled.output.text().contains("==> inner"), "{}", compiled.output.text());
    bridge.stop().unwrap();
    let mut again = project.start().unwrap();
    let dependencies = again.fetch_dependencies().unwrap();
    assert!(!dependencies.value.fetched);
    assert_eq!(dependencies.value.count, 1);
    assert!(again.compile(&COMPILE).unwrap().output.is_empty());
}

#[test]
fn a_dependency_that_was_not_fetched_stops_the_compilation_in_the_words_of_mix() {
    let project = Project::plain("deps: [{:inner, git: \"/nowhere/inner\"}]");
    let error = project.start().unwrap().compile(&COMPILE).unwrap_err();
    let printed = error.output().unwrap().text();
    assert!(matches!(error, BridgeError::Failed { .. }), "{}", explain(&error));
    assert_eq!(count(&printed, "Unchecked dependencies for environment prod"), 1, "{printed}");
    assert_eq!(count(&printed, "Can't continue due to errors on dependencies"), 1, "{printed}");
}

#[test]
fn hex_is_installed_without_asking_and_a_failure_is_in_the_words_of_mix() {
    let project = Project::plain("deps: [{:nowhere_to_be_found, \"~> 1.0\"}]");
    let mut options = project.options();
    for name in ["HEX_MIRROR", "HEX_BUILDS_URL"] {
        // Nothing listens there.
        options.environment.push((name.into(), "http://127.0.0.1:9".into()));
    }
    let error = Bridge::start(&options).unwrap().fetch_dependencies().unwrap_err();
    assert!(matches!(error, BridgeError::Failed { .. }), "{}", explain(&error));
    let printed = error.output().unwrap().text();
    assert_eq!(count(&printed, "Shall I install Hex?"), 1, "{printed}");
    assert_eq!(count(&printed, "Could not install Hex because"), 1, "{printed}");
}

#[test]
fn copies_of_priv_in_the_build_directory_follow_the_assets() {
    let project = Project::plain(
        "build_embedded: true, aliases: [\"assets.deploy\": [fn _ -> File.write!(\"priv/app.js\", \"new\") end]]",
    )
    .file("priv/app.js", "old");
    let mut bridge = project.start().unwrap();
    bridge.compile(&COMPILE).unwrap();
    bridge.deploy_assets().unwrap();
    bridge.compile(&COMPILE).unwrap();
    assert_eq!(fs_err::read(project.directory.join("_build/prod/lib/demo/priv/app.js")).unwrap(), b"new");
}

#[test]
fn flags_reach_the_compiler() {
    let project = Project::plain("elixir: \"~> 99.0\"");
    let error = project.start().unwrap().compile(&COMPILE).unwrap_err();
    assert!(error.output().unwrap().text().contains("~> 99.0"), "{}", explain(&error));
    let lenient = CompileOptions { no_elixir_version_check: true, no_compile: true, ..COMPILE };
    let compiled =
        project.start().unwrap().compile(&lenient).unwrap_or_else(|error| panic!("{}", explain(&error)));
    assert!(compiled.output.is_empty(), "{}", compiled.output.text());
    assert!(!project.directory.join("_build/prod/lib/demo/ebin/Elixir.Demo.beam").exists());
}

#[test]
fn a_question_finds_the_end_of_input() {
    let keys = "aliases: [\"assets.deploy\": [fn _ ->
        IO.inspect(IO.gets(\"name? \"))
        IO.inspect(Mix.shell().yes?(\"sure?\"))
      end]]";
    let project = Project::plain(keys);
    let mut bridge = project.start().unwrap();
    let output = bridge.deploy_assets().unwrap_or_else(|error| panic!("{}", explain(&error))).output.text();
    assert_eq!(count(&output, ":eof"), 1, "{output}");
    assert_eq!(count(&output, "false"), 1, "{output}");
}

/// A program in place of beamship that notes what it is asked for.
fn noting(project: &Project) -> project::BridgeOptions {
    use std::os::unix::fs::PermissionsExt;
    let program = project.root.join("digest");
    write(&program, "#!/bin/sh\necho \"[$(basename \"$PWD\")] $*\"\n[ ! -e fails ]\n");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut options = project.options();
    options.digest = Some(program);
    options
}

fn deployed(project: &Project) -> Result<String, BridgeError> {
    let mut bridge = Bridge::start(&noting(project)).unwrap_or_else(|error| panic!("{}", explain(&error)));
    bridge.compile(&COMPILE).unwrap_or_else(|error| panic!("{}", explain(&error)));
    Ok(bridge.deploy_assets()?.output.text())
}

#[test]
fn the_digest_of_phoenix_is_done_by_the_program_where_it_stands() {
    let aliases = "aliases: [\"assets.deploy\": [fn _ -> IO.puts(\"before\") end, \"phx.digest --no-vsn -o out\", fn _ -> IO.puts(\"after\") end]]";
    let project = Project::plain(aliases);
    let output = deployed(&project).unwrap_or_else(|error| panic!("{}", explain(&error)));
    assert_eq!(output, "before\n[project] digest priv/static --output out --no-vsn\nafter\n");

    let project = project.file(
        "config/config.exs",
        "import Config\nconfig :phoenix, static_compressors: [PhoenixBakery.Brotli], gzippable_exts: [\".js\", \".css\"]\n",
    );
    let output = deployed(&project).unwrap_or_else(|error| panic!("{}", explain(&error)));
    assert!(output.contains("--no-gzip --brotli --extensions .js,.css\n"), "{output}");

    let error = deployed(&project.file("fails", "")).unwrap_err();
    assert!(!error.output().unwrap().text().contains("after"), "{}", explain(&error));
}

/// As Phoenix generates it: the umbrella itself has no such alias.
#[test]
fn the_assets_of_an_umbrella_are_those_of_its_applications() {
    let umbrella = |keys: &str| {
        let root = format!(
            "defmodule Top.MixProject do
  use Mix.Project
  def project, do: [apps_path: \"apps\", version: \"2.0.0\", {keys}]
end
"
        );
        let child = |rest: &str| {
            format!(
                "build_path: \"../../_build\", deps_path: \"../../deps\", lockfile: \"../../mix.lock\", {rest}"
            )
        };
        let pages = |name: &str| {
            // As the task of esbuild, it sees to what its application needs.
            child(&format!(
                "aliases: [\"assets.deploy\": [\"loadpaths\", fn _ -> IO.puts(\"{name} \" <> Path.basename(File.cwd!())) end, \"phx.digest\"]]"
            ))
        };
        Project::empty()
            .file("mix.exs", &root)
            .file("apps/first/mix.exs", &mix_exs("first", &pages("one"), ""))
            .file("apps/second/mix.exs", &mix_exs("second", &child(""), ""))
            .file("apps/third/mix.exs", &mix_exs("third", &pages("three"), ""))
    };
    let output = deployed(&umbrella("")).unwrap_or_else(|error| panic!("{}", explain(&error)));
    let [first, third] =
        ["one first\n[first] digest priv/static\n", "three third\n[third] digest priv/static\n"];
    assert_eq!(output, format!("{first}{third}"));

    let project = umbrella("releases: [all: [applications: [second: :permanent]]]");
    let mut bridge = Bridge::start(&noting(&project)).unwrap();
    bridge.compile(&COMPILE).unwrap_or_else(|error| panic!("{}", explain(&error)));
    assert!(bridge.deploy_assets().unwrap().value);
    let spec = bridge.describe_release(&ReleaseRequest::default()).unwrap().value.spec;
    assert!(spec.application_directories.contains_key(&Atom::new("second")));

    let own = "aliases: [\"assets.deploy\": [fn _ -> IO.puts(\"all of them\") end]]";
    let output = deployed(&umbrella(own)).unwrap_or_else(|error| panic!("{}", explain(&error)));
    assert_eq!(output, "all of them\n");
}

#[test]
fn an_alias_of_the_project_and_a_compressor_of_its_own_win() {
    let own =
        "aliases: [\"assets.deploy\": [\"phx.digest\"], \"phx.digest\": [fn _ -> IO.puts(\"own\") end]]";
    assert_eq!(deployed(&Project::plain(own)).unwrap_or_else(|error| panic!("{}", explain(&error))), "own\n");
    let project = Project::plain("aliases: [\"assets.deploy\": [\"phx.digest\"]]")
        .file("config/config.exs", "import Config\nconfig :phoenix, static_compressors: [My.Compressor]\n")
        .file(
            "lib/task.ex",
            "defmodule Mix.Tasks.Phx.Digest do\n  use Mix.Task\n  def run(_), do: IO.puts(\"the task\")\nend\n",
        );
    let output = deployed(&project).unwrap_or_else(|error| panic!("{}", explain(&error)));
    assert!(output.contains("[My.Compressor]") && output.ends_with("the task\n"), "{output}");
}
