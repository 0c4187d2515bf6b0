//! One start, or end, of a system at a time.
//!
//! Between the question whether a system runs and the state file that says so lie a cookie, a configuration and the start of
//! the virtual machine. Two starts at once would both find nothing, the second would take away the first one's cookie, and
//! without EPMD both would run. So a file beside the state file is locked for that moment.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::thread::sleep;
use std::time::Duration;

use node::Deadline;

use crate::distribution::Distribution;
use crate::environment::Environment;
use crate::private_file;
use crate::state::{is_trusted, path_of};

/// How long a start waits for another one: `daemon` waits for the system in the background meanwhile.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an end waits for a start. A state file that stays counts as none.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The lock. It ends with this value, or the process.
#[derive(Debug)]
pub(crate) struct StartLock {
    _file: File,
}

impl StartLock {
    /// For a start.
    pub(crate) fn for_start(environment: &Environment) -> Option<Self> {
        Self::acquire(environment, START_TIMEOUT)
    }

    /// For the end of a system.
    pub(crate) fn for_stop(environment: &Environment) -> Option<Self> {
        Self::acquire(environment, STOP_TIMEOUT)
    }

    /// A start goes on without the lock where there can be none: on a file system without locks, in a directory of another
    /// user.
    /// Systems without distribution have no names, and any number of them may run.
    fn acquire(environment: &Environment, timeout: Duration) -> Option<Self> {
        let distribution = Distribution::from_environment(environment).ok()?;
        if distribution == Distribution::None {
            return None;
        }
        let path = path_of(environment, "lock")?;
        let _ = private_file::create_directory(&environment.path("RELEASE_TMP"));
        // RELEASE_TMP may be a directory for everybody: no link is followed, no file of another user is waited for.
        let mut options = OpenOptions::new();
        options.write(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = options.open(path).ok().filter(|file| is_trusted(file, environment))?;
        let deadline = Deadline::after(timeout);
        loop {
            match (file.try_lock(), deadline.remaining()) {
                (Ok(()), _) => return Some(Self { _file: file }),
                (Err(TryLockError::WouldBlock), Some(left)) => sleep(left.min(POLL_INTERVAL)),
                (Err(_), _) => return None,
            }
        }
    }
}
