//! A project's code in its build directory, and the sources that it may have been compiled from.
//!
//! A source is what has the name of one, and what code says that it was compiled from (`@external_resource`). What else a
//! compiler may read is its own to watch, and what it writes is not to be taken for a source that somebody has changed.
//!
//! Nor is what was fetched, which Mix compiles by its version. Most sources have been looked at when the build began; only the
//! others are looked at here.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::note::Note;
use crate::snapshot::{NODE_MODULES, Seen, is_within};
use crate::{Beginning, Scope, Snapshot};

/// How the names of sources end.
const SOURCES: [&str; 9] = ["ex", "exs", "eex", "heex", "leex", "erl", "hrl", "xrl", "yrl"];

/// A project's code, and where its parts are.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The directory of the project.
    pub project: Utf8PathBuf,
    /// The build directory: `_build/prod`.
    pub build: Utf8PathBuf,
    /// Where dependencies are fetched to, which Mix compiles by their versions.
    pub dependencies: Utf8PathBuf,
    /// Its applications, and those of path dependencies.
    pub applications: BTreeSet<String>,
    /// Their directories.
    pub places: BTreeSet<Utf8PathBuf>,
}

impl Compiled {
    /// What names in the note are relative to: where the build directory is, `_build/prod` in.
    pub(super) fn base(&self) -> &Utf8Path {
        self.build.parent().and_then(Utf8Path::parent).unwrap_or(&self.project)
    }

    /// The sources that are known before.
    pub(super) fn sources(&self, note: &Note, beginning: &Beginning) -> BTreeMap<String, Seen> {
        let scope = beginning.scope();
        let is_behind_a_link =
            |path: &Utf8Path| !is_within(path, &scope.directories) && !scope.files.contains(path);
        let places: BTreeSet<_> = note.places.union(&self.places).cloned().collect();
        let looked_at = beginning.snapshot().files();
        let mut now: BTreeMap<_, _> = looked_at
            .filter(|(path, _)| self.is_source(path, &places) || is_behind_a_link(path))
            .filter(|(path, _)| has_name_of_source(path) && !self.is_built(path))
            .map(|(path, seen)| (path.to_string(), seen))
            .collect();
        let is_new = |place: &&Utf8PathBuf| !is_within(place, &scope.directories);
        now.extend(self.look_through(places.iter().filter(is_new).cloned().collect()));
        for (path, was) in &note.sources {
            if !now.contains_key(path)
                && let Some(seen) = Seen::look(Utf8Path::new(path), was.as_ref())
            {
                now.insert(path.clone(), seen);
            }
        }
        now
    }

    /// The sources in directories.
    fn look_through(&self, directories: BTreeSet<Utf8PathBuf>) -> Vec<(String, Seen)> {
        let except = [self.build.clone()].into();
        let scope = Scope { directories, except, sources_only: true, ..Scope::default() };
        let snapshot = Snapshot::take(&scope, &Snapshot::default());
        let sources = snapshot.files().filter(|(path, _)| self.is_source(path, &scope.directories));
        sources.map(|(path, seen)| (path.to_string(), seen)).collect()
    }

    /// Whether this is a source in one of these directories, and not one that was fetched.
    fn is_source(&self, path: &Utf8Path, places: &BTreeSet<Utf8PathBuf>) -> bool {
        let Some(place) = path.ancestors().find(|ancestor| places.contains(*ancestor)) else { return false };
        let is_fetched = path.starts_with(&self.dependencies) && !place.starts_with(&self.dependencies);
        let within = path.strip_prefix(place).unwrap_or(path);
        let is_package = within.components().any(|part| part.as_str() == NODE_MODULES);
        has_name_of_source(path) && !is_fetched && !is_package && !self.is_built(path)
    }

    /// Whether this is in the build directory, which may be behind a link.
    fn is_built(&self, path: &Utf8Path) -> bool {
        path.starts_with(&self.build)
            || self.build.canonicalize_utf8().is_ok_and(|build| path.starts_with(build))
    }
}

/// Whether a file is called as what people write. A parser that yecc or leex makes is not.
pub(super) fn has_name_of_source(path: &Utf8Path) -> bool {
    path.extension().is_some_and(|extension| {
        let is_made =
            extension == "erl" && ["yrl", "xrl"].iter().any(|grammar| path.with_extension(grammar).exists());
        SOURCES.contains(&extension) && !is_made
    })
}
