//! Which modules a start uses, as far as that can be known before it.
//!
//! A record tells best; `beamship profile-boot` writes one. Without it they are guessed, from two sides. Recorded once and for
//! all is what every start needs of Erlang and Elixir, with small systems on the toolchains that are tested (`usual.modules`), and
//! of widespread libraries, with new Phoenix applications (`libraries.modules`). Of everything else it is the callback modules
//! of the applications, the modules that the configuration names, and those that either of them mentions: a child
//! specification, a behaviour or an option names a module without calling it. Of what only some starts need of Elixir
//! (`frequent.modules`) it is what those mention. A module too many costs the time to load it before the start instead of after
//! it, one too few hardly more than that: to go further than one step made the starts of a Phoenix application slower. Only the
//! project's own code is followed further, where that does not lead far: a small project uses most of it for its first page.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use beam::BeamFile;
use etf::{Atom, Term};

use super::profile::{OwnCode, PROFILE, Profile};
use crate::application::Application;
use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::mode::Mode;
use crate::source::FileSource;
use crate::spec::ReleaseSpec;

/// What every start uses of Erlang and Elixir; `scripts/usual-modules` writes it.
pub(super) const USUAL: &str = include_str!("usual.modules");

/// What many starts use in addition, each something else; written by the same.
const FREQUENT: &str = include_str!("frequent.modules");

/// What starts use of widespread libraries.
const LIBRARIES: &str = include_str!("libraries.modules");

/// What those use in addition that evaluate `runtime.exs`; written by `scripts/usual-modules` too.
const EVALUATION: &str = include_str!("evaluation.modules");

/// How many modules of the project's own count as few.
const FEW: usize = 48;

/// The modules that a start uses.
#[derive(Debug)]
pub(super) struct StartModules {
    /// Those with the most code first. Those with native code are left to the code server, which alone can load them.
    pub(super) used: Vec<Atom>,
    /// What is wrong with the record of them.
    pub(super) warning: Option<String>,
}

/// The modules that a start uses, recorded or guessed.
pub(super) fn start_modules(
    spec: &ReleaseSpec,
    graph: &Graph,
    source: &dyn FileSource,
) -> Result<StartModules, ReleaseError> {
    let mut modules = Modules::new(graph, source);
    let mut warning = None;
    let path = spec.templates.join(PROFILE);
    let profile = source.read(&path)?.map(|bytes| Profile::parse(&bytes)).filter(|profile| {
        let is_foreign = modules.is_foreign(profile, graph);
        if is_foreign {
            let shown = path.strip_prefix(&spec.project_directory).unwrap_or(&path);
            warning = Some(format!("`{shown}` {}\nhint: {}", Profile::FOREIGN, Profile::REMEDY));
        }
        !is_foreign
    });
    let candidates = match profile {
        Some(profile) => modules.known(profile.names()),
        None => modules.guess(spec, graph)?,
    };
    let mut used = Vec::with_capacity(candidates.len());
    for module in candidates {
        let bytes = modules.read(&module)?;
        let file = bytes.as_deref().and_then(parsed);
        if !file.as_ref().is_some_and(|file| file.has_atom("load_nif")) {
            let code = file.and_then(|file| Some(file.chunk(*b"Code")?.len())).unwrap_or_default();
            used.push((Reverse(code), Atom::new(&module)));
        }
    }
    used.sort();
    Ok(StartModules { used: used.into_iter().map(|(_, module)| module).collect(), warning })
}

/// All modules of a release, and the atoms of those that were asked for, some twice: the functions that a module calls are among
/// them.
struct Modules<'graph> {
    source: &'graph dyn FileSource,
    applications: HashMap<&'graph str, &'graph Application>,
    atoms: HashMap<String, Vec<String>>,
}

impl<'graph> Modules<'graph> {
    fn new(graph: &'graph Graph, source: &'graph dyn FileSource) -> Self {
        let applications = graph
            .applications
            .values()
            .flat_map(|application| {
                application.modules.iter().map(move |module| (module.as_str(), application))
            })
            .collect();
        Self { source, applications, atoms: HashMap::new() }
    }

