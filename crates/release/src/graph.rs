//! The application graph: which applications a release consists of, and how each takes part in a boot.
//!
//! This is the algorithm of `Mix.Release.from_config!/3`: a list of seeds, whose modes are final, is
//! followed through `applications` (which inherit the mode of the application that needs them, the strongest winning)
//! and `included_applications` (which are loaded by the application that includes them).

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use etf::Atom;

use crate::application::{Application, ApplicationOrigin};
use crate::error::ReleaseError;
use crate::mode::Mode;
use crate::source::FileSource;
use crate::spec::ReleaseSpec;
use crate::version::{ElixirVersion, compare_versions};

/// The applications of a release, and its two boot lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// All applications by name.
    pub applications: BTreeMap<Atom, Application>,
    /// The boot list `start`, in order.
    pub start: Vec<(Atom, Mode)>,
    /// The boot list `start_clean`: kernel and stdlib run, nothing else does.
    pub start_clean: Vec<(Atom, Mode)>,
    /// Further boot lists, which custom steps have added, by name.
    pub additional: Vec<(String, Vec<(Atom, Mode)>)>,
}

impl Graph {
    /// Follows the seeds of a release.
    ///
    /// # Errors
    ///
    /// When an application cannot be found or read, has an unknown mode, or is both regular and included.
    pub fn resolve(spec: &ReleaseSpec, source: &dyn FileSource) -> Result<Self, ReleaseError> {
        let version = ElixirVersion::parse(&spec.toolchain.elixir_version);
        let mut seeds = seeds(spec)?;
        let otp_applications = otp_applications(spec, source)?;
        let mut walk = Walk {
            spec,
            source,
            otp_applications,
            overrides: seeds.iter().cloned().collect(),
            seen: BTreeMap::new(),
            without_erts: version.at_least(1, 19),
        };
        if walk.without_erts {
            seeds.retain(|(name, _)| name != "erts");
        }
        for (name, mode) in seeds.clone() {
            walk.visit(&name, Reached::Regular(mode), None, &[])?;
        }
        // Consoles attach through IEx on the running node, so its code is always there.
        let iex = Atom::new("iex");
        if !walk.seen.contains_key(&iex) {
            walk.visit(&iex, Reached::Regular(Mode::None), None, &[])?;
            seeds.push((iex, Mode::None));
        }
        let mut start = seeds;
        let listed: Vec<Atom> = start.iter().map(|(name, _)| name.clone()).collect();
        for (name, (_, reached)) in &walk.seen {
            if !listed.contains(name) {
                start.push((name.clone(), reached.boot_mode()));
            }
        }
        let start_clean = start_clean(&start, version);
        let applications =
            walk.seen.into_iter().map(|(name, (application, _))| (name, application)).collect();
        let mut graph = Self { applications, start, start_clean, additional: Vec::new() };
        for (name, list) in spec.boot_scripts.iter().flatten() {
            let list = with_modes(list)?;
            match name.as_str() {
                "start" => graph.start = list,
                "start_clean" => graph.start_clean = list,
                _ => graph.additional.push((name.clone(), list)),
            }
        }
        Ok(graph)
    }

    /// All boot lists by name.
    pub fn boot_lists(&self) -> impl Iterator<Item = (&str, &[(Atom, Mode)])> {
        [("start", self.start.as_slice()), ("start_clean", self.start_clean.as_slice())]
            .into_iter()
            .chain(self.additional.iter().map(|(name, list)| (name.as_str(), list.as_slice())))
    }
}

/// Kernel, stdlib, elixir and sasl unless listed; then what the release lists; then the project's own application.
fn seeds(spec: &ReleaseSpec) -> Result<Vec<(Atom, Mode)>, ReleaseError> {
    let given = with_modes(&spec.applications)?;
    let is_given = |name: &str| given.iter().any(|(listed, _)| listed == name);
    let mut seeds: Vec<(Atom, Mode)> = ["kernel", "stdlib", "elixir", "sasl"]
        .into_iter()
        .filter(|name| !is_given(name))
        .map(|name| (Atom::new(name), Mode::Permanent))
        .collect();
    seeds.extend(given);
    if let Some(own) = &spec.project_application
        && !seeds.iter().any(|(name, _)| name == own)
    {
        seeds.push((own.clone(), Mode::Permanent));
    }
    Ok(seeds)
}

