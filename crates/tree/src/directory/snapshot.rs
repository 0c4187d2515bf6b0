//! What a directory looked like, to see later what has been changed in it.
//!
//! Custom steps of a project write into a release that has files of the running system in it. The change time of an inode
//! tells both apart: no program can set it back.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use camino::Utf8Path;

use super::error::{At, DirectoryError};
use super::staging::Identity;

/// Everything below a directory at one moment.
#[derive(Debug, Default)]
pub struct Snapshot(HashMap<PathBuf, State>);

/// Device and inode, and when the inode was changed (seconds and nanoseconds).
type State = (Identity, (i64, i64));

impl Snapshot {
    /// Of a directory. One that is not there is empty.
    ///
    /// # Errors
    ///
    /// When something in it cannot be looked at.
    pub fn take(root: &Utf8Path) -> Result<Self, DirectoryError> {
        let mut states = HashMap::new();
        walk(root.as_std_path(), &mut |path, metadata| {
            if !metadata.is_dir() {
                states.insert(path, state(metadata));
            }
        })?;
        Ok(Self(states))
    }

    /// The files and links that are there now and were not, or not like this. Relative, in no order.
    ///
    /// # Errors
    ///
    /// When something in the directory cannot be looked at.
    pub fn changes(&self, root: &Utf8Path) -> Result<Vec<PathBuf>, DirectoryError> {
        let mut changed = Vec::new();
        walk(root.as_std_path(), &mut |path, metadata| {
            if !metadata.is_dir() && self.0.get(&path) != Some(&state(metadata)) {
                changed.push(path);
            }
        })?;
        Ok(changed)
    }
}

fn state(metadata: &fs::Metadata) -> State {
    ((metadata.dev(), metadata.ino()), (metadata.ctime(), metadata.ctime_nsec()))
}

/// Everything below a directory, links not followed; a directory before what it holds. What vanishes meanwhile was not
/// there.
pub(super) fn walk(root: &Path, visit: &mut dyn FnMut(PathBuf, &fs::Metadata)) -> Result<(), DirectoryError> {
    let mut left = vec![PathBuf::new()];
    while let Some(directory) = left.pop() {
        let here = root.join(&directory);
        let entries = match fs::read_dir(&here) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.at("list", &here)?,
        };
        for entry in entries {
            let entry = entry.at("list", &here)?;
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                // A file that is left out here would be taken for one of the release's own later.
                metadata => metadata.at("look at", entry.path())?,
            };
            let path = directory.join(entry.file_name());
            if metadata.is_dir() {
                left.push(path.clone());
            }
            visit(path, &metadata);
        }
    }
    Ok(())
}