    /// Those of these names that the release has. Others are passed over: a list that is out of date costs time and nothing else.
    fn known<'n>(&self, names: impl Iterator<Item = &'n str>) -> BTreeSet<String> {
        names.filter(|name| self.applications.contains_key(name)).map(str::to_owned).collect()
    }

    /// Whether a profile is a record of something else.
    fn is_foreign(&self, profile: &Profile, graph: &Graph) -> bool {
        let own_code = if callbacks(graph).any(|module| self.is_own(&module)) {
            OwnCode::Runs
        } else {
            OwnCode::MayNotRun
        };
        profile.is_foreign(self.applications.keys().copied().filter(|module| self.is_own(module)), own_code)
    }

    /// What every start uses, what the applications that are started begin with, and what those mention.
    fn guess(&mut self, spec: &ReleaseSpec, graph: &Graph) -> Result<BTreeSet<String>, ReleaseError> {
        let mut found = self.known(USUAL.lines().chain(LIBRARIES.lines()));
        if spec.runtime.file.is_some() && spec.runtime.compiled.is_none() {
            found.append(&mut self.known(EVALUATION.lines()));
        }
        let mut named: Vec<String> =
            callbacks(graph).filter(|name| self.applications.contains_key(name.as_str())).collect();
        found.extend(named.iter().cloned());
        atoms_in(&spec.configuration, &mut named);
        for module in named {
            if self.is_own(&module) {
                let mentioned = self.atoms(&module)?.clone();
                found.extend(mentioned.into_iter().filter(|atom| self.is_own(atom)));
            }
        }
        if let Some(project) = spec.project_application.as_ref().and_then(|name| graph.applications.get(name))
        {
            self.add_reachable(project, &mut found)?;
        }
        self.add_frequent(&mut found)?;
        Ok(found)
    }

    /// Adds the modules of the project that those among these lead to, if they are few.
    fn add_reachable(
        &mut self,
        project: &Application,
        found: &mut BTreeSet<String>,
    ) -> Result<(), ReleaseError> {
        let own: HashSet<&str> = project.modules.iter().map(Atom::as_str).collect();
        let starts: Vec<String> =
            found.iter().filter(|module| own.contains(module.as_str())).cloned().collect();
        let left = FEW.saturating_sub(starts.len());
        found.extend(self.follow(starts, found, &|atom| own.contains(atom), left)?.unwrap_or_default());
        Ok(())
    }

    /// Adds what the project's and its dependencies' modules among these mention of what many starts use, and what that mentions.
    fn add_frequent(&mut self, found: &mut BTreeSet<String>) -> Result<(), ReleaseError> {
        let frequent = self.known(FREQUENT.lines());
        let starts = found.iter().filter(|module| self.is_own(module)).cloned().collect();
        found.extend(
            self.follow(starts, found, &|atom| frequent.contains(atom), usize::MAX)?.unwrap_or_default(),
        );
        Ok(())
    }

    /// The wanted modules that these mention, and what those mention, without the ones that are found already; none when they are
    /// more than `most`.
    fn follow(
        &mut self,
        mut mentioning: Vec<String>,
        found: &BTreeSet<String>,
        is_wanted: &dyn Fn(&str) -> bool,
        most: usize,
    ) -> Result<Option<BTreeSet<String>>, ReleaseError> {
        let mut reached = BTreeSet::new();
        while let Some(module) = mentioning.pop() {
            for atom in self.atoms(&module)? {
                if is_wanted(atom) && !found.contains(atom) && reached.insert(atom.clone()) {
                    mentioning.push(atom.clone());
                }
            }
            if reached.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(reached))
    }

    /// Whether this is a module of the project or of one of its dependencies.
    fn is_own(&self, module: &str) -> bool {
        self.applications.get(module).is_some_and(|application| !is_of_the_runtime(application))
    }

    /// Reads a module. What cannot be read is reported where it is copied.
    fn read(&self, module: &str) -> Result<Option<Vec<u8>>, ReleaseError> {
        let Some(application) = self.applications.get(module) else { return Ok(None) };
        Ok(self.source.read(&application.directory.join("ebin").join(format!("{module}.beam")))?)
    }

    /// The atoms of a module, which is read once.
    fn atoms(&mut self, module: &str) -> Result<&Vec<String>, ReleaseError> {
        if !self.atoms.contains_key(module) {
            let bytes = self.read(module)?;
            let atoms = bytes.as_deref().and_then(parsed).map(|file| atoms_of(&file, self.is_own(module)));
            self.atoms.insert(module.to_owned(), atoms.unwrap_or_default());
        }
        Ok(self.atoms.entry(module.to_owned()).or_default())
    }
}

/// A module, if it is none that is damaged.
fn parsed(bytes: &[u8]) -> Option<BeamFile<'_>> {
    BeamFile::parse(bytes).ok()
}

/// All atoms of a module, those of its literals too if they are wanted: a list of children, or an option that names a module.
fn atoms_of(file: &BeamFile<'_>, with_literals: bool) -> Vec<String> {
    let mut atoms = file.atoms().unwrap_or_default();
    let literals = if with_literals { file.literals().unwrap_or_default() } else { Vec::new() };
    for literal in literals {
        if let Ok(term) = etf::decode(&literal) {
            atoms_in(&term, &mut atoms);
        }
    }
    atoms
}

