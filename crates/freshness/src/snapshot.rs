//! Everything that a build may read, by content.
//!
//! Directories are listed level by level, all of a level at once, and links are followed once. What cannot be read is
//! [`Entry::Other`], which is never the same as anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use crate::file_digest::FileDigest;
use crate::scope::is_passed_over;
use crate::{Difference, Moment, Scope, Stamp, names};

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// A directory.
    #[serde(rename = "d")]
    Directory,
    /// A link to there.
    #[serde(rename = "l")]
    Link(String),
    /// A file: its stamp if that is certain, its mode, a digest of its content.
    #[serde(rename = "f")]
    File(Option<Stamp>, u32, String),
    /// A digest of the names in a directory.
    #[serde(rename = "n")]
    Names(String),
    /// Nothing that can be read.
    #[serde(rename = "o")]
    Other,
}

impl Entry {
    /// Whether a build would read the same there.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(_, mode, digest), Self::File(_, other_mode, other_digest)) => {
                mode == other_mode && digest == other_digest
            }
            (Self::Other, _) => false,
            _ => self == other,
        }
    }
}

/// Everything in a [`Scope`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot {
    /// By path; as text, because paths are compared component by component, which takes ten times as long.
    pub(crate) entries: BTreeMap<String, Entry>,
}

impl Snapshot {
    /// Looks at everything. Files whose stamp is that of a known digest are not read.
    #[must_use]
    pub fn take(scope: &Scope, known: &Self) -> Self {
        let looked_at = Moment::now();
        let mut entries = BTreeMap::new();
        let mut level: Vec<Utf8PathBuf> = scope.directories.iter().cloned().collect();
        let mut entered: BTreeSet<Utf8PathBuf> = BTreeSet::new();
        while !level.is_empty() {
            level.retain(|directory| !scope.except.contains(directory) && entered.insert(directory.clone()));
            let listed: Vec<Listed> =
                level.par_iter().map(|directory| list(directory, scope, known, looked_at)).collect();
            level.clear();
            for listed in listed {
                entries.extend(listed.entries);
                level.extend(listed.directories);
            }
        }
        let files: Vec<_> = scope.files.iter().cloned().collect();
        entries.extend(
            files
                .into_par_iter()
                .filter_map(|path| {
                    let metadata = fs::metadata(&path).ok()?;
                    let file = if metadata.is_file() {
                        read(&path, &metadata, known, looked_at)
                    } else if metadata.is_dir() {
                        Entry::Directory
                    } else {
                        Entry::Other
                    };
                    Some((path.into_string(), file))
                })
                .collect::<Vec<_>>(),
        );
        // The slash tells it from the same place among the files.
        entries.extend(scope.listings.iter().filter_map(|path| Some((format!("{path}/"), names_in(path)?))));
        Self { entries }
    }

    /// Whether there is anything at this path.
    pub(crate) fn contains(&self, path: &Utf8Path) -> bool {
        self.entries.contains_key(path.as_str())
    }

    /// Its files.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Utf8Path, FileDigest)> {
        self.entries.iter().filter_map(|(path, found)| match found {
            Entry::File(stamp, _, digest) => {
                Some((Utf8Path::new(path), FileDigest { stamp: *stamp, digest: digest.clone() }))
            }
            _ => None,
        })
    }

    /// The first entry that is not in the later snapshot as it is in this one.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<Difference> {
        let mut new = now.entries.keys().filter(|path| !self.entries.contains_key(*path));
        for (path, was) in &self.entries {
            match now.entries.get(path) {
                None => return Some(Difference::Gone(path.into())),
                Some(is) if !was.is_same(is) => return Some(Difference::Changed(path.into())),
                Some(_) => {}
            }
        }
        new.next().map(|path| Difference::New(path.into()))
    }
}

/// What is in one directory, and the directories that remain to be listed.
#[derive(Default)]
struct Listed {
    entries: Vec<(String, Entry)>,
    directories: Vec<Utf8PathBuf>,
}

