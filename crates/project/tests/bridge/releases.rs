//! What a release is made from, for projects of different kinds.

use std::process::Command;

use etf::{Atom, Term};
use project::{Notice, ReleaseRequest, Step};
use release::Strip;

use crate::fixture::{Project, mix_exs, write};

#[test]
fn a_plain_project_has_the_release_that_mix_infers() {
    let project = Project::plain("");
    let description = project.described();
    let spec = description.spec;
    assert_eq!((spec.name.as_str(), spec.version.as_str()), ("demo", "0.1.0"));
    assert_eq!(spec.path, project.directory.join("_build/prod/rel/demo"));
    assert_eq!(spec.project_directory, project.directory);
    assert_eq!((spec.mix_env.as_str(), spec.mix_target.as_str()), ("prod", "host"));
    assert_eq!(spec.project_application, Some(Atom::new("demo")));
    assert_eq!((spec.applications, spec.dependencies), (vec![], vec![]));
    assert_eq!(
        spec.application_directories[&Atom::new("demo")],
        project.directory.join("_build/prod/lib/demo")
    );
    for application in ["kernel", "stdlib", "elixir", "iex", "logger", "sasl", "crypto", "compiler"] {
        let directory = spec.application_directories.get(&Atom::new(application));
        let found =
            directory.is_some_and(|directory| directory.join(format!("ebin/{application}.app")).is_file());
        assert!(found, "{application} is at {directory:?}");
    }
    assert_eq!(spec.consolidated, Some(project.directory.join("_build/prod/lib/demo/consolidated")));
    assert_eq!(spec.configuration, Term::nil());
    assert_eq!((spec.runtime.file, spec.runtime.providers), (None, vec![]));
    assert!(!spec.runtime.reboot && !spec.runtime.prune && !spec.runtime.start_distribution);
    assert!(spec.runtime.validate_compile_env);
    assert_eq!(spec.cookie, None);
    assert!(spec.unix_executables && spec.windows_command.is_some());
    assert_eq!(spec.templates, project.directory.join("rel"));
    assert!(spec.rendered_templates.is_empty() && spec.overlays.is_empty());
    assert_eq!(description.steps, [Step::Assemble]);
    assert!(!description.overwrite && !description.quiet);
    let skipped = "skipping runtime configuration (config/runtime.exs not found)";
    assert_eq!(description.notices, [Notice::Information(skipped.to_owned())]);
}

#[test]
fn the_toolchain_is_the_one_that_runs() {
    let toolchain = Project::plain("").described().spec.toolchain;
    let output =
        Command::new("elixir").arg("--short-version").output().expect("these tests need Elixir in PATH");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), toolchain.elixir_version);
    let source = toolchain.erts.source.expect("ERTS is part of a release unless it is excluded");
    assert!(source.join("bin/erlexec").is_file(), "{source}");
    assert_eq!(source.file_name().unwrap(), format!("erts-{}", toolchain.erts.version));
    assert!(toolchain.otp_lib.join("../releases").join(toolchain.otp_release.to_string()).is_dir());
    assert!(toolchain.elixir_bin.expect("Elixir has its executables here").join("elixir").is_file());
}

#[test]
fn the_chunks_that_stay_are_those_of_the_running_mix() {
    let project = Project::plain("");
    let spec = project.described().spec;
    let chunks = match spec.toolchain.elixir_version.split('.').nth(1).unwrap().parse::<u32>().unwrap() {
        14 => "Atom AtU8 Attr Code StrT ImpT ExpT FunT LitT Line".to_owned(),
        _ => {
            let newer = if spec.toolchain.otp_release >= 29 { " Recs DbgB" } else { "" };
            format!("Attr Line Type Atom AtU8 Code StrT ImpT ExpT FunT LitT Meta{newer}")
        }
    };
    let expected = |text: &str, compress| Strip::Chunks {
        chunks: text.split(' ').map(|chunk| chunk.as_bytes().try_into().unwrap()).collect(),
        compress,
    };
    assert_eq!(spec.strip, expected(&chunks, false));
    let keeping =
        Project::plain("releases: [demo: [strip_beams: [keep: [\"Docs\", \"Dbgi\"], compress: true]]]");
    assert_eq!(keeping.described().spec.strip, expected(&format!("{chunks} Docs Dbgi"), true));
    let one = Project::plain("releases: [demo: [strip_beams: [keep: \"Docs\"]]]");
    assert_eq!(one.described().spec.strip, expected(&format!("{chunks} Docs"), false));
    assert_eq!(Project::plain("releases: [demo: [strip_beams: false]]").described().spec.strip, Strip::Keep);
}