/// All atoms in a term.
fn atoms_in(term: &Term, found: &mut Vec<String>) {
    match term {
        Term::Atom(atom) => found.push(atom.to_string()),
        Term::List(elements) | Term::Tuple(elements) => {
            elements.iter().for_each(|element| atoms_in(element, found));
        }
        Term::Map(entries) => entries.iter().for_each(|(_, value)| atoms_in(value, found)),
        Term::ExternalFun { module, .. } => found.push(module.to_string()),
        _ => {}
    }
}

/// The callback modules of the applications that a start starts.
fn callbacks(graph: &Graph) -> impl Iterator<Item = String> {
    let starts = graph.start.iter().filter(|(_, mode)| *mode >= Mode::Temporary);
    starts.filter_map(|(name, _)| callback(graph, name))
}

/// The callback module of an application.
fn callback(graph: &Graph, name: &Atom) -> Option<String> {
    let callback = graph.applications.get(name)?.callback.as_ref()?;
    callback.as_tuple()?.first()?.as_atom().map(ToString::to_string)
}

/// Erlang's and Elixir's own applications: a start uses little of them, and which part is known.
fn is_of_the_runtime(application: &Application) -> bool {
    application.is_of_otp()
        || ["elixir", "eex", "ex_unit", "iex", "logger", "mix"].contains(&application.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{machine, spec};

    fn chunk(id: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let size = (data.len() as u32).to_be_bytes();
        [id, &size[..], data, &vec![0; data.len().next_multiple_of(4) - data.len()]].concat()
    }

    /// A compiled module that names others, in its code and in a literal.
    fn module(name: &str, called: &[&str], literal: &Term) -> Vec<u8> {
        let atoms: Vec<u8> = [&[name], called]
            .concat()
            .iter()
            .flat_map(|atom| [&[atom.len() as u8], atom.as_bytes()].concat())
            .collect();
        let count = (1 + called.len() as u32).to_be_bytes();
        let term = etf::encode(literal, etf::AtomEncoding::Utf8).unwrap();
        let literals = [&[0, 0, 0, 0, 0, 0, 0, 1], &(term.len() as u32).to_be_bytes()[..], &term].concat();
        let chunks = [chunk(b"AtU8", &[&count[..], &atoms].concat()), chunk(b"LitT", &literals)].concat();
        [b"FOR1", &(4 + chunks.len() as u32).to_be_bytes()[..], b"BEAM", &chunks].concat()
    }

    /// What is loaded first of a project whose callback names `supervisor`, that one `worker` in a literal, and this one its
    /// helpers; a task is named by none of them.
    fn guessed(helpers: usize) -> Vec<String> {
        let helpers: Vec<String> = (0..helpers).map(|number| format!("helper_{number}")).collect();
        let mut files = vec![
            ("start", module("start", &["supervisor", "lists"], &Term::nil())),
            ("supervisor", {
                let function =
                    Term::ExternalFun { module: Atom::new("handler"), function: Atom::new("call"), arity: 1 };
                module("supervisor", &[], &Term::List(vec![Term::pair(Term::atom("worker"), function)]))
            }),
            (
                "worker",
                module("worker", &helpers.iter().map(String::as_str).collect::<Vec<_>>(), &Term::nil()),
            ),
            ("handler", module("handler", &[], &Term::nil())),
            ("task", module("task", &["start"], &Term::nil())),
        ];
        files.extend(helpers.iter().map(|name| (name.as_str(), module(name, &[], &Term::nil()))));
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        let mut machine = machine(&[]);
        let resource = format!(
            "{{application, demo, [{{description, \"\"}}, {{vsn, \"0.1.0\"}}, {{modules, [{}]}}, {{registered, []}}, {{mod, {{start, []}}}},
              {{applications, [kernel, stdlib, elixir]}}]}}.",
            names.join(", ")
        );
        machine.file("/build/lib/demo/ebin/demo.app", resource, 0o644);
        for (name, beam) in &files {
            machine.file(&format!("/build/lib/demo/ebin/{name}.beam"), beam, 0o644);
        }
        let spec = spec();
        let graph = Graph::resolve(&spec, &machine).unwrap();
        let found = start_modules(&spec, &graph, &machine).unwrap();
        let mut used: Vec<String> = found.used.iter().map(ToString::to_string).collect();
        used.sort();
        used
    }

    #[test]
    fn what_a_small_project_leads_to_is_loaded_first() {
        assert_eq!(guessed(2), ["handler", "helper_0", "helper_1", "start", "supervisor", "worker"]);
    }

    #[test]
    fn of_a_large_project_only_what_its_callback_mentions_is() {
        assert_eq!(guessed(FEW), ["start", "supervisor"]);
    }
}
