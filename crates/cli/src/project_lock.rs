//! One build of a project at a time.
//!
//! Mix writes into `_build` and `deps`, bundlers into `priv/static`, and neither expects anybody else to do so: two builds
//! at once read what the other one is just removing. So a build has the directory of its project locked, and the next one
//! waits for it. The lock is `flock(2)`'s, on the directory itself: there is no file to leave behind, and it ends with
//! the process that has it, however that ends.

use std::fs::TryLockError;

use camino::Utf8Path;
use fs_err::File;

use crate::printer::Printer;

/// Held by a build, from before it reads anything until all is written.
#[derive(Debug)]
pub(crate) struct ProjectLock {
    _directory: Option<File>,
}

impl ProjectLock {
    /// Waits until no other build of this project runs. File systems that know no locks do without: then two builds at once
    /// may make one of them fail.
    pub(crate) fn acquire(project: &Utf8Path, printer: &Printer) -> Self {
        let directory = File::open(project).ok();
        if let Some(directory) = &directory
            && matches!(directory.file().try_lock(), Err(TryLockError::WouldBlock))
        {
            printer.say("  waiting for another build of this project to end");
            let _ = directory.file().lock();
        }
        Self { _directory: directory }
    }
}
