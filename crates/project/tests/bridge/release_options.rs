//! The options of a release: what they mean, and how wrong ones are refused.

use project::{Bridge, BridgeError, CompileOptions, ReleaseDescription, ReleaseRequest};

use crate::fixture::{Project, explain};

fn unnamed() -> ReleaseRequest {
    ReleaseRequest::default()
}

fn named(name: &str) -> ReleaseRequest {
    ReleaseRequest { name: Some(name.to_owned()), ..unnamed() }
}

/// A project with one release for each of these options, and one bridge to ask about them all.
struct Releases {
    project: Project,
    bridge: Bridge,
    options: Vec<String>,
}

impl Releases {
    fn new(options: &[&str]) -> Self {
        Self::prepared(options, |project| project)
    }

    fn prepared(options: &[&str], prepare: impl Fn(Project) -> Project) -> Self {
        let releases: Vec<String> =
            options.iter().enumerate().map(|(number, options)| format!("r{number}: {options}")).collect();
        let project = prepare(Project::plain(&format!("releases: [{}]", releases.join(", "))));
        let mut bridge = project.start().unwrap();
        bridge.compile(&CompileOptions::default()).unwrap();
        Self { project, bridge, options: options.iter().map(|text| (*text).to_owned()).collect() }
    }

    fn describe(&mut self, options: &str) -> Result<ReleaseDescription, BridgeError> {
        let number = self.options.iter().position(|text| text == options).unwrap();
        self.bridge.describe_release(&named(&format!("r{number}"))).map(|outcome| outcome.value)
    }

    fn described(&mut self, options: &str) -> ReleaseDescription {
        self.describe(options).unwrap_or_else(|error| panic!("{options}: {}", explain(&error)))
    }

    /// Each of these options is refused, with a message that holds this part.
    fn assert_refused(cases: &[(&str, &str)]) {
        let mut releases = Self::new(&cases.iter().map(|(options, _)| *options).collect::<Vec<_>>());
        for (options, part) in cases {
            match releases.describe(options) {
                Err(error @ BridgeError::Refused { .. }) => {
                    assert!(error.to_string().contains(part), "{options}: {error}");
                    assert!(error.output().unwrap().is_empty(), "{options}: {}", explain(&error));
                }
                other => panic!("{options}: {other:?}"),
            }
        }
    }
}

#[test]
fn the_release_is_chosen_as_mix_chooses() {
    let several = "releases: [one: [version: \"1.0.0\"], two: fn -> [version: \"2.0.0\"] end]";
    let project = Project::plain(several);
    let mut bridge = project.start().unwrap();
    bridge.compile(&CompileOptions::default()).unwrap();
    let spec = bridge.describe_release(&named("two")).unwrap().value.spec;
    assert_eq!((spec.name.as_str(), spec.version.as_str()), ("two", "2.0.0"));
    assert_eq!(spec.path, project.directory.join("_build/prod/rel/two"));
    let message = bridge.describe_release(&unnamed()).unwrap_err().to_string();
    assert!(message.contains("several releases (one, two)"), "{message}");
    let message = bridge.describe_release(&named("three")).unwrap_err().to_string();
    assert!(message.contains("no release :three") && message.contains("one, two"), "{message}");

    let default = Project::plain(&format!("default_release: :two, {several}"));
    assert_eq!(default.described().spec.name, "two");
    assert!(Project::plain("").refused(&named("demo")).contains("defines none"));
    let invalid = Project::plain("releases: [Upper: []]").refused(&unnamed());
    assert!(invalid.contains("lowercase ASCII letter"), "{invalid}");
}

#[test]
fn the_command_line_wins_over_mix_exs() {
    let options = "[path: \"/elsewhere\", version: \"9.0.0\", quiet: true, overwrite: true]";
    let mut releases = Releases::new(&[options]);
    let description = releases.described(options);
    assert_eq!((description.spec.path.as_str(), description.spec.version.as_str()), ("/elsewhere", "9.0.0"));
    assert!(description.quiet && description.overwrite);
    let request = ReleaseRequest {
        path: Some("out/here".into()),
        version: Some("1.2.3".to_owned()),
        quiet: Some(false),
        ..unnamed()
    };
    let description = releases.bridge.describe_release(&request).unwrap().value;
    assert_eq!(description.spec.path, releases.project.directory.join("out/here"));
    assert_eq!(description.spec.version, "1.2.3");
    assert!(!description.quiet && description.overwrite);
}

