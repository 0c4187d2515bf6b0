//! Boot scripts against Mix and systools: random sets of applications, modes, optional and included applications, each
//! built by `Mix.Release` of the Elixir in PATH and by this crate. Either both refuse, or `.rel`, `.script` and `.boot`
//! are the same bytes.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

use beamship_release::{
    Boot, BootScript, Erts, FileKind, FileSource, Graph, ReleaseSpec, RuntimeConfiguration, SourceEntry,
    SourceError, Strip, Toolchain,
};
use camino::{Utf8Path, Utf8PathBuf};
use etf::{Atom, Term};

const SCENARIOS: u64 = 60;

#[test]
fn x01_boot_scripts_are_those_of_mix() {
    let directory = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(directory.path()).unwrap();
    let scenarios: Vec<Scenario> = (0..SCENARIOS).map(|seed| Scenario::random(seed, root)).collect();
    ask_mix(root);
    let facts = consult(&root.join("facts.config"));
    let mut agreed = 0;
    let mut refused = 0;
    for scenario in &scenarios {
        match scenario.compare(&facts) {
            true => agreed += 1,
            false => refused += 1,
        }
    }
    // A generator that only makes nonsense would prove nothing, nor would one that never does.
    assert!(agreed >= 20, "only {agreed} scenarios made a release");
    assert!(refused >= 3, "only {refused} scenarios were refused");
}

