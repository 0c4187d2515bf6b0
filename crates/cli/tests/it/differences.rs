//! The same project released by Mix and by beamship: the same files, and the same content wherever it matters. What
//! differs is listed here and explained in docs/differences.md.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use etf::Term;

use crate::project;
use crate::sandbox::{Sandbox, succeed};

/// Paths that only our releases have; each is named in docs/differences.md.
const ONLY_BEAMSHIP: [&str; 2] = ["releases/MANIFEST", "releases/VSN/start_fast.boot"];

/// Paths whose bytes differ; each is named in docs/differences.md. (Names and versions are replaced by NAME and VSN.)
const OTHER_BYTES: [&str; 8] = [
    "bin/NAME",
    "erts-VSN/bin/erl",
    "releases/COOKIE",
    "releases/VSN/env.bat",
    "releases/VSN/env.sh",
    "releases/VSN/remote.vm.args",
    "releases/VSN/sys.config",
    "releases/VSN/vm.args",
];

const GZIP: &[u8] = &[0x1f, 0x8b];

#[test]
fn a_release_is_that_of_mix_but_for_the_documented_differences() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.mix(&demo, &["release", "--path", "of-mix"]));
    succeed(&mut sandbox.beamship(&demo, &["release", "--path", "of-beamship"]));
    let documented = std::fs::read_to_string(repository().join("docs/differences.md")).unwrap();
    for difference in ONLY_BEAMSHIP.iter().chain(&OTHER_BYTES) {
        assert!(
            documented.contains(&format!("`{difference}`")),
            "docs/differences.md does not explain `{difference}`"
        );
    }
    assert_eq!(undocumented(&demo.join("of-mix"), &demo.join("of-beamship"), "demo", &[]), [""; 0]);
}

/// What differs between two releases of one project and is not documented. `rendered` are the files that come from
/// templates of the project, which have to be equal.
pub(crate) fn undocumented(
    of_mix: &Utf8Path,
    of_beamship: &Utf8Path,
    name: &str,
    rendered: &[String],
) -> Vec<String> {
    let (mix, beamship) = (files(of_mix), files(of_beamship));
    let mut found = Vec::new();
    for path in mix.keys().filter(|path| !beamship.contains_key(*path)) {
        found.push(format!("{path} is missing"));
    }
    for (path, ours) in &beamship {
        let general = anonymous(path, name);
        let Some(theirs) = mix.get(path) else {
            if !ONLY_BEAMSHIP.contains(&general.as_str()) {
                found.push(format!("{path} is only in ours"));
            }
            continue;
        };
        let executable = |path: &Utf8Path| {
            let metadata = std::fs::symlink_metadata(path).unwrap();
            (metadata.file_type(), metadata.permissions().mode() & 0o111 != 0)
        };
        if executable(ours) != executable(theirs) {
            found.push(format!("{path} has another mode or is of another kind"));
        }
        let file = path.rsplit('/').next().unwrap_or(path);
        let may_differ = OTHER_BYTES.contains(&general.as_str()) && !rendered.iter().any(|name| name == file);
        if ours.is_dir() || ours.is_symlink() {
            if std::fs::read_link(ours).ok() != std::fs::read_link(theirs).ok() {
                found.push(format!("{path} points to something else"));
            }
        } else if general == "releases/VSN/sys.config" {
            let config = |path: &Utf8Path| sorted(&terms(&std::fs::read(path).unwrap())[0]);
            if config(ours) != config(theirs) {
                found.push(format!("{path}: {:?}, and not {:?}", config(ours), config(theirs)));
            }
        } else if !may_differ && !equal(path, &std::fs::read(ours).unwrap(), &std::fs::read(theirs).unwrap())
        {
            found.push(format!("{path} has other content"));
        }
    }
    found
}

/// Whether two files of a release are the same but for what is documented.
fn equal(path: &str, ours: &[u8], theirs: &[u8]) -> bool {
    if path.ends_with(".bat") {
        // Mix before 1.15 forgets the reboot for runtime.exs, and writes it wrongly for other providers.
        let mode = |text: &[u8]| {
            let text = String::from_utf8_lossy(text).replace("-elixir -config", "-elixir config");
            text.replace("-elixir config_provider_reboot_mode", "-mode")
        };
        mode(ours) == mode(theirs)
    } else if path.ends_with(".boot") {
        without_cookie(&etf::decode(ours).unwrap()) == etf::decode(theirs).unwrap()
    } else if path.ends_with(".script") {
        terms(ours).iter().map(without_cookie).collect::<Vec<Term>>() == terms(theirs)
    } else if path.ends_with(".app") {
        // Elixir before 1.18 copies resource files with their layout.
        terms(ours) == terms(theirs)
    } else if ours.starts_with(GZIP) && theirs.starts_with(GZIP) {
        // Another compressor.
        chunks(ours) == chunks(theirs)
    } else if path.contains("/consolidated/") && ours.starts_with(b"FOR1") && theirs.starts_with(b"FOR1") {
        // The debug information that consolidation makes is ordered by the virtual machine that makes it.
        let code = |file| {
            let mut chunks = chunks(file);
            chunks.retain(|(name, _)| name != b"Dbgi");
            chunks
        };
        code(ours) == code(theirs)
    } else {
        ours == theirs
    }
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

/// All files and directories below a directory, by relative path.
pub(crate) fn files(directory: &Utf8Path) -> BTreeMap<String, Utf8PathBuf> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(current) = open.pop() {
        for entry in current.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let path = entry.path().to_owned();
            if entry.file_type().unwrap().is_dir() {
                open.push(path.clone());
            }
            found.insert(path.strip_prefix(directory).unwrap().to_string(), path);
        }
    }
    found
}

/// The path without the name of the release and the versions of it and of ERTS.
fn anonymous(path: &str, name: &str) -> String {
    if path.strip_prefix("bin/") == Some(name) {
        return "bin/NAME".to_owned();
    }
    let mut components: Vec<&str> = path.split('/').collect();
    if components[0].starts_with("erts-") {
        components[0] = "erts-VSN";
    }
    if components[0] == "releases" && components.len() > 2 {
        components[1] = "VSN";
    }
    components.join("/")
}

/// The chunks of a BEAM file, compressed or not.
fn chunks(file: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
    let file = beam::BeamFile::parse(file).unwrap();
    file.chunks().map(|chunk| (chunk.id, chunk.data.to_vec())).collect()
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
