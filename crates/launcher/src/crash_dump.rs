//! Where the virtual machine writes its crash dump.
//!
//! That is `ERL_CRASH_DUMP`, or `erl_crash.dump` in the current directory. Where that directory cannot be written to
//! (a container with a read-only root file system) there would be no dump: then it is in `RELEASE_TMP`. The virtual machine
//! names the file as the variable does; the launcher prints its absolute path.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::environment::{Environment, env_var};
use crate::temporary_directory::is_writable;
use crate::vm_arguments;

const VARIABLE: &str = "ERL_CRASH_DUMP";

/// The crash dump of a system that is about to be started.
#[derive(Debug)]
pub(crate) struct CrashDump {
    path: PathBuf,
    /// What was there before.
    before: Option<FileIdentity>,
}

/// What distinguishes one dump from the next one at the same path: inode, size, and the time of the last change.
type FileIdentity = (u64, u64, SystemTime);

impl CrashDump {
    /// Chooses the path, and hands it to the command of the system.
    pub(crate) fn prepare(environment: &Environment, command: &mut Command) -> Self {
        let directory = std::env::current_dir().unwrap_or_default();
        let named = vm_arguments::variable(environment, VARIABLE)
            .map(PathBuf::from)
            .or_else(|| env_var(VARIABLE).map(PathBuf::from));
        let path = named.unwrap_or_else(|| {
            let usual = directory.join("erl_crash.dump");
            if is_writable(if usual.exists() { &usual } else { &directory }) {
                return usual;
            }
            let path = environment.path("RELEASE_TMP").join("erl_crash.dump");
            command.env(VARIABLE, &path);
            path
        });
        let path = directory.join(path);
        Self { before: identity(&path), path }
    }

    /// When the system has ended: says where the dump is, if it has written one.
    pub(crate) fn report(&self) {
        let now = identity(&self.path);
        if now.is_some() && now != self.before {
            let note = format!("note: the crash dump of the virtual machine is `{}`\n", self.path.display());
            // Without stderr there is nobody to tell.
            let _ = std::io::stderr().write_all(note.as_bytes());
        }
    }
}

fn identity(path: &Path) -> Option<FileIdentity> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.len(), metadata.modified().ok()?))
}
