//! One start, or end, of a system at a time.
//!
//! Between the question whether a system runs and the state file that says so lie a cookie, a configuration and the start of
//! the virtual machine. Two starts at once would both find nothing, the second would take away the first one's cookie, and
//! without EPMD both would run. So the directory that both write to is locked for that moment.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::thread::sleep;
use std::time::Duration;

use node::Deadline;

use crate::distribution::Distribution;
use crate::environment::Environment;
use crate::failure::Failure;

/// How long it may take another one: `daemon` waits for the system in the background meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

const INTERVAL: Duration = Duration::from_millis(10);

/// The lock. It ends with this value, or the process.
#[derive(Debug)]
pub(crate) struct StartLock {
    /// `RELEASE_TMP`; none where it cannot be locked: on a file system without locks, or in a place of somebody else's.
    _directory: Option<File>,
}

impl StartLock {
    /// For a start. Systems without distribution have no names, and any number of them may run.
    pub(crate) fn for_start(environment: &Environment) -> Result<Option<Self>, Failure> {
        let has_name = Distribution::from_environment(environment)? != Distribution::None;
        Ok(has_name.then(|| Self::acquire(environment)))
    }

    /// Waits for it. Without it things go on as well, only less surely.
    pub(crate) fn acquire(environment: &Environment) -> Self {
        let path = environment.path("RELEASE_TMP");
        let _ = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        let deadline = Deadline::after(PATIENCE);
        let directory = File::open(path).ok().filter(|directory| {
            loop {
                match (directory.try_lock(), deadline.remaining()) {
                    (Ok(()), _) => break true,
                    (Err(std::fs::TryLockError::WouldBlock), Some(left)) => sleep(left.min(INTERVAL)),
                    (Err(_), _) => break false,
                }
            }
        });
        Self { _directory: directory }
    }
}
