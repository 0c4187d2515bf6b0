//! The directories that the system writes to: whether it may, and how much space there is.

#![allow(unsafe_code, reason = "statvfs(3) is a call that std does not have")]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use diagnosis::Findings;

use super::{DoctorContext, size};
use crate::distribution::Distribution;
use crate::environment::env_var;
use crate::exposure::without_epmd;
use crate::temporary_directory::is_writable;

/// With less than this logs and crash dumps are soon truncated, in bytes.
const LOW_SPACE: u64 = 200_000_000;

/// With less than this even small files cannot be written.
const NO_SPACE: u64 = 1_000_000;

pub(super) fn check(context: &DoctorContext<'_>, findings: &mut Findings) {
    let directory = context.environment.path("RELEASE_TMP");
    writable(context, &directory, findings);
    let temporary = PathBuf::from(env_var("TMPDIR").unwrap_or_else(|| "/tmp".into()));
    if temporary.is_dir() && is_writable(&temporary) {
        findings.detail("tmp", format_args!("{} can be written to", temporary.display()));
    } else {
        findings.warning(
            "tmp",
            format_args!(
                "{} cannot be written to: uploads, and what else needs temporary files, fail",
                temporary.display()
            ),
            format_args!("mount a directory there (in a container: a tmpfs), or set TMPDIR"),
        );
    };
    if let Some(existing) = existing(&directory) {
        space(existing, findings);
    }
}

/// The directory itself, or the one in which it would be made.
fn existing(directory: &Path) -> Option<&Path> {
    directory.ancestors().find(|path| path.exists())
}

fn writable(context: &DoctorContext<'_>, directory: &Path, findings: &mut Findings) {
    let check = "release_tmp";
    if existing(directory).is_some_and(|path| path.is_dir() && is_writable(path)) {
        findings.ok(check, format_args!("{} can be written to", directory.display()));
        return;
    }
    let has_cookie = crate::cookie::file(context.release, context.environment).is_some()
        || env_var("RELEASE_COOKIE").is_some();
    let is_node = context.distribution.as_ref().is_some_and(|it| *it != Distribution::None);
    let reason = if context.configuration.as_ref().is_some_and(|it| it.reboots) {
        Some("the configuration is computed at start, and stored there")
    } else if is_node && without_epmd().unwrap_or(false) {
        Some("with RELEASE_EPMD=none control commands find the system through it")
    } else if is_node && !has_cookie {
        Some("the release has no cookie, and a start stores its own there")
    } else {
        None
    };
    let remedy = "set RELEASE_TMP to a directory that the user of the system may write to";
    match reason {
        Some(reason) => findings.error(
            check,
            format_args!(
                "{} cannot be written to, and the system does not start: {reason}",
                directory.display()
            ),
            format_args!("{remedy}"),
        ),
        None => findings.warning(
            check,
            format_args!("{} cannot be written to: `daemon` does not work", directory.display()),
            format_args!("{remedy}"),
        ),
    }
}

fn space(path: &Path, findings: &mut Findings) {
    let check = "disk_space";
    let Some(free) = free(path) else { return };
    let message = format!("{} free for {}", size(free), path.display());
    let remedy = "free some space, or set RELEASE_TMP to a directory that has more";
    match free {
        0..NO_SPACE => findings.error(check, format_args!("{message}"), format_args!("{remedy}")),
        NO_SPACE..LOW_SPACE => findings.warning(check, format_args!("{message}"), format_args!("{remedy}")),
        _ => findings.ok(check, format_args!("{message}")),
    }
}

/// What this user may still write there, in bytes.
fn free(path: &Path) -> Option<u64> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: the structure is plain numbers; the path ends with NUL, and both outlive the call.
    let (result, found) = unsafe {
        let mut found: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &raw mut found), found)
    };
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "the types are others on 32 bits")]
    // A file system without blocks (`/proc`) stores nothing.
    (result == 0 && found.f_blocks > 0).then(|| (found.f_bavail as u64).saturating_mul(found.f_frsize as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_is_known_where_there_is_a_file_system() {
        assert!(free(Path::new("/")).is_some());
        assert_eq!(free(Path::new("/nonexistent")), None);
        assert_eq!(existing(Path::new("/proc/nonexistent/x")), Some(Path::new("/proc")));
    }
}
