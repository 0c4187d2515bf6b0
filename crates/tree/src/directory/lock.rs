//! One build at a time writes to a target.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use camino::Utf8PathBuf;
use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, retry_on_intr};

use super::error::{At, DirectoryError};
use super::target::Target;
use crate::Progress;

/// A lock on a file beside the target, held until it is dropped. The kernel gives it back when the process dies.
///
/// Whoever holds it is the only one who creates, publishes or removes anything beside the target: what is found there
/// from earlier runs belongs to processes that are gone.
pub(super) struct TargetLock {
    path: Utf8PathBuf,
    _file: File,
}

impl TargetLock {
    /// Takes the lock, waiting for another build where there is one.
    pub(super) fn acquire(target: &Target, progress: &dyn Progress) -> Result<Self, DirectoryError> {
        let path = target.beside("lock");
        let mut told = false;
        loop {
            let file = fs::OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
                .open(&path)
                .at("create lock file", &path)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    if !told {
                        progress
                            .message(&format!("waiting for another build that writes to `{}`", target.path));
                        told = true;
                    }
                    retry_on_intr(|| flock(&file, FlockOperation::LockExclusive)).at("lock", &path)?;
                }
                Err(error) => return Err(error).at("lock", &path),
            }
            // The one before us removed the file when it was done: then this is a lock on nothing, and the next one may
            // already hold the lock on a new file of the same name.
            let ours = file.metadata().at("look at", &path)?;
            let named = fs::symlink_metadata(&path);
            if named.is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino())) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for TargetLock {
    fn drop(&mut self) {
        // While it is still held, so that nobody can have locked this very file in between. An empty file that stays
        // does no harm.
        let _ = fs::remove_file(&self.path);
    }
}
