//! What is there to be read, by content.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::HEXLOWER;
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Difference, Moment, Stamp};

/// Directories that no build reads anything from that it has not put there itself: what Mix compiles to, the history
/// (but see [`Scope`]), what language servers compile to.
const PASSED_OVER: [&str; 6] = ["_build", ".git", ".elixir_ls", ".lexical", ".expert", ".nextls"];

/// Where packages of Node are.
pub(crate) const NODE_MODULES: &str = "node_modules";

/// Where a build may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Directories with all that is in them, and what links in them lead to. Of a `.git` in them only the names of commits
    /// count: versions are often taken from there.
    pub directories: BTreeSet<Utf8PathBuf>,
    /// Single files, which need not be there.
    pub files: BTreeSet<Utf8PathBuf>,
    /// What is not looked at: what the build makes.
    pub except: BTreeSet<Utf8PathBuf>,
    /// Whether only what code is compiled from matters: packages of Node are passed over.
    #[serde(default)]
    pub sources_only: bool,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Found {
    /// A directory.
    #[serde(rename = "d")]
    Directory,
    /// A link to there.
    #[serde(rename = "l")]
    Link(String),
    /// A file: its stamp if that is certain, its mode, a digest of its content.
    #[serde(rename = "f")]
    File(Option<Stamp>, u32, String),
    /// Nothing that can be read.
    #[serde(rename = "o")]
    Other,
}

impl Found {
    /// Whether a build would read the same there.
    fn is_same(&self, other: &Self) -> bool {
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
    /// By path; as text, because paths are compared part by part, which takes ten times as long.
    found: BTreeMap<String, Found>,
}

impl Snapshot {
    /// Looks at everything. Files whose stamp is known are not read.
    #[must_use]
    pub fn take(scope: &Scope, known: &Self) -> Self {
        let looked_at = Moment::now();
        let mut found = BTreeMap::new();
        let mut level: Vec<Utf8PathBuf> = scope.directories.iter().cloned().collect();
        let mut entered: BTreeSet<Utf8PathBuf> = BTreeSet::new();
        while !level.is_empty() {
            level.retain(|directory| !scope.except.contains(directory) && entered.insert(directory.clone()));
            let listed: Vec<Listed> =
                level.par_iter().map(|directory| list(directory, scope, known, looked_at)).collect();
            level.clear();
            for listed in listed {
                found.extend(listed.found);
                level.extend(listed.directories);
            }
        }
        let files: Vec<_> = scope.files.iter().cloned().collect();
        found.extend(
            files
                .into_par_iter()
                .filter_map(|path| {
                    let metadata = fs::metadata(&path).ok()?;
                    let file = if metadata.is_file() {
                        read(&path, &metadata, known, looked_at)
                    } else {
                        Found::Other
                    };
                    Some((path.into_string(), file))
                })
                .collect::<Vec<_>>(),
        );
        Self { found }
    }

    /// Whether there is anything at this path.
    pub(crate) fn contains(&self, path: &Utf8Path) -> bool {
        self.found.contains_key(path.as_str())
    }

    /// Its files.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Utf8Path, Seen)> {
        self.found.iter().filter_map(|(path, found)| match found {
            Found::File(stamp, _, digest) => {
                Some((Utf8Path::new(path), Seen { stamp: *stamp, digest: digest.clone() }))
            }
            _ => None,
        })
    }

    /// The first thing that is not there as it is here.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<Difference> {
        let mut new = now.found.keys().filter(|path| !self.found.contains_key(*path));
        for (path, was) in &self.found {
            match now.found.get(path) {
                None => return Some(Difference::Gone(path.into())),
                Some(is) if !was.is_same(is) => return Some(Difference::Changed(path.into())),
                Some(_) => {}
            }
        }
        new.next().map(|path| Difference::New(path.into()))
    }
}

/// What a build began with.
#[derive(Clone, Debug)]
pub struct Beginning {
    scope: Scope,
    snapshot: Snapshot,
    moment: Moment,
}

