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
        let gone = self.snapshot.entries.iter().find(|(path, was)| {
            // Every build asks for the names in other directories.
            !matches!(was, Entry::Names(_))
                && !later.entries.contains_key(*path)
                && !within(path, &scope.except)
                && within(path, &scope.directories)
        });
        let other = later.entries.iter().find(|(path, is)| match (self.snapshot.entries.get(*path), is) {
            (Some(was), _) => !was.is_same(is),
            (None, Entry::Names(_)) => false,
            (None, _) if within(path, &self.scope.directories) => true,
            (None, Entry::File(stamp, ..)) => !stamp.is_some_and(|stamp| stamp.is_certain(self.started)),
            (None, Entry::Directory | Entry::Link(_)) => false,
            (None, Entry::Other) => true,
        });
        gone.or(other).map(|(path, _)| Utf8PathBuf::from(path))
    }

    /// Whether a later one of sources alone finds in its directories what this one has found there.
    #[must_use]
    pub fn has_same_sources(&self, later: &Self) -> bool {
        let is_source = |path: &str| {
            let path = Utf8Path::new(path);
            is_within(path, &later.scope.directories)
                && !path.components().any(|part| later.scope.passes_over(part.as_str()))
        };
        let mut before = self.snapshot.entries.iter().filter(|(path, _)| is_source(path));
        let mut after = later.snapshot.entries.iter().filter(|(path, _)| is_source(path));
        loop {
            match (before.next(), after.next()) {
                (None, None) => return true,
                (Some((path, was)), Some((other, is))) if path == other && was.is_same(is) => {}
                _ => return false,
            }
        }
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

    /// The first build of a project lists a directory of an archive of Mix, and the next one does not: both built once more.
    #[test]
    fn which_names_a_build_has_asked_for_is_no_change() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap();
        fs::create_dir_all(root.join("archive/ebin")).unwrap();
        let without = Scope { directories: [root.clone()].into(), ..Scope::default() };
        let with = Scope { listings: [root.join("archive/ebin")].into(), ..without.clone() };
        for (scope, next) in [(&without, &with), (&with, &without), (&with, &with)] {
            let initial = InitialSnapshot::take(scope.clone(), &Snapshot::default());
            let later = Snapshot::take(next, initial.snapshot());
            assert_eq!(initial.change_during_build(&later, next), None);
        }
        let initial = InitialSnapshot::take(with.clone(), &Snapshot::default());
        fs::create_dir(root.join("archive/ebin/_build")).unwrap();
        let later = Snapshot::take(&with, initial.snapshot());
        let changed = Some(root.join("archive/ebin/"));
        assert_eq!(initial.change_during_build(&later, &with), changed);
    }

    #[test]
    fn sources_are_compared_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let base = Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap();
        let root = base.join("project");
        for name in ["lib/a.ex", "priv/static/app.js", "_build/a", "assets/node_modules/b"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        fs::write(base.join("elsewhere"), "").unwrap();
        let everything = Scope {
            directories: [root.clone()].into(),
            files: [base.join("elsewhere")].into(),
            ..Scope::default()
        };
        let sources = Scope { directories: [root.clone()].into(), sources_only: true, ..Scope::default() };
        let initial = InitialSnapshot::take(everything, &Snapshot::default());
        let is_same =
            || initial.has_same_sources(&InitialSnapshot::take(sources.clone(), &Snapshot::default()));
        assert!(is_same());
        // The same content, other code, a package.
        fs::write(root.join("priv/static/app.js"), "priv/static/app.js").unwrap();
        fs::write(root.join("_build/a"), "other").unwrap();
        fs::write(root.join("assets/node_modules/b"), "other").unwrap();
        assert!(is_same());
        fs::write(root.join("priv/static/new.js"), "").unwrap();
        assert!(!is_same());
        fs::remove_file(root.join("priv/static/new.js")).unwrap();
        assert!(is_same());
        fs::write(root.join("priv/static/app.js"), "changed").unwrap();
        assert!(!is_same());
        fs::remove_file(root.join("priv/static/app.js")).unwrap();
        assert!(!is_same());
    }
}