fn ask_mix(root: &Utf8Path) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mix_boot_scripts.exs");
    let output = Command::new("elixir")
        .arg(script)
        .arg(root)
        .env("HOME", root)
        .env("MIX_HOME", root)
        .current_dir(root)
        .output()
        .expect("these tests need `elixir` (Debian: apt-get install elixir erlang-nox)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn consult(path: &Utf8Path) -> Term {
    let mut terms = etf::text::consult(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(terms.len(), 1, "{path}");
    terms.remove(0)
}

/// Numbers that are the same in every run: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

struct Scenario {
    directory: Utf8PathBuf,
    names: Vec<String>,
    applications: Vec<(String, &'static str)>,
    consolidated: bool,
}

impl Scenario {
    /// A handful of applications `a0`…; most depend on earlier ones, few on later ones (circles), some on OTP's.
    fn random(seed: u64, root: &Utf8Path) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
        let directory = root.join(format!("case-{seed:03}"));
        let names: Vec<String> = (0..=2 + random.below(8)).map(|index| format!("a{index}")).collect();
        let mut included_already = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            let mut applications = vec!["kernel".to_owned(), "stdlib".to_owned()];
            let mut optional = Vec::new();
            let mut included = Vec::new();
            for otp in ["crypto", "ssl", "runtime_tools", "logger", "mnesia", "eex", "os_mon", "xmerl"] {
                if random.chance(12) {
                    applications.push(otp.to_owned());
                }
            }
            for (other, other_name) in names.iter().enumerate() {
                let likely = if other < index { 35 } else { 1 };
                if other == index || !random.chance(likely) {
                    continue;
                }
                if random.chance(8) && included_already.insert(other_name.clone()) {
                    included.push(other_name.clone());
                } else {
                    applications.push(other_name.clone());
                }
            }
            if random.chance(15) {
                applications.push("absent".to_owned());
                optional.push("absent".to_owned());
            }
            if random.chance(30) {
                applications.reverse();
            }
            let extra = match random.below(5) {
                0 => format!(", {{mod, {{{name}_app, [x]}}}}"),
                1 => format!(", {{mod, {{{name}_app, []}}}}, {{start_phases, [{{go, []}}]}}, {{maxT, 5000}}"),
                2 => {
                    ", {id, \"übung\"}, {env, [{'ключ', <<\"значение\"/utf8>>}, {list, \"text\"}]}".to_owned()
                }
                _ => String::new(),
            };
            let modules = if random.chance(3) {
                "[a0_twice]".to_owned()
            } else {
                format!("[{name}_z, {name}_app, {name}]")
            };
            let text = format!(
                "%% coding: utf-8\n{{application, {name}, [{{description, \"{name}\"}}, {{vsn, \"0.{index}\"}}, \
                 {{modules, {modules}}}, {{registered, [{name}_sup]}}, {{applications, {}}}, \
                 {{optional_applications, {}}}, {{included_applications, {}}}{extra}]}}.\n",
                list(&applications),
                list(&optional),
                list(&included)
            );
            let ebin = directory.join("lib").join(name).join("ebin");
            std::fs::create_dir_all(&ebin).unwrap();
            std::fs::write(ebin.join(format!("{name}.app")), text).unwrap();
        }
        let mut applications = Vec::new();
        for name in names.iter().map(String::as_str).chain(["sasl", "iex", "mnesia", "logger", "elixir"]) {
            if random.chance(12) {
                let modes = ["permanent", "permanent", "transient", "temporary", "load", "none"];
                applications.push((name.to_owned(), modes[random.below(modes.len())]));
            }
        }
        let scenario = Self { directory, names, applications, consolidated: random.chance(50) };
        scenario.describe();
        scenario
    }

    fn describe(&self) {
        let mut modes = String::new();
        for (index, (name, mode)) in self.applications.iter().enumerate() {
            write!(modes, "{}{{{name}, {mode}}}", if index > 0 { ", " } else { "" }).unwrap();
        }
        let text = format!(
            "[{{app, {}}}, {{applications, [{modes}]}}, {{consolidated, {}}}].\n",
            self.own(),
            self.consolidated
        );
        std::fs::write(self.directory.join("scenario.config"), text).unwrap();
    }

    fn own(&self) -> &str {
        self.names.last().unwrap()
    }

    fn spec(&self, facts: &Term) -> ReleaseSpec {
        let text = |key: &str| facts.property(key).and_then(Term::to_text).unwrap();
        let mut application_directories = BTreeMap::new();
        for pair in facts.property("directories").and_then(Term::as_list).unwrap() {
            let [Term::Atom(name), directory] = pair.as_tuple().unwrap() else { panic!("{pair:?}") };
            application_directories.insert(name.clone(), Utf8PathBuf::from(directory.to_text().unwrap()));
        }
        for name in &self.names {
            application_directories.insert(Atom::new(name), self.directory.join("lib").join(name));
        }
        ReleaseSpec {
            name: "demo".to_owned(),
            version: "1.2.3".to_owned(),
            path: self.directory.join("rel"),
            project_directory: self.directory.clone(),
            mix_env: "prod".to_owned(),
            mix_target: "host".to_owned(),
            project_application: Some(Atom::new(self.own())),
            applications: self
                .applications
                .iter()
                .map(|(name, mode)| (Atom::new(name), Atom::new(mode)))
                .collect(),
            boot_scripts: None,
            dependencies: Vec::new(),
            application_directories,
            consolidated: self.consolidated.then(|| self.directory.join("consolidated")),
            toolchain: Toolchain {
                elixir_version: text("elixir_version"),
                elixir_bin: None,
                otp_release: text("otp_release").parse().unwrap(),
                otp_lib: text("otp_lib").into(),
                erts: Erts { version: text("erts_version"), source: None },
            },
            strip: Strip::Keep,
            configuration: Term::nil(),
            runtime: RuntimeConfiguration {
                file: None,
                compiled: None,
                providers: Vec::new(),
                reboot: false,
                prune: false,
                start_distribution: false,
                validate_compile_env: true,
            },
            cookie: None,
            unix_executables: true,
            windows_command: None,
            templates: self.directory.join("rel"),
            rendered_templates: BTreeMap::new(),
            overlays: Vec::new(),
            skip_mode_validation_for: Vec::new(),
            boot: Boot::Fast,
        }
    }

    /// Whether a release was made; panics when only one of the two made one, or they differ.
    fn compare(&self, facts: &Term) -> bool {
        let spec = self.spec(facts);
        let ours = Graph::resolve(&spec, &Machine).and_then(|graph| {
            let start = BootScript::make(&spec, &graph, &graph.start)?;
            let clean = BootScript::make(&spec, &graph, &graph.start_clean)?;
            Ok((start, clean))
        });
        let refusal = std::fs::read_to_string(self.directory.join("error"));
        match (ours, refusal) {
            (Ok((start, clean)), Err(_)) => {
                self.same("start", &start, spec.toolchain.otp_release);
                self.same("start_clean", &clean, spec.toolchain.otp_release);
                true
            }
            (Err(_), Ok(_)) => false,
            // Elixir 1.14 does not accept absent optional applications everywhere: docs/differences.md.
            (Ok(_), Ok(message))
                if message.contains(":absent") && spec.toolchain.elixir_version.starts_with("1.14") =>
            {
                false
            }
            (Ok(_), Ok(message)) => panic!("{}: only Mix refuses: {message}", self.directory),
            (Err(error), Err(_)) => panic!("{}: only we refuse: {error}", self.directory),
        }
    }

    fn same(&self, name: &str, ours: &BootScript, otp_release: u32) {
        let theirs =
            |extension: &str| std::fs::read(self.directory.join(format!("{name}.{extension}"))).unwrap();
        let style = etf::text::Style::for_otp(otp_release);
        let text = |term: &Term| format!("%% coding: utf-8\n{}.\n", etf::text::pretty_with(term, &style));
        assert_eq!(
            text(&ours.release),
            String::from_utf8(theirs("rel")).unwrap(),
            "{}/{name}",
            self.directory
        );
        assert_eq!(
            text(&ours.script),
            String::from_utf8(theirs("script")).unwrap(),
            "{}/{name}",
            self.directory
        );
        assert_eq!(ours.boot_file(otp_release).unwrap(), theirs("boot"), "{}/{name}.boot", self.directory);
    }
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.join(", "))
}

struct Machine;

impl FileSource for Machine {
    fn read(&self, path: &Utf8Path) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(std::fs::read(path).ok())
    }

    fn entries(&self, directory: &Utf8Path) -> Result<Option<Vec<SourceEntry>>, SourceError> {
        let Ok(listing) = std::fs::read_dir(directory) else { return Ok(None) };
        let mut entries: Vec<SourceEntry> = listing
            .map(|entry| SourceEntry {
                name: entry.unwrap().file_name().into_string().unwrap(),
                kind: FileKind::Directory,
                mode: 0o755,
                link: None,
            })
            .collect();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Some(entries))
    }

    fn canonical(&self, path: &Utf8Path) -> Utf8PathBuf {
        path.to_owned()
    }
}
