//! What a build began with.
//!
//! A build takes a while, and what it reads may change meanwhile. Which of the two contents it has read is then unknown, so the
//! snapshot that was taken before is compared with one that is taken after.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::scope::is_within;
use crate::snapshot::Entry;
use crate::{Moment, Scope, Snapshot};

/// Everything that was there before a build read anything.
#[derive(Clone, Debug)]
pub struct InitialSnapshot {
    scope: Scope,
    snapshot: Snapshot,
    started: Moment,
}

impl InitialSnapshot {
    /// Looks at everything, as [`Snapshot::take`] does.
    #[must_use]
    pub fn take(scope: Scope, known: &Snapshot) -> Self {
        let started = Moment::now();
        Self { snapshot: Snapshot::take(&scope, known), scope, started }
    }

    /// Which part of the file system was looked at.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// A moment before anything was looked at.
    pub(crate) fn started(&self) -> Moment {
        self.started
    }

    /// What was there.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The first entry of a later snapshot that may have been another one at the beginning. Outside of the scope of this one
    /// nothing is known but the stamps: a file that was touched since counts as changed.
    pub(crate) fn change_during_build(&self, later: &Snapshot, scope: &Scope) -> Option<Utf8PathBuf> {
        let within = |path: &str, places: &BTreeSet<Utf8PathBuf>| is_within(Utf8Path::new(path), places);
        let gone = self.snapshot.entries.keys().find(|path| {
            !later.entries.contains_key(*path)
                && !within(path, &scope.except)
                && within(path, &scope.directories)
        });
        let other = later.entries.iter().find(|(path, is)| match (self.snapshot.entries.get(*path), is) {
            (Some(was), _) => !was.is_same(is),
            (None, _) if within(path, &self.scope.directories) => true,
            (None, Entry::File(stamp, ..)) => !stamp.is_some_and(|stamp| stamp.is_certain(self.started)),
            (None, Entry::Directory | Entry::Names(_) | Entry::Link(_)) => false,
            (None, Entry::Other) => true,
        });
        gone.or(other.map(|(path, _)| path)).map(Utf8PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Stamp;

    #[test]
    fn what_happens_during_a_build_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let base = Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap();
        let (root, outside) = (base.join("project"), base.join("other"));
        fs::create_dir_all(root.join("lib")).unwrap();
        fs::write(root.join("lib/a.ex"), "a").unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("old"), "").unwrap();
        while !Stamp::of(&fs::metadata(outside.join("old")).unwrap()).is_certain(Moment::now()) {}
        let mut scope = Scope { directories: [root.clone()].into(), ..Scope::default() };
        let initial = InitialSnapshot::take(scope.clone(), &Snapshot::default());
        scope.directories.insert(outside.clone());
        let later = || Snapshot::take(&scope, initial.snapshot());
        assert_eq!(initial.change_during_build(&later(), &scope), None);
        // Written again with the same content, as bundlers do.
        fs::write(root.join("lib/a.ex"), "a").unwrap();
        assert_eq!(initial.change_during_build(&later(), &scope), None);
        fs::write(outside.join("new"), "").unwrap();
        assert_eq!(initial.change_during_build(&later(), &scope), Some(outside.join("new")));
        fs::remove_file(outside.join("new")).unwrap();
        fs::write(root.join("lib/a.ex"), "z").unwrap();
        assert_eq!(initial.change_during_build(&later(), &scope), Some(root.join("lib/a.ex")));
        fs::remove_file(root.join("lib/a.ex")).unwrap();
        assert_eq!(initial.change_during_build(&later(), &scope), Some(root.join("lib/a.ex")));
    }
}