fn list(directory: &Utf8Path, scope: &Scope, known: &Snapshot, looked_at: Moment) -> Listed {
    let mut listed = Listed::default();
    let Ok(entries) = fs::read_dir(directory) else {
        listed.entries.push((directory.to_string(), Entry::Other));
        return listed;
    };
    for entry in entries {
        let Ok(entry) = entry else {
            listed.entries.push((directory.to_string(), Entry::Other));
            continue;
        };
        // Names that are not UTF-8 cannot be in a release.
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = directory.join(&name);
        if scope.except.contains(&path) {
            continue;
        }
        let Ok(metadata) = entry.metadata() else {
            listed.entries.push((path.into_string(), Entry::Other));
            continue;
        };
        if metadata.is_dir() {
            if name == ".git" {
                listed.directories.push(path.join("refs"));
                for file in ["HEAD", "packed-refs"] {
                    let file = path.join(file);
                    if let Ok(metadata) = fs::metadata(&file) {
                        let content = read(&file, &metadata, known, looked_at);
                        listed.entries.push((file.into_string(), content));
                    }
                }
            } else if !scope.passes_over(&name) {
                listed.directories.push(path.clone());
                listed.entries.push((path.into_string(), Entry::Directory));
            }
        } else if metadata.is_symlink() {
            if !is_passed_over(&name) {
                follow(path, &mut listed, known, looked_at);
            }
        } else if metadata.is_file() {
            let file = read(&path, &metadata, known, looked_at);
            listed.entries.push((path.into_string(), file));
        } else {
            // A socket or a pipe of a running program. No build reads it.
        }
    }
    listed
}

/// The names in a directory; none where there is none.
fn names_in(directory: &Utf8Path) -> Option<Entry> {
    if !directory.is_dir() {
        return None;
    }
    let list = || -> std::io::Result<Vec<_>> {
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect()
    };
    Some(list().map_or(Entry::Other, |list| Entry::Names(names::digest(list))))
}

/// A link counts with what it leads to.
fn follow(path: Utf8PathBuf, listed: &mut Listed, known: &Snapshot, looked_at: Moment) {
    let target = fs::read_link(&path).map(|target| target.to_string_lossy().into_owned());
    if let (Ok(place), Ok(metadata)) = (path.canonicalize_utf8(), fs::metadata(&path)) {
        if metadata.is_dir() {
            if !place.components().any(|part| is_passed_over(part.as_str())) {
                listed.directories.push(place);
            }
        } else if metadata.is_file() {
            let file = read(&place, &metadata, known, looked_at);
            listed.entries.push((place.into_string(), file));
        }
    }
    listed.entries.push((path.into_string(), target.map_or(Entry::Other, Entry::Link)));
}