#[test]
fn a_path_dependency_is_fetched_compiled_and_known() {
    let project = Project::plain("deps: [{:inner, path: \"../inner\"}]");
    write(&project.root.join("inner/mix.exs"), &mix_exs("inner", "", ""));
    write(&project.root.join("inner/lib/inner.ex"), "defmodule Inner do\nend\n");
    let spec = project.described().spec;
    assert_eq!(spec.dependencies, [Atom::new("inner")]);
    let directory = &spec.application_directories[&Atom::new("inner")];
    assert_eq!(directory, &project.directory.join("_build/prod/lib/inner"));
    assert!(directory.join("ebin/inner.app").is_file());
}

#[test]
fn an_umbrella_has_its_children_as_dependencies() {
    let umbrella = |keys: &str| {
        let root = format!(
            "defmodule Top.MixProject do
  use Mix.Project
  def project, do: [apps_path: \"apps\", version: \"2.0.0\", {keys}]
end
"
        );
        let child = "build_path: \"../../_build\", deps_path: \"../../deps\", lockfile: \"../../mix.lock\"";
        let second = format!("{child}, deps: [{{:first, in_umbrella: true}}]");
        Project::empty()
            .file("mix.exs", &root)
            .file("apps/first/mix.exs", &mix_exs("first", child, ""))
            .file("apps/first/lib/first.ex", "defprotocol First do\n  def it(x)\nend\n")
            .file("apps/second/mix.exs", &mix_exs("second", &second, ""))
            .file("apps/second/lib/second.ex", "defmodule Second do\nend\n")
    };
    let project = umbrella("releases: [all: [applications: [second: :permanent]]]");
    let spec = project.described().spec;
    assert_eq!((spec.name.as_str(), spec.version.as_str()), ("all", "2.0.0"));
    assert_eq!(spec.project_application, None);
    assert_eq!(spec.applications, [(Atom::new("second"), Atom::new("permanent"))]);
    let mut dependencies = spec.dependencies;
    dependencies.sort();
    assert_eq!(dependencies, [Atom::new("first"), Atom::new("second")]);
    assert_eq!(spec.consolidated, Some(project.directory.join("_build/prod/consolidated")));
    assert!(spec.consolidated.unwrap().join("Elixir.First.beam").is_file());
    assert!(spec.application_directories.contains_key(&Atom::new("first")));

    let request = ReleaseRequest::default();
    assert!(umbrella("").refused(&request).contains("applications: [child_app_foo: :permanent]"));
    assert!(umbrella("releases: [all: []]").refused(&request).contains("umbrella project"));
}

#[test]
fn configuration_is_evaluated_and_what_cannot_travel_is_let_through() {
    let config = "import Config
config :demo, env: config_env(), target: config_target(), list: [1, -1], text: ~c\"é\"
config :demo, Nested, key: %{1 => 2.5}, process: self(), reference: make_ref(), function: fn -> 1 end
config :other, external: &String.length/1
";
    let spec = Project::plain("").file("config/config.exs", config).described().spec;
    let demo = spec.configuration.property("demo").unwrap();
    assert_eq!(demo.property("env"), Some(&Term::atom("prod")));
    assert_eq!(demo.property("target"), Some(&Term::atom("host")));
    assert_eq!(demo.property("list"), Some(&Term::List(vec![Term::Integer(1), Term::Integer(-1)])));
    assert_eq!(demo.property("text"), Some(&Term::string("é")));
    let nested = demo.property("Elixir.Nested").unwrap();
    assert_eq!(nested.property("key"), Some(&Term::Map(vec![(Term::Integer(1), Term::Float(2.5))])));
    assert!(matches!(nested.property("process"), Some(Term::Pid { .. })));
    assert!(matches!(nested.property("reference"), Some(Term::Reference { .. })));
    assert!(matches!(nested.property("function"), Some(Term::Opaque(_))));
    let external = spec.configuration.property("other").unwrap().property("external");
    assert!(matches!(external, Some(Term::ExternalFun { arity: 1, .. })));
}

#[test]
fn runtime_configuration_has_the_provider_that_mix_would_add() {
    let project = Project::plain("").file("config/runtime.exs", "import Config\n");
    let description = project.described();
    let runtime = description.spec.runtime;
    assert_eq!(runtime.file, Some(project.directory.join("config/runtime.exs")));
    let path = Term::Tuple(vec![
        Term::atom("system"),
        Term::binary("RELEASE_ROOT"),
        Term::binary("/releases/0.1.0/runtime.exs"),
    ]);
    let settings = ["env", "target", "imports"].into_iter().zip(["prod", "host", "disabled"]);
    let settings = settings.map(|(key, value)| Term::pair(Term::atom(key), Term::atom(value))).collect();
    let provider = Term::pair(Term::atom("Elixir.Config.Reader"), Term::pair(path, Term::List(settings)));
    assert_eq!(runtime.providers, [provider]);
    assert!(!runtime.reboot);
    assert_eq!(description.notices, []);
}

#[test]
fn the_deprecated_runtime_file_reboots_and_other_providers_follow_it() {
    let keys = "releases: [demo: [config_providers: [{Demo.Provider, 41}], prune_runtime_sys_config_after_boot: true]]";
    let provider = "defmodule Demo.Provider do
  @behaviour Config.Provider
  def init(number), do: {:initialised, number + 1}
  def load(config, _), do: config
end
";
    let project = Project::plain(keys).file("config/releases.exs", "").file("lib/provider.ex", provider);
    let description = project.described();
    let runtime = description.spec.runtime;
    assert_eq!(runtime.file, Some(project.directory.join("config/releases.exs")));
    assert!(runtime.reboot && runtime.prune);
    let state = Term::pair(Term::atom("initialised"), Term::Integer(42));
    assert_eq!(runtime.providers[1], Term::pair(Term::atom("Elixir.Demo.Provider"), state));
    assert!(matches!(&description.notices[..], [Notice::Warning(text)] if text.contains("deprecated")));
}

#[test]
fn templates_see_the_release_and_overlays_are_listed_in_order() {
    let keys =
        "releases: [demo: [overlays: \"extra\", steps: [:assemble, :tar], quiet: true, cookie: \"c\"]]";
    let project = Project::plain(keys)
        .file("rel/vm.args.eex", "## <%= @release.name %> <%= inspect(@release.steps) %>\n")
        .file(
            "rel/env.sh.eex",
            "V=<%= @release.version %> <%= Enum.any?(@release.applications, &match?({:demo, _}, &1)) %>",
        )
        .file("rel/env.bat.eex", "<%= inspect(@release.config_providers) %>")
        .file("rel/overlays/bin/server", "#!/bin/sh\n")
        .file("config/runtime.exs", "import Config\n");
    let description = project.described();
    let templates = &description.spec.rendered_templates;
    let text = |name: &str| String::from_utf8(templates[name].clone()).unwrap();
    assert_eq!(text("vm.args"), "## demo [:tar]\n");
    assert_eq!(text("env.sh"), "V=0.1.0 true");
    assert!(
        text("env.bat").starts_with("[{Config.Reader, [path: {:system, \"RELEASE_ROOT\", "),
        "{}",
        text("env.bat")
    );
    assert!(!templates.contains_key("remote.vm.args"));
    assert_eq!(
        description.spec.overlays,
        [project.directory.join("rel/overlays"), project.directory.join("extra")]
    );
    assert_eq!(description.steps, [Step::Assemble, Step::Tar]);
    assert!(description.quiet);
    assert_eq!(description.spec.cookie.as_deref(), Some("c"));
}

#[test]
fn a_template_that_raises_is_named() {
    let project = Project::plain("").file("rel/env.sh.eex", "<%= raise \"no luck\" %>");
    let message = project.refused(&ReleaseRequest::default());
    assert!(message.contains("rel/env.sh.eex") && message.contains("no luck"), "{message}");
}

#[test]
fn templates_are_rendered_although_an_application_is_missing() {
    // That it is missing is reported by whoever resolves the applications.
    let project = Project::plain("releases: [demo: [applications: [nowhere: :permanent]]]")
        .file("rel/vm.args.eex", "<%= @release.name %> <%= @release.version %>")
        .file("rel/env.sh.eex", "<%= @release.applications |> Map.fetch!(:demo) |> inspect() %>");
    let spec = project.described().spec;
    assert_eq!(spec.rendered_templates["vm.args"], b"demo 0.1.0");
    assert_eq!(spec.applications, [(Atom::new("nowhere"), Atom::new("permanent"))]);
}
