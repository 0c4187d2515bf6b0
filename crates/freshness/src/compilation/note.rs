//! What a compilation leaves for the next one to know.
//!
//! The note is right whatever interrupts a build. What is about to be compiled is marked in it before, as a file of which nobody
//! knows which content is in the code; the mark goes when the compilation has ended and the file is still the same.
//!
//! Projects may share a build directory, an umbrella and a part of it, and so the note: what one of them knows stays when
//! another one is compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::manifests::Manifests;
use crate::snapshot::{Seen, is_within};
use crate::{Moment, kept};

/// The note's name in the build directory.
pub(super) const FILE: &str = "beamship/sources";

/// The note. A project that is moved with its build directory takes it along: names are relative to where the build directory
/// is, as far as they are of files there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Note {
    /// Files by name; none for one of which it is not known which content is in the code.
    pub(super) sources: BTreeMap<String, Option<Seen>>,
    /// Directories of the project and of its path dependencies.
    pub(super) places: BTreeSet<Utf8PathBuf>,
    pub(super) applications: BTreeSet<String>,
    /// What Mix knew of the code.
    pub(super) manifests: Manifests,
    /// When the compilation had ended.
    pub(super) ended: Moment,
}

impl Note {
    pub(super) fn load(file: &Utf8Path, base: &Utf8Path) -> Option<Self> {
        let note: Self = kept::load(file)?;
        Some(note.renamed(|name| base.join(name)))
    }

    /// Keeps it. One that cannot be kept is later not that of the manifests.
    pub(super) fn save(&self, file: &Utf8Path, base: &Utf8Path) {
        let _ = kept::save(&self.relative_to(base), file);
    }

    fn relative_to(&self, base: &Utf8Path) -> Self {
        self.clone().renamed(|path| path.strip_prefix(base).unwrap_or(path).to_owned())
    }

    fn renamed(self, name: impl Fn(&Utf8Path) -> Utf8PathBuf) -> Self {
        let rename = |(path, seen): (String, _)| (name(Utf8Path::new(&path)).into_string(), seen);
        let sources = self.sources.into_iter().map(rename).collect();
        let places = self.places.iter().map(|place| name(place)).collect();
        Self { sources, places, ..self }
    }

    /// The first file that is not what was compiled, and looks so.
    pub(super) fn looks_compiled(&self, now: &BTreeMap<String, Seen>) -> Option<Utf8PathBuf> {
        let looks_older = |path: &str| {
            fs::metadata(path)
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|modified| Moment::from(modified).second() <= self.ended.second())
        };
        let differs = |path: &str, was: Option<&Seen>| now.get(path).is_some_and(|is| !is_same(was, is));
        let mut sources = self.sources.iter();
        let found = sources.find(|(path, was)| differs(path, was.as_ref()) && looks_older(path));
        found.map(|(path, _)| path.into())
    }

    /// Forgets what is known of files that are about to be compiled; whether there are any.
    pub(super) fn mark(&mut self, now: &BTreeMap<String, Seen>) -> bool {
        let mut is_marked = false;
        for (path, is) in now {
            if !is_same(self.sources.get(path).and_then(Option::as_ref), is) {
                is_marked |= self.sources.insert(path.clone(), None) != Some(None);
            }
        }
        is_marked
    }

    /// This one, with what another one knows of other applications and places.
    pub(super) fn beside(mut self, other: Self) -> Self {
        let is_other = |path: &str| !is_within(Utf8Path::new(path), &self.places);
        let sources: Vec<_> = other
            .sources
            .into_iter()
            .filter(|(path, _)| is_other(path) && !self.sources.contains_key(path))
            .collect();
        self.sources.extend(sources);
        self.manifests = self.manifests.beside(other.manifests, &self.applications);
        self.applications.extend(other.applications);
        self.places.extend(other.places);
        self
    }
}

fn is_same(was: Option<&Seen>, is: &Seen) -> bool {
    was.is_some_and(|was| was.digest == is.digest)
}
