//! A build directory, and the sources that the code in it may have been compiled from.
//!
//! A source is a file with the name of one, or one that the code says it was compiled from (`@external_resource`). Whatever
//! else a compiler reads is its own business to watch, and what it writes must not be taken for a source that somebody has
//! changed.
//!
//! What was fetched is not a source either: Mix compiles that by its version. Most sources are in the initial snapshot already;
//! only the others are read here.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::record::CompilationRecord;
use crate::file_digest::FileDigest;
use crate::scope::{NODE_MODULES, is_within};
use crate::{InitialSnapshot, Scope, Snapshot};

/// The extensions of sources.
const SOURCES: [&str; 9] = ["ex", "exs", "eex", "heex", "leex", "erl", "hrl", "xrl", "yrl"];

/// Where Mix compiles a project to, and what it compiles there.
#[derive(Clone, Debug)]
pub struct BuildDirectory {
    /// The directory of the project.
    pub project: Utf8PathBuf,
    /// The build directory itself: `_build/prod`.
    pub path: Utf8PathBuf,
    /// Where dependencies are fetched to, which Mix compiles by their versions.
    pub dependencies: Utf8PathBuf,
    /// The applications of the project, and those of path dependencies.
    pub applications: BTreeSet<String>,
    /// The directories that these are compiled from.
    pub directories: BTreeSet<Utf8PathBuf>,
}

impl BuildDirectory {
    /// What names in the record are relative to: the directory that holds `_build/prod`.
    pub(super) fn base(&self) -> &Utf8Path {
        self.path.parent().and_then(Utf8Path::parent).unwrap_or(&self.project)
    }

    /// The sources as they are before anything is compiled.
    pub(super) fn sources(
        &self,
        record: &CompilationRecord,
        initial: &InitialSnapshot,
    ) -> BTreeMap<String, FileDigest> {
        let scope = initial.scope();
        let is_behind_a_link =
            |path: &Utf8Path| !is_within(path, &scope.directories) && !scope.files.contains(path);
        let directories: BTreeSet<_> = record.directories.union(&self.directories).cloned().collect();
        let in_snapshot = initial.snapshot().files();
        let mut sources: BTreeMap<_, _> = in_snapshot
            .filter(|(path, _)| self.is_source(path, &directories) || is_behind_a_link(path))
            .filter(|(path, _)| has_name_of_source(path) && !self.is_built(path))
            .map(|(path, file)| (path.to_string(), file))
            .collect();
        let is_outside = |directory: &&Utf8PathBuf| !is_within(directory, &scope.directories);
        sources.extend(self.sources_in(directories.iter().filter(is_outside).cloned().collect()));
        for (path, was) in &record.sources {
            if !sources.contains_key(path)
                && let Some(file) = FileDigest::read(Utf8Path::new(path), was.as_ref())
            {
                sources.insert(path.clone(), file);
            }
        }
        sources
    }

    /// The sources in directories that are not in the snapshot.
    fn sources_in(&self, directories: BTreeSet<Utf8PathBuf>) -> Vec<(String, FileDigest)> {
        let except = [self.path.clone()].into();
        let scope = Scope { directories, except, sources_only: true, ..Scope::default() };
        let snapshot = Snapshot::take(&scope, &Snapshot::default());
        let sources = snapshot.files().filter(|(path, _)| self.is_source(path, &scope.directories));
        sources.map(|(path, file)| (path.to_string(), file)).collect()
    }

    /// Whether this is a source in one of these directories, and not one that was fetched.
    fn is_source(&self, path: &Utf8Path, directories: &BTreeSet<Utf8PathBuf>) -> bool {
        let directory = path.ancestors().find(|ancestor| directories.contains(*ancestor));
        let Some(directory) = directory else { return false };
        let is_fetched = path.starts_with(&self.dependencies) && !directory.starts_with(&self.dependencies);
        let within = path.strip_prefix(directory).unwrap_or(path);
        let is_package = within.components().any(|part| part.as_str() == NODE_MODULES);
        has_name_of_source(path) && !is_fetched && !is_package && !self.is_built(path)
    }

    /// Whether this is in the build directory, which may be behind a link.
    fn is_built(&self, path: &Utf8Path) -> bool {
        path.starts_with(&self.path)
            || self.path.canonicalize_utf8().is_ok_and(|build| path.starts_with(build))
    }
}

/// Whether a file has the name of something that people write. A parser that yecc or leex generates has not.
pub(super) fn has_name_of_source(path: &Utf8Path) -> bool {
    path.extension().is_some_and(|extension| {
        let is_made =
            extension == "erl" && ["yrl", "xrl"].iter().any(|grammar| path.with_extension(grammar).exists());
        SOURCES.contains(&extension) && !is_made
    })
}