impl Beginning {
    /// Looks at everything, as [`Snapshot::take`] does.
    #[must_use]
    pub fn look(scope: Scope, known: &Snapshot) -> Self {
        let moment = Moment::now();
        Self { snapshot: Snapshot::take(&scope, known), scope, moment }
    }

    /// Where it was looked.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// When it was begun to look.
    pub(crate) fn moment(&self) -> Moment {
        self.moment
    }

    /// What was there.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The first thing in a later snapshot that may not have been so at the beginning. Where this has not looked, which is
    /// outside of its scope, files count that have been touched since.
    pub(crate) fn disturbance(&self, later: &Snapshot, scope: &Scope) -> Option<Utf8PathBuf> {
        let within = |path: &str, places: &BTreeSet<Utf8PathBuf>| is_within(Utf8Path::new(path), places);
        let gone = self.snapshot.found.keys().find(|path| {
            !later.found.contains_key(*path)
                && !within(path, &scope.except)
                && within(path, &scope.directories)
        });
        let other = later.found.iter().find(|(path, is)| match (self.snapshot.found.get(*path), is) {
            (Some(was), _) => !was.is_same(is),
            (None, _) if within(path, &self.scope.directories) => true,
            (None, Found::File(stamp, ..)) => !stamp.is_some_and(|stamp| stamp.is_certain(self.moment)),
            (None, Found::Directory | Found::Link(_)) => false,
            (None, Found::Other) => true,
        });
        gone.or(other.map(|(path, _)| path)).map(Utf8PathBuf::from)
    }
}

/// A file that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Its stamp if that is certain.
    pub(crate) stamp: Option<Stamp>,
    /// A digest of its content.
    pub(crate) digest: String,
}

impl Seen {
    /// Whether it is as it was before this moment.
    pub(crate) fn is_older_than(&self, moment: Moment) -> bool {
        self.stamp.is_some_and(|stamp| stamp.is_certain(moment))
    }

    /// Looks at a file; none when there is none that can be read. What is known of it is believed as long as its stamp is
    /// the same.
    pub(crate) fn look(path: &Utf8Path, known: Option<&Self>) -> Option<Self> {
        let looked_at = Moment::now();
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let known = known.and_then(|known| Some((known.stamp?, known.digest.as_str())));
        Self::of(path, Stamp::of(&metadata), known, looked_at)
    }

    /// A file with this stamp, of which a stamp and a digest are known, or neither.
    fn of(path: &Utf8Path, stamp: Stamp, known: Option<(Stamp, &str)>, looked_at: Moment) -> Option<Self> {
        if let Some((_, digest)) = known.filter(|(known, _)| *known == stamp) {
            return Some(Self { stamp: Some(stamp), digest: digest.to_owned() });
        }
        Some(Self { digest: digest(path)?, stamp: stamp.is_certain(looked_at).then_some(stamp) })
    }
}

pub(crate) fn is_within(path: &Utf8Path, places: &BTreeSet<Utf8PathBuf>) -> bool {
    path.ancestors().any(|ancestor| places.contains(ancestor))
}

/// A directory, read.
#[derive(Default)]
struct Listed {
    found: Vec<(String, Found)>,
    directories: Vec<Utf8PathBuf>,
}

