//! What a compilation leaves for the next one to know.
//!
//! The record is right whatever interrupts a build. What is about to be compiled is marked in it beforehand, as a file of which
//! nobody knows which content is in the code; the mark goes when the compilation has ended and the file is still the same.
//!
//! Projects may share a build directory, as an umbrella and a part of it do, and then they share the record: what one of them
//! knows stays when another one is compiled. The names of the fields in the file are older than those here, and stay.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::manifests::Manifests;
use crate::file_digest::FileDigest;
use crate::scope::is_within;
use crate::{Moment, checksummed_file};

/// The record's name in the build directory.
pub(super) const FILE: &str = "beamship/sources";

/// What the code in a build directory was compiled from. A project that is moved with its build directory takes the record
/// along: names of files next to the build directory are relative.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct CompilationRecord {
    /// Files by name; none for one of which it is not known which content is in the code.
    pub(super) sources: BTreeMap<String, Option<FileDigest>>,
    /// The directories of the project and of its path dependencies.
    #[serde(rename = "places")]
    pub(super) directories: BTreeSet<Utf8PathBuf>,
    pub(super) applications: BTreeSet<String>,
    /// What Mix knew of the code.
    pub(super) manifests: Manifests,
    /// When the compilation had ended.
    pub(super) ended: Moment,
}

impl CompilationRecord {
    pub(super) fn load(file: &Utf8Path, base: &Utf8Path) -> Option<Self> {
        let record: Self = checksummed_file::load(file)?;
        Some(record.renamed(|name| base.join(name)))
    }

    /// Keeps it. When that fails, the earlier record does not fit the manifests that the compilation leaves.
    pub(super) fn save(&self, file: &Utf8Path, base: &Utf8Path) {
        let _ = checksummed_file::save(&self.relative_to(base), file);
    }

    fn relative_to(&self, base: &Utf8Path) -> Self {
        self.clone().renamed(|path| path.strip_prefix(base).unwrap_or(path).to_owned())
    }

    fn renamed(self, name: impl Fn(&Utf8Path) -> Utf8PathBuf) -> Self {
        let rename = |(path, file): (String, _)| (name(Utf8Path::new(&path)).into_string(), file);
        let sources = self.sources.into_iter().map(rename).collect();
        let directories = self.directories.iter().map(|directory| name(directory)).collect();
        Self { sources, directories, ..self }
    }

    /// The first file that is not what was compiled, but looks so by its time.
    pub(super) fn looks_compiled(&self, now: &BTreeMap<String, FileDigest>) -> Option<Utf8PathBuf> {
        let looks_older = |path: &str| {
            fs::metadata(path)
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|modified| Moment::from(modified).second() <= self.ended.second())
        };
        let differs =
            |path: &str, was: Option<&FileDigest>| now.get(path).is_some_and(|is| !is_same(was, is));
        let mut sources = self.sources.iter();
        let found = sources.find(|(path, was)| differs(path, was.as_ref()) && looks_older(path));
        found.map(|(path, _)| path.into())
    }

    /// Forgets what is known of files that are about to be compiled; whether anything had to be forgotten.
    pub(super) fn mark(&mut self, now: &BTreeMap<String, FileDigest>) -> bool {
        let mut is_marked = false;
        for (path, is) in now {
            if !is_same(self.sources.get(path).and_then(Option::as_ref), is) {
                is_marked |= self.sources.insert(path.clone(), None) != Some(None);
            }
        }
        is_marked
    }

    /// This record, with what another one knows of other applications and directories.
    pub(super) fn merge(mut self, other: Self) -> Self {
        let is_other = |path: &str| !is_within(Utf8Path::new(path), &self.directories);
        let sources: Vec<_> = other
            .sources
            .into_iter()
            .filter(|(path, _)| is_other(path) && !self.sources.contains_key(path))
            .collect();
        self.sources.extend(sources);
        self.manifests = self.manifests.merge(other.manifests, &self.applications);
        self.applications.extend(other.applications);
        self.directories.extend(other.directories);
        self
    }
}

fn is_same(was: Option<&FileDigest>, is: &FileDigest) -> bool {
    was.is_some_and(|was| was.is_same(is))
}