fn with_modes(list: &[(Atom, Atom)]) -> Result<Vec<(Atom, Mode)>, ReleaseError> {
    let known = |(name, mode): &(Atom, Atom)| match Mode::from_name(mode.as_str()) {
        Some(known) => Ok((name.clone(), known)),
        None => Err(ReleaseError::UnknownMode { application: name.clone(), mode: mode.clone() }),
    };
    list.iter().map(known).collect()
}

/// The directory of each application in the library directory of OTP, the highest version where there are several.
/// (Mix takes the last in the order of letters, so 9.2 before 10.0: docs/differences.md.)
fn otp_applications(
    spec: &ReleaseSpec,
    source: &dyn FileSource,
) -> Result<BTreeMap<String, (String, Utf8PathBuf)>, ReleaseError> {
    let mut found: BTreeMap<String, (String, Utf8PathBuf)> = BTreeMap::new();
    for entry in source.entries(&spec.toolchain.otp_lib)?.unwrap_or_default() {
        let Some((name, version)) = entry.name.rsplit_once('-') else { continue };
        if !version.starts_with(|character: char| character.is_ascii_digit()) {
            continue;
        }
        let newer = found.get(name).is_none_or(|(known, _)| compare_versions(version, known).is_gt());
        if newer {
            found.insert(name.to_owned(), (version.to_owned(), spec.toolchain.otp_lib.join(&entry.name)));
        }
    }
    Ok(found)
}

/// `start_clean`: since Elixir 1.16 the other applications are loaded; before, only their code was there.
fn start_clean(start: &[(Atom, Mode)], version: ElixirVersion) -> Vec<(Atom, Mode)> {
    let mut list = vec![(Atom::new("kernel"), Mode::Permanent), (Atom::new("stdlib"), Mode::Permanent)];
    for (name, mode) in start {
        if name == "kernel" || name == "stdlib" {
            continue;
        }
        let clean = if *mode == Mode::None || !version.at_least(1, 16) { Mode::None } else { Mode::Load };
        list.push((name.clone(), clean));
    }
    list
}

/// How an application was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Regular(Mode),
    Included,
}

impl Reached {
    fn boot_mode(self) -> Mode {
        match self {
            Self::Regular(mode) => mode,
            Self::Included => Mode::Load,
        }
    }
}

struct Walk<'a> {
    spec: &'a ReleaseSpec,
    source: &'a dyn FileSource,
    otp_applications: BTreeMap<String, (String, Utf8PathBuf)>,
    overrides: BTreeMap<Atom, Mode>,
    seen: BTreeMap<Atom, (Application, Reached)>,
    without_erts: bool,
}

