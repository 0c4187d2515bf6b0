//! Removing a directory that only we can reach.
//!
//! `std::fs::remove_dir_all` guards against others who exchange directories for links meanwhile, and keeps a file open per
//! level for that. Here everything is inside a directory of mode 0700, so it can be simple and parallel, and it still
//! works when there are no open files left, which may be why we are removing.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::error::{At, DirectoryError};
use super::staging::set_mode;

/// Removes a directory with everything in it, read-only directories included; fine when there is none.
pub(super) fn remove_tree(root: &Path) -> Result<(), DirectoryError> {
    let (mut directories, mut files) = (vec![root.to_owned()], Vec::new());
    let mut listed = 0;
    while let Some(directory) = directories.get(listed).cloned() {
        listed += 1;
        for (path, is_directory) in list(&directory).at("list", &directory)? {
            if is_directory { &mut directories } else { &mut files }.push(path);
        }
    }
    let remove = |path: &PathBuf, how: fn(&Path) -> io::Result<()>| {
        let parent = path.parent().unwrap_or(path);
        gone_is_fine(writable(parent, || how(path))).at("remove", path)
    };
    files.par_iter().try_for_each(|path| remove(path, |path| fs::remove_file(path)))?;
    directories.iter().rev().try_for_each(|path| remove(path, |path| fs::remove_dir(path)))
}

/// The entries of a directory, and whether each is a directory. The directory is closed again.
fn list(directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let entries = match writable(directory, || fs::read_dir(directory)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?.is_dir())))).collect()
}

/// Tries something in a directory; when that is not permitted, makes it our own directory's business and tries again.
fn writable<T>(directory: &Path, action: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match action() {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && set_mode(directory, 0o700).is_ok() => {
            action()
        }
        result => result,
    }
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
