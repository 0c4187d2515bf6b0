//! Files that are written: each whole or not at all, and not when they are there already.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, flock};

use crate::error::AssetsError;

/// How names of unfinished files begin; walks leave out what begins with a dot.
const UNFINISHED: &str = ".beamship-digest-";

/// Creates a directory and those above it, unless it is there. `create_dir_all` alone says `File exists` of one that cannot
/// be looked at.
pub(crate) fn create_directory(path: &Utf8Path) -> std::io::Result<()> {
    match fs_err::metadata(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(metadata) if metadata.is_dir() => Ok(()),
        _ => fs_err::create_dir_all(path),
    }
}

/// A directory that one run at a time writes to.
pub(crate) struct Output {
    root: Utf8PathBuf,
    /// Directories that exist.
    ready: Mutex<BTreeSet<String>>,
    written: AtomicU64,
    // The kernel gives the lock back when the process ends, however it ends.
    _lock: fs_err::File,
}

impl Output {
    /// Waits until no other run writes to the directory. `waiting` is called when that takes a while.
    pub(crate) fn lock(root: &Utf8Path, waiting: &dyn Fn()) -> Result<Self, AssetsError> {
        let directory = fs_err::File::open(root)?;
        if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
            waiting();
            rustix::io::retry_on_intr(|| flock(&directory, FlockOperation::LockExclusive)).map_err(
                |error| std::io::Error::new(error.kind(), format!("cannot lock `{root}`: {error}")),
            )?;
        }
        let ready = Mutex::default();
        Ok(Self { root: root.to_owned(), ready, written: AtomicU64::new(0), _lock: directory })
    }

    pub(crate) fn path(&self, relative: &str) -> Utf8PathBuf {
        self.root.join(relative)
    }

    /// How many files were written so far.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether there is a file, which is no link.
    pub(crate) fn is_file(&self, relative: &str) -> bool {
        fs_err::symlink_metadata(self.path(relative)).is_ok_and(|metadata| metadata.is_file())
    }

    /// Whether a file has this content.
    pub(crate) fn has(&self, relative: &str, content: &[u8]) -> bool {
        let path = self.path(relative);
        let same_size = fs_err::symlink_metadata(&path)
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() == content.len() as u64);
        same_size && fs_err::read(&path).is_ok_and(|found| found == content)
    }

    /// Writes a file unless it is there with the same content.
    pub(crate) fn write(&self, relative: &str, content: &[u8]) -> Result<(), AssetsError> {
        if self.has(relative, content) {
            return Ok(());
        }
        let path = self.path(relative);
        let directory = self.directory(crate::name::directory(relative))?;
        let named = |error: std::io::Error| {
            std::io::Error::new(error.kind(), format!("cannot write `{path}`: {error}"))
        };
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&directory)?;
        file.write_all(content).map_err(named)?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(named)?;
        file.persist(&path).map_err(|error| named(error.error))?;
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, relative: &str) -> Result<bool, AssetsError> {
        match fs_err::remove_file(self.path(relative)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what killed runs have left unfinished, in all directories. This must be done before anything is written: by
    /// way of a link, a directory may be one that another thread is writing to.
    pub(crate) fn remove_unfinished(&self) -> Result<(), AssetsError> {
        let mut seen = BTreeSet::new();
        let mut open = vec![self.root.clone().into_std_path_buf()];
        while let Some(directory) = open.pop() {
            let metadata = fs_err::metadata(&directory)?;
            if !seen.insert((metadata.dev(), metadata.ino())) {
                continue;
            }
            for entry in fs_err::read_dir(&directory)? {
                let entry = entry?;
                let (name, kind) = (entry.file_name(), entry.file_type()?);
                if kind.is_file() && name.as_bytes().starts_with(UNFINISHED.as_bytes()) {
                    fs_err::remove_file(entry.path())?;
                // Nothing is written to hidden directories.
                } else if !name.as_bytes().starts_with(b".")
                    && (kind.is_dir() || kind.is_symlink() && entry.path().is_dir())
                {
                    open.push(entry.path());
                }
            }
        }
        Ok(())
    }

    /// Creates a directory.
    fn directory(&self, relative: &str) -> Result<Utf8PathBuf, AssetsError> {
        let path = if relative.is_empty() { self.root.clone() } else { self.root.join(relative) };
        let mut ready = self.ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !ready.contains(relative) {
            create_directory(&path)?;
            ready.insert(relative.to_owned());
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_being_written_is_not_removed_through_a_link_to_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap();
        fs_err::create_dir(root.join("css")).unwrap();
        std::os::unix::fs::symlink("css", root.join("style")).unwrap();
        let output = Output::lock(root, &|| {}).unwrap();
        let left = root.join("css").join(format!("{UNFINISHED}1"));
        fs_err::write(&left, "of a run that was killed").unwrap();
        output.remove_unfinished().unwrap();
        assert!(!left.exists());

        output.write("css/a.css", b"a").unwrap();
        fs_err::write(&left, "of another thread").unwrap();
        output.write("style/b.css", b"b").unwrap();
        assert!(left.exists());
    }
}
