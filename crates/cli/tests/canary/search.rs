//! The search.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use crate::canaries;
use crate::packed::unpack;
use crate::sandbox::Outcome;

/// Paths, with the canaries there.
pub(crate) type Found = BTreeMap<Utf8PathBuf, BTreeSet<&'static str>>;

/// The canaries in bytes, however they are packed.
pub(crate) fn found_in(bytes: &[u8]) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    unpack(bytes, &mut |part| found.extend(canaries::found_in(part)));
    found
}

/// The files below a directory in which canaries are, with them; names of files and targets of links count too.
pub(crate) fn search(directory: &Utf8Path) -> Found {
    let mut found = Found::new();
    let mut left = vec![directory.to_owned()];
    while let Some(here) = left.pop() {
        for entry in here.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path().to_owned(), entry.file_type().unwrap());
            let mut canaries = found_in(entry.file_name().as_bytes());
            if kind.is_dir() {
                left.push(path.clone());
            } else if kind.is_file() {
                canaries.extend(found_in(&std::fs::read(&path).unwrap()));
            } else if kind.is_symlink() {
                canaries.extend(found_in(path.read_link_utf8().unwrap().as_str().as_bytes()));
            }
            if !canaries.is_empty() {
                found.insert(path.strip_prefix(directory).unwrap().to_owned(), canaries);
            }
        }
    }
    found
}

/// What a command printed holds none.
#[track_caller]
pub(crate) fn is_clean(arguments: &[&str], outcome: &Outcome) {
    let printed = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(found_in(printed.as_bytes()), BTreeSet::new(), "{arguments:?}\n{printed}");
}

/// Where canaries may be, and which.
pub(crate) struct Place {
    /// A path below the directory that was searched, or what it begins with when it ends with `*`.
    pub(crate) path: &'static str,
    pub(crate) canaries: &'static [&'static str],
    /// Whether these, all of them, have to be there.
    pub(crate) must: bool,
}

impl Place {
    pub(crate) const fn must(path: &'static str, canaries: &'static [&'static str]) -> Self {
        Self { path, canaries, must: true }
    }

    pub(crate) const fn may(path: &'static str, canaries: &'static [&'static str]) -> Self {
        Self { path, canaries, must: false }
    }

    fn is_of(&self, path: &Utf8Path) -> bool {
        self.path.strip_suffix('*').map_or(path == self.path, |prefix| path.as_str().starts_with(prefix))
    }
}

/// Canaries are in these places and nowhere else; where they must be, they are.
#[track_caller]
pub(crate) fn are_there_alone(found: &Found, places: &[Place]) {
    let is_known = |path: &Utf8Path, canary: &str| {
        places.iter().any(|place| place.is_of(path) && place.canaries.contains(&canary))
    };
    let elsewhere: Vec<_> = found
        .iter()
        .filter(|(path, canaries)| !canaries.iter().all(|canary| is_known(path, canary)))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    for place in places.iter().filter(|place| place.must) {
        let expected: BTreeSet<&str> = place.canaries.iter().copied().collect();
        let is_there = found.iter().any(|(path, canaries)| place.is_of(path) && *canaries == expected);
        assert!(
            is_there,
            "{} does not have {expected:?}: the search finds nothing there\n{found:#?}",
            place.path
        );
    }
}