impl Walk<'_> {
    fn visit(
        &mut self,
        name: &Atom,
        reached: Reached,
        parent: Option<&Atom>,
        optional: &[Atom],
    ) -> Result<(), ReleaseError> {
        // Since Elixir 1.19 `erts`, which has a resource file but is not an application to start, is left out.
        if self.without_erts && name == "erts" {
            return Ok(());
        }
        match self.seen.get(name).map(|(_, known)| *known) {
            None => {
                let reached = self.overrides.get(name).map_or(reached, |mode| Reached::Regular(*mode));
                self.load(name, reached, parent, optional)
            }
            Some(_) if self.overrides.contains_key(name) => Ok(()),
            Some(known) if known == reached => Ok(()),
            Some(Reached::Included) => Err(ReleaseError::RegularAndIncluded { application: name.clone() }),
            Some(Reached::Regular(known)) => match reached {
                Reached::Included => Err(ReleaseError::RegularAndIncluded { application: name.clone() }),
                Reached::Regular(mode) if mode > known => self.strengthen(name, mode),
                Reached::Regular(_) => Ok(()),
            },
        }
    }

    fn load(
        &mut self,
        name: &Atom,
        reached: Reached,
        parent: Option<&Atom>,
        optional: &[Atom],
    ) -> Result<(), ReleaseError> {
        let Some((directory, origin)) = self.locate(name) else {
            if optional.contains(name) {
                return Ok(());
            }
            return Err(ReleaseError::ApplicationNotFound {
                application: name.clone(),
                parent: parent.cloned(),
            });
        };
        let application =
            Application::read(name, &directory, origin, self.spec.toolchain.otp_release, self.source)?;
        let included = application.included_applications.clone();
        self.seen.insert(name.clone(), (application, reached));
        self.visit_needed(name, reached.boot_mode())?;
        for child in &included {
            self.visit(child, Reached::Included, Some(name), &[])?;
        }
        Ok(())
    }

    fn strengthen(&mut self, name: &Atom, mode: Mode) -> Result<(), ReleaseError> {
        if let Some((_, reached)) = self.seen.get_mut(name) {
            *reached = Reached::Regular(mode);
        }
        self.visit_needed(name, mode)
    }

    /// Goes on to what an application that has been seen needs.
    fn visit_needed(&mut self, name: &Atom, mode: Mode) -> Result<(), ReleaseError> {
        let Some((application, _)) = self.seen.get(name) else { return Ok(()) };
        let needed = application.applications.clone();
        let optional = application.optional_applications.clone();
        for child in &needed {
            self.visit(child, Reached::Regular(mode), Some(name), &optional)?;
        }
        Ok(())
    }

    /// Where an application is. Dependencies of the project are never looked for in OTP's library, so that a newer version
    /// among them wins over the one that OTP ships.
    fn locate(&self, name: &Atom) -> Option<(Utf8PathBuf, ApplicationOrigin)> {
        if !self.spec.dependencies.contains(name)
            && let Some((_, directory)) = self.otp_applications.get(name.as_str())
        {
            return Some((directory.clone(), ApplicationOrigin::Otp));
        }
        let directory = self.spec.application_directories.get(name)?;
        Some((directory.clone(), ApplicationOrigin::Project))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{machine, spec};

    fn list(boot: &[(Atom, Mode)]) -> String {
        boot.iter().map(|(name, mode)| format!("{name} {mode}")).collect::<Vec<_>>().join(", ")
    }

    fn given(modes: &[(&str, &str)]) -> Vec<(Atom, Atom)> {
        modes.iter().map(|(name, mode)| (Atom::new(name), Atom::new(mode))).collect()
    }

    #[test]
    fn a_plain_project_has_the_boot_lists_of_mix() {
        let graph = Graph::resolve(&spec(), &machine(&[])).unwrap();
        assert_eq!(
            list(&graph.start),
            "kernel permanent, stdlib permanent, elixir permanent, sasl permanent, demo permanent, iex none, \
             compiler permanent"
        );
        assert_eq!(
            list(&graph.start_clean),
            "kernel permanent, stdlib permanent, elixir load, sasl load, demo load, iex none, compiler load"
        );
    }

    #[test]
    fn start_clean_loads_nothing_before_elixir_1_16() {
        let mut spec = spec();
        spec.toolchain.elixir_version = "1.14.0".to_owned();
        let graph = Graph::resolve(&spec, &machine(&[])).unwrap();
        assert!(
            list(&graph.start_clean)
                .starts_with("kernel permanent, stdlib permanent, elixir none, sasl none")
        );
    }

    #[test]
    fn modes_cascade_unless_listed() {
        let mut machine = machine(&["left", "right"]);
        machine.application("/build/lib/left", "left", "1", &["shared"], "");
        machine.application("/build/lib/right", "right", "1", &["shared"], "");
        machine.application("/build/lib/shared", "shared", "1", &[], "");
        let mut spec = spec();
        for name in ["left", "right", "shared"] {
            spec.application_directories.insert(Atom::new(name), format!("/build/lib/{name}").into());
        }
        spec.applications = given(&[("left", "load"), ("right", "temporary"), ("demo", "none")]);
        let graph = Graph::resolve(&spec, &machine).unwrap();
        assert!(list(&graph.start).contains("shared temporary"), "{}", list(&graph.start));
        spec.applications = given(&[("left", "load"), ("right", "temporary"), ("shared", "none")]);
        let graph = Graph::resolve(&spec, &machine).unwrap();
        assert!(list(&graph.start).contains("shared none"), "{}", list(&graph.start));
    }

    /// Among several versions in OTP's library the highest counts, not the last in the order of letters.
    #[test]
    fn otp_is_searched_first_unless_the_project_depends_on_it() {
        let mut machine = machine(&["tool"]);
        machine.application("/otp/lib/tool-9.2", "tool", "9.2", &[], "");
        machine.application("/otp/lib/tool-10.0", "tool", "10.0", &[], "");
        machine.application("/build/lib/tool", "tool", "1.0", &[], "");
        let mut spec = spec();
        spec.application_directories.insert(Atom::new("tool"), "/build/lib/tool".into());
        let tool = |spec: &ReleaseSpec| {
            let tool =
                Graph::resolve(spec, &machine).unwrap().applications.remove(&Atom::new("tool")).unwrap();
            (tool.version, tool.origin)
        };
        assert_eq!(tool(&spec), ("10.0".to_owned(), ApplicationOrigin::Otp));
        spec.dependencies = vec![Atom::new("tool")];
        assert_eq!(tool(&spec), ("1.0".to_owned(), ApplicationOrigin::Project));
    }

    #[test]
    fn included_applications_are_loaded_and_are_not_regular_ones() {
        let mut machine = machine(&[]);
        machine.application("/build/lib/inner", "inner", "1", &[], "");
        let include = ", {included_applications, [inner]}";
        machine.application("/build/lib/demo", "demo", "0.1.0", &["kernel"], include);
        let mut spec = spec();
        spec.application_directories.insert(Atom::new("inner"), "/build/lib/inner".into());
        let graph = Graph::resolve(&spec, &machine).unwrap();
        assert!(list(&graph.start).contains("inner load"));
        machine.application("/build/lib/demo", "demo", "0.1.0", &["kernel", "inner"], include);
        let error = Graph::resolve(&spec, &machine).unwrap_err().to_string();
        assert!(
            error.contains("`inner` is listed both as a regular application and as an included"),
            "{error}"
        );
    }

    #[test]
    fn only_optional_applications_may_be_absent() {
        let mut machine = machine(&[]);
        let optional = ", {optional_applications, [absent]}";
        machine.application("/build/lib/demo", "demo", "0.1.0", &["kernel", "absent"], optional);
        assert!(Graph::resolve(&spec(), &machine).is_ok());
        machine.application("/build/lib/demo", "demo", "0.1.0", &["kernel", "absent"], "");
        let error = Graph::resolve(&spec(), &machine).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot find the application `absent`, which `demo` needs\nhint: "),
            "{error}"
        );
    }

    #[test]
    fn unknown_modes_are_refused() {
        let mut spec = spec();
        spec.applications = given(&[("demo", "sometimes")]);
        let error = Graph::resolve(&spec, &machine(&[])).unwrap_err().to_string();
        assert!(error.starts_with("unknown mode `sometimes` for the application `demo`"), "{error}");
    }

    /// Since Elixir 1.19 `erts` is not an application of a release, even where something lists it.
    #[test]
    fn erts_is_left_out_since_elixir_1_19() {
        let mut machine = machine(&["erts"]);
        machine.application("/otp/lib/erts-14.0", "erts", "14.0", &[], "");
        let mut spec = spec();
        assert!(Graph::resolve(&spec, &machine).unwrap().applications.contains_key(&Atom::new("erts")));
        spec.toolchain.elixir_version = "1.20.4".to_owned();
        assert!(!Graph::resolve(&spec, &machine).unwrap().applications.contains_key(&Atom::new("erts")));
    }
}