fn list(directory: &Utf8Path, scope: &Scope, known: &Snapshot, looked_at: Moment) -> Listed {
    let mut listed = Listed::default();
    let Ok(entries) = fs::read_dir(directory) else {
        listed.found.push((directory.to_string(), Found::Other));
        return listed;
    };
    for entry in entries {
        let Ok(entry) = entry else {
            listed.found.push((directory.to_string(), Found::Other));
            continue;
        };
        // Names that are not UTF-8 cannot be in a release.
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = directory.join(&name);
        if scope.except.contains(&path) {
            continue;
        }
        let Ok(metadata) = entry.metadata() else {
            listed.found.push((path.into_string(), Found::Other));
            continue;
        };
        if metadata.is_dir() {
            if name == ".git" {
                listed.directories.push(path.join("refs"));
                for file in ["HEAD", "packed-refs"] {
                    let file = path.join(file);
                    if let Ok(metadata) = fs::metadata(&file) {
                        let content = read(&file, &metadata, known, looked_at);
                        listed.found.push((file.into_string(), content));
                    }
                }
            } else if !(PASSED_OVER.contains(&name.as_str()) || scope.sources_only && name == NODE_MODULES) {
                listed.directories.push(path.clone());
                listed.found.push((path.into_string(), Found::Directory));
            }
        } else if metadata.is_symlink() {
            if !PASSED_OVER.contains(&name.as_str()) {
                follow(path, &mut listed, known, looked_at);
            }
        } else if metadata.is_file() {
            let file = read(&path, &metadata, known, looked_at);
            listed.found.push((path.into_string(), file));
        } else {
            // A socket or a pipe of something that runs here. No build reads it.
        }
    }
    listed
}

/// A link counts with what it leads to.
fn follow(path: Utf8PathBuf, listed: &mut Listed, known: &Snapshot, looked_at: Moment) {
    let target = fs::read_link(&path).map(|target| target.to_string_lossy().into_owned());
    if let (Ok(place), Ok(metadata)) = (path.canonicalize_utf8(), fs::metadata(&path)) {
        if metadata.is_dir() {
            let is_passed_over = place.components().any(|part| PASSED_OVER.contains(&part.as_str()));
            if !is_passed_over {
                listed.directories.push(place);
            }
        } else if metadata.is_file() {
            let file = read(&place, &metadata, known, looked_at);
            listed.found.push((place.into_string(), file));
        }
    }
    listed.found.push((path.into_string(), target.map_or(Found::Other, Found::Link)));
}

fn read(path: &Utf8Path, metadata: &fs::Metadata, known: &Snapshot, looked_at: Moment) -> Found {
    let stamp = Stamp::of(metadata);
    let known = match known.found.get(path.as_str()) {
        Some(Found::File(Some(stamp), _, digest)) => Some((*stamp, digest.as_str())),
        _ => None,
    };
    match Seen::of(path, stamp, known, looked_at) {
        Some(seen) => Found::File(seen.stamp, stamp.mode(), seen.digest),
        None => Found::Other,
    }
}

fn digest(path: &Utf8Path) -> Option<String> {
    let mut file = fs::File::open(path).ok()?;
    let mut hash = Sha256::new();
    let mut buffer = [0; 32 * 1024];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(HEXLOWER.encode(&hash.finalize()[..16])),
            length => hash.update(&buffer[..length]),
        }
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
                sources_only: false,
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
    fn what_happens_during_a_build_is_noticed() {
        let project = Project::new();
        let outside = project.root.parent().unwrap().join("other");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("old"), "").unwrap();
        while !Stamp::of(&fs::metadata(outside.join("old")).unwrap()).is_certain(Moment::now()) {}
        let beginning = Beginning::look(project.scope.clone(), &Snapshot::default());
        let mut scope = project.scope.clone();
        scope.directories.insert(outside.clone());
        let later = || Snapshot::take(&scope, beginning.snapshot());
        assert_eq!(beginning.disturbance(&later(), &scope), None);
        // Written again with the same content, as bundlers do.
        fs::write(project.root.join("lib/a.ex"), "a").unwrap();
        assert_eq!(beginning.disturbance(&later(), &scope), None);
        fs::write(outside.join("new"), "").unwrap();
        assert_eq!(beginning.disturbance(&later(), &scope), Some(outside.join("new")));
        fs::remove_file(outside.join("new")).unwrap();
        fs::write(project.root.join("lib/a.ex"), "z").unwrap();
        assert_eq!(beginning.disturbance(&later(), &scope), Some(project.root.join("lib/a.ex")));
        fs::remove_file(project.root.join("lib/a.ex")).unwrap();
        assert_eq!(beginning.disturbance(&later(), &scope), Some(project.root.join("lib/a.ex")));
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