fn read(path: &Utf8Path, metadata: &fs::Metadata, known: &Snapshot, looked_at: Moment) -> Entry {
    let stamp = Stamp::of(metadata);
    let known = match known.entries.get(path.as_str()) {
        Some(Entry::File(Some(stamp), _, digest)) => Some((*stamp, digest.as_str())),
        _ => None,
    };
    match FileDigest::with_stamp(path, stamp, known, looked_at) {
        Some(file) => Entry::File(file.stamp, stamp.mode(), file.digest),
        None => Entry::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Project {
        _directory: tempfile::TempDir,
        root: Utf8PathBuf,
        scope: Scope,
    }

    impl Project {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let base = Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap();
            let root = base.join("project");
            fs::create_dir_all(root.join("lib/deep")).unwrap();
            fs::create_dir_all(root.join("_build/prod")).unwrap();
            fs::create_dir_all(root.join(".git/refs/heads")).unwrap();
            fs::write(root.join("lib/a.ex"), "a").unwrap();
            fs::write(root.join("lib/deep/b.ex"), "b").unwrap();
            fs::write(root.join(".git/refs/heads/main"), "1").unwrap();
            fs::write(base.join("outside"), "x").unwrap();
            symlink("../outside", root.join("link")).unwrap();
            let scope = Scope {
                directories: [root.clone()].into(),
                files: [base.join("config.exs")].into(),
                except: [root.join("out")].into(),
                ..Scope::default()
            };
            Self { _directory: directory, root, scope }
        }

        fn take(&self) -> Snapshot {
            Snapshot::take(&self.scope, &Snapshot::default())
        }
    }

    #[test]
    fn every_change_is_seen() {
        type Change = (&'static str, fn(&Utf8Path), fn(&Utf8Path) -> Difference);
        let changes: [Change; 8] = [
            (
                "content",
                |root| fs::write(root.join("lib/a.ex"), "z").unwrap(),
                |root| Difference::Changed(root.join("lib/a.ex")),
            ),
            (
                "new file",
                |root| fs::write(root.join("lib/deep/c"), "").unwrap(),
                |root| Difference::New(root.join("lib/deep/c")),
            ),
            (
                "new directory",
                |root| fs::create_dir(root.join("empty")).unwrap(),
                |root| Difference::New(root.join("empty")),
            ),
            (
                "gone",
                |root| fs::remove_file(root.join("lib/a.ex")).unwrap(),
                |root| Difference::Gone(root.join("lib/a.ex")),
            ),
            (
                "mode",
                |root| fs::set_permissions(root.join("lib/a.ex"), fs::Permissions::from_mode(0o755)).unwrap(),
                |root| Difference::Changed(root.join("lib/a.ex")),
            ),
            (
                "behind a link",
                |root| fs::write(root.join("../outside"), "y").unwrap(),
                |root| Difference::Changed(root.parent().unwrap().join("outside")),
            ),
            (
                "commit",
                |root| fs::write(root.join(".git/refs/heads/main"), "2").unwrap(),
                |root| Difference::Changed(root.join(".git/refs/heads/main")),
            ),
            (
                "file outside",
                |root| fs::write(root.join("../config.exs"), "").unwrap(),
                |root| Difference::New(root.parent().unwrap().join("config.exs")),
            ),
        ];
        for (name, change, difference) in changes {
            let project = Project::new();
            let before = project.take();
            assert_eq!(before.difference(&project.take()), None);
            change(&project.root);
            let after = Snapshot::take(&project.scope, &before);
            assert_eq!(before.difference(&after), Some(difference(&project.root)), "{name}");
        }
    }

    #[test]
    fn what_the_build_makes_does_not_count() {
        let project = Project::new();
        let before = project.take();
        fs::write(project.root.join("_build/prod/x"), "").unwrap();
        fs::create_dir(project.root.join("out")).unwrap();
        fs::write(project.root.join("out/x"), "").unwrap();
        fs::write(project.root.join(".git/index"), "").unwrap();
        assert_eq!(before.difference(&project.take()), None);
    }

    #[test]
    fn the_same_content_is_the_same_whatever_the_times() {
        let project = Project::new();
        let before = project.take();
        fs::remove_file(project.root.join("lib/a.ex")).unwrap();
        fs::write(project.root.join("lib/a.ex"), "a").unwrap();
        assert_eq!(before.difference(&Snapshot::take(&project.scope, &before)), None);
    }

    #[test]
    fn a_loop_of_links_ends() {
        let project = Project::new();
        symlink("..", project.root.join("lib/up")).unwrap();
        symlink("self", project.root.join("self")).unwrap();
        assert_eq!(project.take().difference(&project.take()), None);
    }

    #[test]
    fn what_cannot_be_read_is_never_the_same() {
        let project = Project::new();
        let scope = Scope { directories: [project.root.join("absent")].into(), ..Scope::default() };
        let snapshot = Snapshot::take(&scope, &Snapshot::default());
        assert!(snapshot.difference(&Snapshot::take(&scope, &snapshot)).is_some());
    }

    #[test]
    fn a_file_written_an_instant_ago_is_read_again() {
        let project = Project::new();
        let path = project.root.join("lib/a.ex");
        for round in 0..50_u8 {
            // The same size, and often within the same tick of the clock.
            fs::write(&path, [round]).unwrap();
            let before = project.take();
            fs::write(&path, [round + 100]).unwrap();
            assert!(before.difference(&Snapshot::take(&project.scope, &before)).is_some());
        }
    }
}
