//! What `run_erl` needs when it takes a system to the background.
//!
//! It reports errors to the log of the machine, if at all, so whatever would make it fail is checked first.

#![allow(unsafe_code, reason = "what a process does with a signal is a system call that std does not have")]

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::environment::env_var;
use crate::failure::Failure;
use crate::temporary_directory::is_writable;

/// The limits of its logs. It takes `1MB` for one byte, and writes beyond its own table for more generations
/// than that.
const LOG_LIMITS: [(&str, i32, i32); 2] =
    [("RUN_ERL_LOG_MAXSIZE", 1_000, i32::MAX), ("RUN_ERL_LOG_GENERATIONS", 2, 1_000)];

/// A pipe without a reader is stale when it is older than this: `run_erl` makes its pipe a moment before it opens it.
const STALE: Duration = Duration::from_secs(5);

/// Makes a directory, which has to be writable.
pub(crate) fn create_directory(path: &Path) -> Result<(), Failure> {
    let created = std::fs::create_dir_all(path).and_then(|()| {
        if is_writable(path) { Ok(()) } else { Err(std::io::ErrorKind::PermissionDenied.into()) }
    });
    created.map_err(|error| {
        Failure::cannot("write to", path.display(), error)
            .hint("RELEASE_TMP has to be a directory that the system may write to")
    })
}

/// Whether the variables for the logs say something that it understands.
pub(crate) fn check_log_limits() -> Result<(), Failure> {
    for (name, least, most) in LOG_LIMITS {
        let Some(value) = env_var(name) else { continue };
        let number = value.to_str().and_then(|text| text.parse::<i32>().ok());
        if !number.is_some_and(|number| (least..=most).contains(&number)) {
            return Err(Failure::new(format!("{name} is `{}`", value.display()))
                .hint(format!("it has to be a number from {least} to {most}")));
        }
    }
    Ok(())
}

/// Removes the pipes of systems that have not ended in an orderly way: a terminal that is attached to one waits for ever.
pub(crate) fn remove_stale_pipes(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for name in entries.flatten().map(|entry| entry.file_name()) {
        if let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".w"))
            && stem.starts_with("erlang.pipe.")
            && is_stale(&directory.join(&name))
        {
            for end in [&name, &OsString::from(format!("{stem}.r"))] {
                let _ = std::fs::remove_file(directory.join(end));
            }
        }
    }
}

/// The log that was written last.
pub(crate) fn newest_log(directory: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?.flatten();
    let logs = entries.filter(|entry| entry.file_name().as_bytes().starts_with(b"erlang.log."));
    logs.max_by_key(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok())
        .map(|entry| entry.path())
}

/// Whether a pipe has had no reader for long.
fn is_stale(path: &Path) -> bool {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return false };
    let age = metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
    metadata.file_type().is_fifo()
        && age.is_some_and(|age| age > STALE)
        && OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
            .open(path)
            .is_err_and(|error| error.raw_os_error() == Some(libc::ENXIO))
}

/// Ignores the hangup of the terminal from now on. `run_erl` does that as well, but only when it has left the session of
/// the terminal; one that is closed at once (`ssh HOST bin/NAME daemon`) would end it before. And restores the default
/// action for SIGCHLD, which is inherited: without it the end of `run_erl` could not be waited for.
pub(crate) fn prepare_signals() {
    // SAFETY: no handler is installed; the actions are inherited by what this process starts.
    unsafe {
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
    };
}
