//! Where a system keeps what it needs while it runs, when `RELEASE_TMP` is not set.
//!
//! Mix's script uses `tmp` in the release. Where that cannot be written to (a container with a read-only root file system, a
//! release that belongs to somebody else) it is a directory of this user's own in `/tmp` or `/dev/shm`, with a name that the
//! control commands find again. So others know it beforehand, too, and may have made it: it counts only when nobody but this
//! user can write to it (`docs/security.md`).

#![allow(unsafe_code, reason = "access(2) and geteuid(2) are system calls that std does not have")]

use std::ffi::CString;
use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::command::Command;

/// The directory of a release for a command. One that writes there finds it made.
pub(crate) fn find(root: &Path, name: &str, command: Option<Command>) -> PathBuf {
    let own = root.join("tmp");
    // The directory itself may be a volume; where there is none, it is made. Who can write there is up to whoever has
    // installed the release.
    if is_writable(if own.exists() { &own } else { root }) {
        return own;
    }
    let parents = ["/tmp", "/dev/shm"].map(Path::new);
    // None can be written to: whatever has to write there fails, and names this one.
    below(&parents, name, command.is_some_and(Command::runs_here)).unwrap_or(own)
}

/// The directory of this user's own below one of these: the first that is there, or else the first that is possible.
fn below(parents: &[&Path], name: &str, is_made: bool) -> Option<PathBuf> {
    let name = format!("beamship-{}-{name}", user());
    let mut paths = parents.iter().map(|parent| parent.join(&name));
    let there = paths.clone().find(|path| is_private(path));
    there.or_else(|| {
        paths.find(|path| {
            if !is_made {
                return std::fs::symlink_metadata(path).is_err() && path.parent().is_some_and(is_writable);
            }
            // Somebody may have been faster: what is there then is what counts.
            let _ = DirBuilder::new().mode(0o700).create(path);
            is_private(path)
        })
    })
}

/// Whether nobody but this user can write to it. It stays so: nobody else may rename it or take it away, because its parent has
/// the sticky bit.
fn is_private(path: &Path) -> bool {
    let about = std::fs::symlink_metadata(path);
    about.is_ok_and(|about| about.is_dir() && about.uid() == user() && about.mode() & 0o022 == 0)
}

fn user() -> u32 {
    // SAFETY: it has no arguments and cannot fail.
    unsafe { libc::geteuid() }
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

    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    #[test]
    fn the_release_is_the_place_where_it_can_be() {
        let directory = tempfile::tempdir().unwrap();
        let expected = directory.path().join("tmp");
        assert_eq!(find(directory.path(), "demo", Some(Command::Start)), expected);
        assert!(!expected.exists());
        // What an operator has put there is as it should be: a volume of a container may be everybody's.
        make(&expected, 0o777);
        assert_eq!(find(directory.path(), "demo", Some(Command::Start)), expected);
        // Nobody can write there, not even root.
        assert!(!is_writable(Path::new("/proc/self")));
    }

    /// Two parents, and the directory in the first one.
    fn places(test: impl FnOnce([&Path; 2], &Path)) {
        let directory = tempfile::tempdir().unwrap();
        let parents = ["first", "second"].map(|name| directory.path().join(name));
        for parent in &parents {
            std::fs::create_dir(parent).unwrap();
        }
        let path = parents[0].join(format!("beamship-{}-demo", user()));
        test([&parents[0], &parents[1]], &path);
    }

    #[test]
    fn a_start_makes_what_other_commands_only_look_for() {
        places(|parents, path| {
            for _ in 0..2 {
                assert_eq!(below(&parents, "demo", false).unwrap(), path);
                assert!(!path.exists());
            }
            for is_made in [true, true, false] {
                assert_eq!(below(&parents, "demo", is_made).unwrap(), path);
                assert_eq!(std::fs::metadata(path).unwrap().mode() & 0o777, 0o700);
            }
            // Others may look into it, as far as somebody has allowed that.
            std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
            assert_eq!(below(&parents, "demo", true).unwrap(), path);
            assert!(std::fs::read_dir(parents[1]).unwrap().next().is_none());
        });
        assert_eq!(below(&[Path::new("/proc/self")], "demo", true), None);
        assert_eq!(below(&[Path::new("/proc/self")], "demo", false), None);
    }

    type Prepare = fn(&Path);

    /// The cookie was put into a directory that others could write to, when it belonged to this user.
    #[test]
    fn what_others_may_have_prepared_is_passed_over() {
        let prepared: [(_, Prepare); 6] = [
            ("for everybody", |path| make(path, 0o777)),
            ("for everybody, with the sticky bit", |path| make(path, 0o1777)),
            ("for a group", |path| make(path, 0o770)),
            ("a link", |path| symlink(std::env::temp_dir(), path).unwrap()),
            ("a link to nothing", |path| symlink(path.with_file_name("missing"), path).unwrap()),
            ("a file", |path| std::fs::write(path, "").unwrap()),
        ];
        for (what, prepare) in prepared {
            passed_over(what, prepare);
        }
    }

    #[test]
    fn what_belongs_to_somebody_else_is_passed_over() {
        if user() != 0 {
            testing::skip("only root can give a directory away");
            return;
        }
        passed_over("somebody else's", |path| {
            make(path, 0o700);
            chown(path, Some(65534), None).unwrap();
        });
    }

    fn make(path: &Path, mode: u32) {
        std::fs::create_dir(path).unwrap();
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// By a start and by its control commands, so that these find the system.
    fn passed_over(what: &str, prepare: impl Fn(&Path)) {
        places(|parents, path| {
            prepare(path);
            let before = std::fs::symlink_metadata(path).unwrap();
            let other = parents[1].join(path.file_name().unwrap());
            for is_made in [false, true, false] {
                assert_eq!(below(&parents, "demo", is_made).unwrap(), other, "{what}");
            }
            assert_eq!(std::fs::metadata(&other).unwrap().mode() & 0o777, 0o700, "{what}");
            let after = std::fs::symlink_metadata(path).unwrap();
            assert_eq!(
                (before.mode(), before.uid(), before.mtime()),
                (after.mode(), after.uid(), after.mtime())
            );
            assert!(!path.with_file_name("missing").exists(), "{what}");
            assert_eq!(below(&parents[..1], "demo", true), None, "{what}");
            // Commands find what was started meanwhile, and so does the next start.
            let away =
                if path.is_dir() && !path.is_symlink() { std::fs::remove_dir } else { std::fs::remove_file };
            away(path).unwrap();
            for is_made in [false, true] {
                assert_eq!(below(&parents, "demo", is_made).unwrap(), other, "{what}");
            }
        });
    }
}
