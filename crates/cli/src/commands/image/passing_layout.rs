//! A layout of an image that is only passed on, to an engine or a registry.
//!
//! It is removed when that is done. A run that is killed leaves it, and an image is large: so it lies in the cache, under a
//! lock that ends with its process (`flock(2)`, on the directory itself), and the next run removes what nobody has locked.

use std::os::unix::fs::MetadataExt;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;
use tempfile::TempDir;
use tree::file::create_directories;

use crate::cache_directory;

/// Such a layout. Dropping it removes it.
pub(super) struct PassingLayout {
    directory: TempDir,
    _lock: File,
}

impl PassingLayout {
    /// Creates a directory for one, and removes those of processes that are gone.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub(super) fn create() -> anyhow::Result<Self> {
        match cache_directory::find() {
            Some(cache) => Self::create_in(&cache.join("passing")),
            None => {
                Self::create_in(Utf8Path::from_path(&std::env::temp_dir()).context("TMPDIR is not UTF-8")?)
            }
        }
    }

    fn create_in(parent: &Utf8Path) -> anyhow::Result<Self> {
        create_directories(parent).with_context(|| format!("cannot create the directory `{parent}`"))?;
        remove_abandoned(parent);
        let cannot = || format!("cannot create a directory in `{parent}`");
        loop {
            let directory =
                tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent).with_context(cannot)?;
            let lock = File::open(directory.path()).with_context(cannot)?;
            // A file system without locks: then those of others are not removed either.
            let _ = lock.file().try_lock();
            // Between creation and lock another process may have taken it for abandoned.
            if lock.metadata()?.nlink() > 0 {
                return Ok(Self { directory, _lock: lock });
            }
        }
    }

    /// The directory of the layout.
    pub(super) fn path(&self) -> anyhow::Result<Utf8PathBuf> {
        let path = Utf8Path::from_path(self.directory.path()).context("the cache's path is not UTF-8")?;
        Ok(path.join("image"))
    }
}

/// How the name of each begins.
const PREFIX: &str = "beamship-image-";

/// Removes what nobody has locked. What cannot be removed only takes space.
fn remove_abandoned(parent: &Utf8Path) {
    for entry in parent.read_dir_utf8().into_iter().flatten().flatten() {
        let is_one =
            entry.file_name().starts_with(PREFIX) && entry.file_type().is_ok_and(|kind| kind.is_dir());
        // Opening something else may wait for ever: it is a directory that everybody puts something into.
        if !is_one {
            continue;
        }
        let Ok(directory) = File::open(entry.path()) else { continue };
        if directory.file().try_lock().is_ok() {
            let _ = fs_err::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_of_the_dead_are_removed_and_those_of_the_living_stay() {
        let parent = tempfile::tempdir().unwrap();
        let parent = Utf8Path::from_path(parent.path()).unwrap();
        let living = PassingLayout::create_in(parent).unwrap();
        fs_err::create_dir(living.path().unwrap()).unwrap();
        // A killed process leaves a directory that nobody has locked.
        let dead = parent.join(format!("{PREFIX}dead"));
        fs_err::create_dir_all(dead.join("image/blobs")).unwrap();
        let other = parent.join("other");
        fs_err::create_dir(&other).unwrap();
        let next = PassingLayout::create_in(parent).unwrap();
        assert!(!dead.exists());
        assert!(other.exists() && living.path().unwrap().exists());
        let path = next.path().unwrap();
        drop(next);
        assert!(!path.parent().unwrap().exists());
    }

    /// Without a cache directory it is `TMPDIR`: opening a pipe of somebody else's there waited for ever.
    #[test]
    fn pipes_of_others_are_not_opened() {
        let parent = tempfile::tempdir().unwrap();
        let parent = Utf8Path::from_path(parent.path()).unwrap();
        for name in ["pipe".to_owned(), format!("{PREFIX}pipe")] {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mkfifoat(rustix::fs::CWD, parent.join(name).as_std_path(), mode).unwrap();
        }
        let (done, is_done) = std::sync::mpsc::channel();
        let directory = parent.to_owned();
        std::thread::spawn(move || done.send(PassingLayout::create_in(&directory).map(drop).is_ok()));
        assert_eq!(is_done.recv_timeout(std::time::Duration::from_secs(60)), Ok(true));
    }
}
