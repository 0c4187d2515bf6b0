//! Where a system keeps what it needs while it runs, when `RELEASE_TMP` is not set.
//!
//! Mix's script uses `tmp` in the release. Where that cannot be written to (a container with a read-only root file system, a
//! release that belongs to somebody else) it is a directory of this user's own in `/tmp` or `/dev/shm`: the first that is
//! possible, so that the start and its control commands find the same.

#![allow(unsafe_code, reason = "access(2) is a system call that std does not have")]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The directory for a release.
pub(crate) fn find(root: &Path, name: &str) -> PathBuf {
    let own = root.join("tmp");
    // The directory itself may be a volume; where there is none, it is made.
    if is_writable(if own.exists() { &own } else { root }) {
        return own;
    }
    // SAFETY: it has no arguments and cannot fail.
    let user = unsafe { libc::geteuid() };
    let directory = format!("beamship-{user}-{name}");
    let mut others = ["/tmp", "/dev/shm"].map(Path::new).into_iter();
    let possible = others.find_map(|parent| {
        let path = parent.join(&directory);
        let is_own = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.is_dir() && metadata.uid() == user,
            Err(_) => is_writable(parent),
        };
        is_own.then_some(path)
    });
    // None can be written to: whatever has to write there fails, and names this one.
    possible.unwrap_or(own)
}

/// Whether this user may write to a file or directory that is there.
pub(crate) fn is_writable(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: the string ends with NUL and outlives the call.
    unsafe { libc::access(path.as_ptr(), libc::W_OK) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_the_place_where_it_can_be() {
        let directory = std::env::temp_dir();
        assert_eq!(find(&directory, "demo"), directory.join("tmp"));
        // SAFETY: as above.
        let user = unsafe { libc::geteuid() };
        assert_eq!(
            find(Path::new("/nonexistent/release"), "demo"),
            Path::new("/tmp").join(format!("beamship-{user}-demo"))
        );
        // Nobody can write there, not even root.
        assert!(!is_writable(Path::new("/proc/self")));
    }
}
