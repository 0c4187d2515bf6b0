//! What stands on the disk, so that it can be compared.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

/// Every path below a directory (or one file), with its mode and a hash of its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Artefact(pub(crate) BTreeMap<Utf8PathBuf, (u32, u64)>);

impl Artefact {
    /// What stands at a path; nothing when nothing does.
    pub(crate) fn at(path: &Utf8Path) -> Self {
        let mut found = Self::default();
        found.add(path, Utf8Path::new(""));
        found
    }

    /// Adds another one as if it were one file.
    pub(crate) fn add_whole(&mut self, name: &str, other: &Self) {
        let mut hash = DefaultHasher::new();
        other.0.hash(&mut hash);
        self.0.insert(name.into(), (0, hash.finish()));
    }

    /// Adds something that is so or not.
    pub(crate) fn add_note(&mut self, name: &str, is_so: bool) {
        self.0.insert(name.into(), (0, u64::from(is_so)));
    }

    fn add(&mut self, root: &Utf8Path, relative: &Utf8Path) {
        let path = if relative.as_str().is_empty() { root.to_owned() } else { root.join(relative) };
        let Ok(metadata) = path.symlink_metadata() else { return };
        let mut hash = DefaultHasher::new();
        if metadata.is_symlink() {
            path.read_link_utf8().unwrap().hash(&mut hash);
        } else if metadata.is_file() {
            std::fs::read(&path).unwrap().hash(&mut hash);
        } else if metadata.is_dir() {
            for entry in path.read_dir_utf8().unwrap() {
                self.add(root, &relative.join(entry.unwrap().file_name()));
            }
        }
        self.0.insert(relative.to_owned(), (metadata.permissions().mode(), hash.finish()));
    }

    /// In what two differ, for people.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let paths =
            self.0.keys().chain(other.0.keys()).filter(|path| self.0.get(*path) != other.0.get(*path));
        let mut lines: Vec<String> =
            paths.map(|path| format!("{path}: {:?} {:?}", self.0.get(path), other.0.get(path))).collect();
        lines.sort();
        lines.dedup();
        lines.truncate(20);
        lines.join("\n")
    }
}
