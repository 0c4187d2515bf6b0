//! The options of a release: what they mean, and how wrong ones are refused.

use project::ReleaseRequest;

use crate::fixture::Project;

fn named(name: &str) -> ReleaseRequest {
    ReleaseRequest { name: Some(name.to_owned()), ..ReleaseRequest::default() }
}

fn unnamed() -> ReleaseRequest {
    ReleaseRequest::default()
}

#[test]
fn the_release_is_chosen_as_mix_chooses() {
    let several = "releases: [one: [version: \"1.0.0\"], two: fn -> [version: \"2.0.0\"] end]";
    let project = Project::plain(several);
    let spec = project.describe(&named("two")).unwrap().spec;
    assert_eq!((spec.name.as_str(), spec.version.as_str()), ("two", "2.0.0"));
    assert_eq!(spec.path, project.directory.join("_build/prod/rel/two"));
    let message = project.refused(&unnamed());
    assert!(message.contains("several releases (one, two)"), "{message}");
    let message = project.refused(&named("three"));
    assert!(message.contains("no release :three") && message.contains("one, two"), "{message}");
    let default = Project::plain(&format!("default_release: :two, {several}"));
    assert_eq!(default.described().spec.name, "two");
    assert!(Project::plain("").refused(&named("demo")).contains("defines none"));
    let invalid = Project::plain("releases: [Upper: []]").refused(&unnamed());
    assert!(invalid.contains("lowercase ASCII letter"), "{invalid}");
}

#[test]
fn the_command_line_wins_over_mix_exs() {
    let keys = "releases: [demo: [path: \"/elsewhere\", version: \"9.0.0\", quiet: true, overwrite: true]]";
    let project = Project::plain(keys);
    let description = project.described();
    assert_eq!((description.spec.path.as_str(), description.spec.version.as_str()), ("/elsewhere", "9.0.0"));
    assert!(description.quiet && description.overwrite);
    let request = ReleaseRequest {
        path: Some("out/here".into()),
        version: Some("1.2.3".to_owned()),
        quiet: Some(false),
        ..unnamed()
    };
    let description = project.describe(&request).unwrap();
    assert_eq!(description.spec.path, project.directory.join("out/here"));
    assert_eq!(description.spec.version, "1.2.3");
    assert!(!description.quiet && description.overwrite);
}

#[test]
fn the_version_can_come_from_an_application() {
    let spec = Project::plain("releases: [demo: [version: {:from_app, :elixir}]]").described().spec;
    assert_eq!(spec.version, spec.toolchain.elixir_version);
    let message = Project::plain("releases: [demo: [version: {:from_app, :nowhere}]]").refused(&unnamed());
    assert!(message.contains(":nowhere"), "{message}");
    assert!(Project::plain("releases: [demo: [version: \"\"]]").refused(&unnamed()).contains("empty"));
    assert!(Project::plain("releases: [demo: [version: \"1/2\"]]").refused(&unnamed()).contains("directory"));
}

#[test]
fn erts_is_chosen_as_mix_chooses() {
    let running = Project::plain("").described().spec.toolchain;
    let erts = |value: &str| Project::plain(&format!("releases: [demo: [include_erts: {value}]]"));
    let without = erts("fn -> false end").described().spec.toolchain;
    assert_eq!(without.erts.source, None);
    assert_eq!((&without.erts.version, &without.otp_lib), (&running.erts.version, &running.otp_lib));
    assert_eq!(erts("true").described().spec.toolchain, running);

    let project = erts("\"../otp/erts-99.1\"").file("../otp/erts-99.1/bin/erl", "");
    let given = project.described().spec.toolchain;
    assert_eq!(given.erts.version, "99.1");
    assert_eq!(given.erts.source.unwrap().canonicalize_utf8().unwrap(), project.root.join("otp/erts-99.1"));
    assert_eq!(given.otp_lib.file_name(), Some("lib"));
    assert!(erts("\"/no/erts-1\"").refused(&unnamed()).contains("no ERTS at \"/no/erts-1\""));
    assert!(erts("\"lib\"").refused(&unnamed()).contains("erts-VERSION"));
    assert!(erts(":yes").refused(&unnamed()).contains(":include_erts"));
}

#[test]
fn steps_are_checked_and_functions_refused() {
    let steps =
        |value: &str| Project::plain(&format!("releases: [demo: [steps: {value}]]")).refused(&unnamed());
    assert!(steps(":assemble").contains("has to be a list"));
    assert!(steps("[]").contains("exactly once"));
    assert!(steps("[:assemble, :assemble]").contains("exactly once"));
    assert!(steps("[:tar, :assemble]").contains("after :assemble"));
    assert!(steps("[:assemble, :tar, :tar]").contains("only once"));
    assert!(steps("[:assemble, :other]").contains("has to be a list"));
    let message = steps("[:assemble, fn release -> release end]");
    assert!(message.contains("custom release steps are not supported yet"), "{message}");
}

#[test]
fn options_of_the_wrong_form_are_named() {
    for (option, part) in [
        ("applications: [demo: \"permanent\"]", ":permanent, :transient"),
        ("applications: :demo", ":applications"),
        ("include_executables_for: [:amiga]", ":include_executables_for"),
        ("strip_beams: [keep: [\"Documentation\"]]", "four characters"),
        ("strip_beams: :yes", ":strip_beams"),
        ("reboot_system_after_config: 1", ":reboot_system_after_config"),
        ("cookie: :monster", ":cookie"),
        ("overlays: [1]", ":overlays"),
        ("skip_mode_validation_for: :demo", ":skip_mode_validation_for"),
        ("config_providers: [Demo]", ":config_providers"),
        ("config_providers: [{Demo, 1}]", "no function init/1"),
        ("config_providers: [{Nowhere, 1}]", "no function init/1"),
        ("runtime_config_path: \"config/other.exs\"", "config/other.exs"),
        ("runtime_config_path: 1", ":runtime_config_path"),
        ("path: 1", ":path"),
    ] {
        let message = Project::plain(&format!("releases: [demo: [{option}]]")).refused(&unnamed());
        assert!(message.contains(part), "{option}: {message}");
    }
}

#[test]
fn runtime_configuration_can_be_elsewhere_or_nowhere() {
    let project =
        Project::plain("releases: [demo: [runtime_config_path: false]]").file("config/runtime.exs", "");
    let description = project.described();
    assert_eq!((description.spec.runtime.file, description.notices), (None, vec![]));
    let project = Project::plain("releases: [demo: [runtime_config_path: \"x/r.exs\"]]").file("x/r.exs", "");
    assert_eq!(project.described().spec.runtime.file, Some(project.directory.join("x/r.exs")));
    let project = Project::plain("config_path: \"settings/config.exs\"")
        .file("settings/config.exs", "import Config")
        .file("settings/runtime.exs", "");
    assert_eq!(project.described().spec.runtime.file, Some(project.directory.join("settings/runtime.exs")));
}

#[test]
fn consolidation_can_be_off() {
    assert_eq!(Project::plain("consolidate_protocols: false").described().spec.consolidated, None);
}