#[test]
fn erts_is_chosen_as_mix_chooses() {
    let given = "[include_erts: \"../otp/erts-99.1\"]";
    let without = "[include_erts: fn -> false end]";
    let mut releases = Releases::prepared(&["[]", "[include_erts: true]", without, given], |project| {
        project.file("../otp/erts-99.1/bin/erl", "")
    });
    let running = releases.described("[]").spec.toolchain;
    assert_eq!(releases.described("[include_erts: true]").spec.toolchain, running);

    let without = releases.described(without).spec.toolchain;
    assert_eq!(without.erts.source, None);
    assert_eq!((&without.erts.version, &without.otp_lib), (&running.erts.version, &running.otp_lib));

    let given = releases.described(given).spec.toolchain;
    assert_eq!(given.erts.version, "99.1");
    let source = given.erts.source.unwrap().canonicalize_utf8().unwrap();
    assert_eq!(source, releases.project.root.join("otp/erts-99.1"));
    assert_eq!(given.otp_lib.file_name(), Some("lib"));
}

#[test]
fn the_version_can_come_from_an_application() {
    let spec = Project::plain("releases: [demo: [version: {:from_app, :elixir}]]").described().spec;
    assert_eq!(spec.version, spec.toolchain.elixir_version);
}

#[test]
fn what_is_wrong_is_named() {
    Releases::assert_refused(&[
        ("[version: {:from_app, :nowhere}]", ":nowhere"),
        ("[version: \"\"]", "empty"),
        ("[version: \"1/2\"]", "directory"),
        ("[version: 1]", "{:from_app, APPLICATION}"),
        ("[include_erts: \"/no/erts-1\"]", "no ERTS at \"/no/erts-1\""),
        ("[include_erts: \"lib\"]", "erts-VERSION"),
        ("[include_erts: :yes]", ":include_erts"),
        ("[steps: :assemble]", "has to be a list"),
        ("[steps: []]", "exactly once"),
        ("[steps: [:assemble, :assemble]]", "exactly once"),
        ("[steps: [:tar, :assemble]]", "after :assemble"),
        ("[steps: [:assemble, :tar, :tar]]", "only once"),
        ("[steps: [:assemble, :other]]", "has to be a list"),
        ("[applications: [demo: \"permanent\"]]", ":permanent, :transient"),
        ("[applications: :demo]", ":applications"),
        ("[include_executables_for: [:amiga]]", ":include_executables_for"),
        ("[strip_beams: [keep: [\"Documentation\"]]]", "four characters"),
        ("[strip_beams: :yes]", ":strip_beams"),
        ("[reboot_system_after_config: 1]", ":reboot_system_after_config"),
        ("[cookie: :monster]", ":cookie"),
        ("[overlays: [1]]", ":overlays"),
        ("[skip_mode_validation_for: :demo]", ":skip_mode_validation_for"),
        ("[boot: :slow]", "the release option :boot has to be :fast or :embedded"),
        ("[config_providers: [Demo]]", ":config_providers"),
        ("[config_providers: [{Demo, 1}]]", "no function init/1"),
        ("[config_providers: [{Nowhere, 1}]]", "no function init/1"),
        ("[runtime_config_path: \"config/other.exs\"]", "config/other.exs"),
        ("[runtime_config_path: 1]", ":runtime_config_path"),
        ("[path: 1]", ":path"),
        ("[rel_templates_path: 1]", ":rel_templates_path"),
        (":options", "keyword list"),
        ("fn -> :options end", "keyword list"),
    ]);
}

#[test]
fn runtime_configuration_can_be_elsewhere_or_nowhere() {
    let (nowhere, elsewhere) = ("[runtime_config_path: false]", "[runtime_config_path: \"x/r.exs\"]");
    let mut releases = Releases::prepared(&[nowhere, elsewhere], |project| {
        project.file("config/runtime.exs", "").file("x/r.exs", "")
    });
    let description = releases.described(nowhere);
    assert_eq!((description.spec.runtime.file, description.notices), (None, vec![]));
    let file = releases.described(elsewhere).spec.runtime.file;
    assert_eq!(file, Some(releases.project.directory.join("x/r.exs")));

    let project = Project::plain("config_path: \"settings/config.exs\"")
        .file("settings/config.exs", "import Config")
        .file("settings/runtime.exs", "");
    assert_eq!(project.described().spec.runtime.file, Some(project.directory.join("settings/runtime.exs")));
}

#[test]
fn consolidation_can_be_off() {
    assert_eq!(Project::plain("consolidate_protocols: false").described().spec.consolidated, None);
}
