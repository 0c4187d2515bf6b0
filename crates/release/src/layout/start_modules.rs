//! Which modules a start uses, as far as that can be known before it.
//!
//! Best by a record: `beamship profile-boot` writes one. Without it they are guessed, from two sides. What every start needs of
//! Erlang and Elixir has been recorded with small systems on the toolchains that are tested (`usual.modules`); of
//! everything else, the callback modules of the applications, the modules that the configuration names, and those that
//! either of them mentions: a child specification, a behaviour or an option names a module without calling it. A module
//! too many costs the time to load it before the start instead of after it, one too few hardly more than that: to go
//! further than one step made the starts of a Phoenix application slower.

use std::collections::{BTreeSet, HashMap};

use beam::BeamFile;
use etf::{Atom, Term};

use crate::application::Application;
use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::mode::Mode;
use crate::source::FileSource;
use crate::spec::ReleaseSpec;

/// Which modules a start uses, one in a line; `beamship profile-boot` writes it.
pub const PROFILE: &str = "boot.profile";

/// What starts use of Erlang and Elixir; `scripts/usual-modules` writes it.
const USUAL: &str = include_str!("usual.modules");

/// What those use in addition that evaluate `runtime.exs`; written by the same.
const EVALUATION: &str = include_str!("evaluation.modules");

/// The modules that a start uses, recorded or guessed. Those with native code are left to the code server, which alone can
/// load them.
pub(super) fn start_modules(
    spec: &ReleaseSpec,
    graph: &Graph,
    source: &dyn FileSource,
) -> Result<BTreeSet<Atom>, ReleaseError> {
    let mut modules = Modules::new(graph, source);
    let candidates = match source.read(&spec.templates.join(PROFILE))? {
        Some(bytes) => modules.named(&String::from_utf8_lossy(&bytes)),
        None => modules.guess(spec, graph)?,
    };
    let mut used = BTreeSet::new();
    for module in candidates {
        if !modules.has_atom(&module, "load_nif")? {
            used.insert(Atom::new(&module));
        }
    }
    Ok(used)
}

/// All modules of a release, and the atoms of those that were looked into.
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

    /// Those that a text lists, one in a line. Others are passed over: a list that is out of date costs time and nothing else.
    fn named(&self, text: &str) -> BTreeSet<String> {
        let lines = text.lines().map(str::trim);
        lines.filter(|line| self.applications.contains_key(line)).map(str::to_owned).collect()
    }

    /// What every start uses, what the applications that are started begin with, and what those mention.
    fn guess(&mut self, spec: &ReleaseSpec, graph: &Graph) -> Result<BTreeSet<String>, ReleaseError> {
        let mut found = self.named(USUAL);
        if spec.runtime.file.is_some() && spec.runtime.compiled.is_none() {
            found.append(&mut self.named(EVALUATION));
        }
        let starts = graph.start.iter().filter(|(_, mode)| *mode >= Mode::Temporary);
        let callbacks = starts.filter_map(|(name, _)| callback(graph, name));
        let mut named: Vec<String> =
            callbacks.filter(|name| self.applications.contains_key(name.as_str())).collect();
        found.extend(named.iter().cloned());
        atoms_in(&spec.configuration, &mut named);
        for module in named {
            if self.is_own(&module) {
                self.look_into(&module)?;
                let mentioned = self.atoms.get(&module).into_iter().flatten();
                found.extend(mentioned.filter(|atom| self.is_own(atom)).cloned());
            }
        }
        Ok(found)
    }

    /// Whether this is a module of the project or of one of its dependencies.
    fn is_own(&self, module: &str) -> bool {
        self.applications.get(module).is_some_and(|application| !is_of_the_runtime(application))
    }

    /// Whether a module has an atom, which is so when it calls a function of this name.
    fn has_atom(&mut self, module: &str, atom: &str) -> Result<bool, ReleaseError> {
        self.look_into(module)?;
        Ok(self.atoms.get(module).is_some_and(|atoms| atoms.iter().any(|other| other == atom)))
    }

    /// Reads the atoms of a module. What cannot be read is reported where it is copied.
    fn look_into(&mut self, module: &str) -> Result<(), ReleaseError> {
        if !self.atoms.contains_key(module) {
            let file = self.applications.get(module).map(|application| application.directory.join("ebin"));
            let bytes = match file {
                Some(directory) => self.source.read(&directory.join(format!("{module}.beam")))?,
                None => None,
            };
            let bytes = bytes.unwrap_or_default();
            let atoms = BeamFile::parse(&bytes).and_then(|file| file.atoms()).unwrap_or_default();
            self.atoms.insert(module.to_owned(), atoms);
        }
        Ok(())
    }
}

/// All atoms in a term.
fn atoms_in(term: &Term, found: &mut Vec<String>) {
    match term {
        Term::Atom(atom) => found.push(atom.to_string()),
        Term::List(elements) | Term::Tuple(elements) => {
            elements.iter().for_each(|element| atoms_in(element, found));
        }
        Term::Map(entries) => entries.iter().for_each(|(_, value)| atoms_in(value, found)),
        _ => {}
    }
}

/// The callback module of an application.
fn callback(graph: &Graph, name: &Atom) -> Option<String> {
    let callback = graph.applications.get(name)?.callback.as_ref()?;
    callback.as_tuple()?.first()?.as_atom().map(ToString::to_string)
}

/// Erlang's and Elixir's own applications: a start uses little of them, and which part is known.
fn is_of_the_runtime(application: &Application) -> bool {
    application.otp
        || ["elixir", "eex", "ex_unit", "iex", "logger", "mix"].contains(&application.name.as_str())
}
