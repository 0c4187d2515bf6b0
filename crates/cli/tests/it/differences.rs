//! The same project released by Mix and by beamship: the same files, and the same content wherever it matters. What
//! differs is listed here and explained in docs/differences.md.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use etf::Term;

use crate::project;
use crate::sandbox::{Sandbox, succeed};

/// Paths (patterns with one `*` at an end) that only one of the two has; each is named in docs/differences.md.
const ONLY_MIX: [&str; 0] = [];
const ONLY_BEAMSHIP: [&str; 1] = ["releases/MANIFEST"];

/// Paths whose bytes differ; each is named in docs/differences.md. (Numbers of versions are replaced by VSN.)
const OTHER_BYTES: [&str; 7] = [
    "bin/demo",
    "erts-VSN/bin/erl",
    "releases/COOKIE",
    "releases/VSN/env.sh",
    "releases/VSN/remote.vm.args",
    "releases/VSN/sys.config",
    "releases/VSN/vm.args",
];

#[test]
fn a_release_is_that_of_mix_but_for_the_documented_differences() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.mix(&demo, &["release", "--path", "of-mix"]));
    succeed(&mut sandbox.beamship(&demo, &["release", "--path", "of-beamship"]));
    let mix = files(&demo.join("of-mix"));
    let beamship = files(&demo.join("of-beamship"));
    let documented = std::fs::read_to_string(repository().join("docs/differences.md")).unwrap();
    for difference in ONLY_MIX.iter().chain(&ONLY_BEAMSHIP).chain(&OTHER_BYTES) {
        let named = difference.replace("bin/demo", "bin/NAME");
        assert!(documented.contains(&format!("`{named}`")), "docs/differences.md does not explain `{named}`");
    }

    let only = |one: &BTreeMap<String, Utf8PathBuf>, other: &BTreeMap<String, Utf8PathBuf>| -> Vec<String> {
        one.keys().filter(|path| !other.contains_key(*path)).cloned().collect()
    };
    assert_eq!(only(&mix, &beamship), ONLY_MIX.map(str::to_owned), "only Mix has these");
    assert_eq!(only(&beamship, &mix), ONLY_BEAMSHIP.map(str::to_owned), "only beamship has these");

    // Elixir before 1.18 copies resource files with their layout; the terms are compared below.
    let resource = |path: &str| path.ends_with(".app");
    for (path, ours) in &beamship {
        let Some(theirs) = mix.get(path) else { continue };
        let theirs = std::fs::read(theirs).unwrap();
        let ours = std::fs::read(ours).unwrap();
        if path.ends_with(".boot") {
            let without = without_cookie(&etf::decode(&ours).unwrap());
            assert_eq!(without, etf::decode(&theirs).unwrap(), "{path}");
        } else if path.ends_with(".script") {
            let without: Vec<Term> = terms(&ours).iter().map(without_cookie).collect();
            assert_eq!(without, terms(&theirs), "{path}");
        } else if resource(path) {
            assert_eq!(terms(&ours), terms(&theirs), "{path}");
        } else if !OTHER_BYTES.contains(&anonymous(path).as_str()) {
            assert!(ours == theirs, "{path} differs");
        }
    }
    let config = |files: &BTreeMap<String, Utf8PathBuf>| {
        terms(&std::fs::read(&files["releases/0.1.0/sys.config"]).unwrap())
    };
    assert_eq!(sorted(&config(&beamship)[0]), sorted(&config(&mix)[0]), "sys.config");
}

/// Modes do not come from the umask.
#[test]
fn modes_are_the_same_under_any_umask() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.beamship(&demo, &["release", "--path", "normal"]));
    let beamship = env!("CARGO_BIN_EXE_beamship");
    let mut shell = sandbox.command("sh");
    shell.current_dir(&demo).args(["-c", &format!("umask 077; exec {beamship} release --path narrow")]);
    succeed(&mut shell);
    let modes = |directory: &str| -> Vec<(String, u32)> {
        files(&demo.join(directory))
            .into_iter()
            .map(|(name, path)| (name, std::fs::metadata(path).unwrap().permissions().mode()))
            .collect()
    };
    assert_eq!(modes("normal"), modes("narrow"));
    let mode =
        |path: &str| std::fs::metadata(demo.join("narrow").join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("releases/COOKIE"), 0o400);
    assert_eq!(mode("bin/demo"), 0o755);
    assert_eq!(mode("releases/0.1.0/sys.config"), 0o644);
    assert_eq!(mode("lib/demo-0.1.0/ebin"), 0o755);
    assert_eq!(mode(""), 0o755);
}

fn repository() -> &'static Utf8Path {
    Utf8Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// All files below a directory, by relative path.
pub(crate) fn files(directory: &Utf8Path) -> BTreeMap<String, Utf8PathBuf> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(current) = open.pop() {
        for entry in current.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let path = entry.path().to_owned();
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(directory).unwrap().to_string(), path);
            }
        }
    }
    found
}

/// The path without the version of ERTS and of the release.
fn anonymous(path: &str) -> String {
    let mut components: Vec<&str> = path.split('/').collect();
    if components[0].starts_with("erts-") {
        components[0] = "erts-VSN";
    }
    if components[0] == "releases" && components.len() > 2 {
        components[1] = "VSN";
    }
    components.join("/")
}

fn terms(text: &[u8]) -> Vec<Term> {
    etf::text::consult(text).unwrap()
}

/// A boot script without the instruction that sets the cookie, which has to be there.
fn without_cookie(script: &Term) -> Term {
    let [tag, name, Term::List(instructions)] = script.as_tuple().unwrap() else { panic!("{script:?}") };
    let sets_cookie = |term: &&Term| etf::text::plain(term).starts_with("{apply,{erl_eval,exprs,");
    let kernel =
        instructions.iter().position(|term| etf::text::plain(term).contains("start_boot,[kernel")).unwrap();
    assert_eq!(instructions.iter().position(|term| sets_cookie(&term)), Some(kernel + 1));
    let others = instructions.iter().filter(|term| !sets_cookie(term)).cloned().collect();
    Term::Tuple(vec![tag.clone(), name.clone(), Term::List(others)])
}

/// The same term with the entries of its maps in order, because Mix writes them in the order of the day.
fn sorted(term: &Term) -> Term {
    match term {
        Term::Map(entries) => {
            let mut entries: Vec<(Term, Term)> =
                entries.iter().map(|(key, value)| (sorted(key), sorted(value))).collect();
            entries.sort_by(|(one, _), (other, _)| one.compare(other));
            Term::Map(entries)
        }
        Term::List(elements) => Term::List(elements.iter().map(sorted).collect()),
        Term::Tuple(elements) => Term::Tuple(elements.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
