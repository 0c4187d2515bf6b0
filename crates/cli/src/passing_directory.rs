//! A directory for as long as a command runs.
//!
//! A run that is killed leaves it. So it lies under a lock that ends with its process (`flock(2)`, on the directory itself),
//! and the next run removes what nobody has locked.

use std::os::unix::fs::MetadataExt;

use anyhow::Context;
use camino::Utf8Path;
use fs_err::File;
use tempfile::TempDir;
use tree::file::create_directories;

/// Such a directory. Dropping it removes it.
pub(crate) struct PassingDirectory {
    directory: TempDir,
    _lock: File,
}

impl PassingDirectory {
    /// Creates one whose name begins with this prefix, which nothing else has there, and removes those of processes that are
    /// gone.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub(crate) fn create(parent: &Utf8Path, prefix: &str) -> anyhow::Result<Self> {
        create_directories(parent).with_context(|| format!("cannot create the directory `{parent}`"))?;
        remove_abandoned(parent, prefix);
        let cannot = || format!("cannot create a directory in `{parent}`");
        loop {
            let directory =
                tempfile::Builder::new().prefix(prefix).tempdir_in(parent).with_context(cannot)?;
            let lock = File::open(directory.path()).with_context(cannot)?;
            // A file system without locks: then those of others are not removed either.
            let _ = lock.file().try_lock();
            // Between creation and lock another process may have taken it for abandoned.
            if lock.metadata()?.nlink() > 0 {
                return Ok(Self { directory, _lock: lock });
            }
        }
    }

    /// Creates one where temporary files are.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub(crate) fn create_temporary(prefix: &str) -> anyhow::Result<Self> {
        let parent = std::env::temp_dir();
        Self::create(Utf8Path::from_path(&parent).context("TMPDIR is not UTF-8")?, prefix)
    }

    /// Where it is.
    ///
    /// # Errors
    ///
    /// When its path is not UTF-8.
    pub(crate) fn path(&self) -> anyhow::Result<&Utf8Path> {
        Utf8Path::from_path(self.directory.path()).context("the path of the temporary directory is not UTF-8")
    }
}

/// Removes what nobody has locked. What cannot be removed only takes space.
fn remove_abandoned(parent: &Utf8Path, prefix: &str) {
    for entry in parent.read_dir_utf8().into_iter().flatten().flatten() {
        let is_one =
            entry.file_name().starts_with(prefix) && entry.file_type().is_ok_and(|kind| kind.is_dir());
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

    const PREFIX: &str = "beamship-passing-";

    #[test]
    fn directories_of_the_dead_are_removed_and_those_of_the_living_stay() {
        let parent = tempfile::tempdir().unwrap();
        let parent = Utf8Path::from_path(parent.path()).unwrap();
        let living = PassingDirectory::create(parent, PREFIX).unwrap();
        // A killed process leaves a directory that nobody has locked.
        let dead = parent.join(format!("{PREFIX}dead"));
        fs_err::create_dir_all(dead.join("image/blobs")).unwrap();
        let other = parent.join("other");
        fs_err::create_dir(&other).unwrap();
        let next = PassingDirectory::create(parent, PREFIX).unwrap();
        assert!(!dead.exists());
        assert!(other.exists() && living.path().unwrap().exists());
        let path = next.path().unwrap().to_owned();
        drop(next);
        assert!(!path.exists());
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
        std::thread::spawn(move || done.send(PassingDirectory::create(&directory, PREFIX).map(drop).is_ok()));
        assert_eq!(is_done.recv_timeout(std::time::Duration::from_secs(60)), Ok(true));
    }
}
