//! What `gen` takes from a project: the versions in `.tool-versions`, the text of `runtime.exs`, names of directories. Whatever
//! they are, each stays within its line of the Dockerfile.
#![no_main]

use beamship_generate::{Options, OwnApplication, Part, Project, files, notices};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let dockerfile = |path: &str| {
        let mut project = Project {
            release: "shop".to_owned(),
            is_umbrella: true,
            applications: vec![OwnApplication {
                name: "shop_web".into(),
                path: path.into(),
                ..OwnApplication::default()
            }],
            path_dependencies: vec![path.to_owned()],
            elixir: "1.14.0".to_owned(),
            otp: "25".to_owned(),
            dependencies: ["phoenix", "ecto_sql", "postgrex"].map(str::to_owned).into(),
            runtime_exs: Some(text.to_owned()),
            ..Project::default()
        };
        project.pin_versions(text);
        assert!(notices(&project).len() <= 3);
        let files = files(&project, &[Part::Docker], Options::default()).expect("templates fit");
        files.into_iter().find(|file| file.path == "Dockerfile").expect("there is one").text
    };
    let (given, usual) = (dockerfile(text), dockerfile("apps/shop_web"));
    assert_eq!(given.lines().count(), usual.lines().count(), "{given}");
    for list in given.lines().filter_map(|line| line.strip_prefix("COPY [")) {
        let [_, to]: [String; 2] = serde_json::from_str(&format!("[{list}")).expect("JSON");
        let to = shell_word(&to);
        assert!(to == text || to == format!("{text}/mix.exs"), "{list}");
    }
    let version =
        given.lines().find_map(|line| line.strip_prefix("ARG ELIXIR_VERSION=")).expect("there is one");
    assert!(version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)), "{version}");
});

/// What an engine makes of a word of `COPY`.
fn shell_word(word: &str) -> String {
    let mut characters = word.chars();
    std::iter::from_fn(|| match characters.next()? {
        '\\' => characters.next(),
        special @ ('$' | '"' | '\'') => panic!("{special} is not escaped in {word}"),
        character => Some(character),
    })
    .collect()
}
