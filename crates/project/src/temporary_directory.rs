//! The directory through which a virtual machine is started: with a socket, and what it loads first.
//!
//! It is there for less than a second. A process that is killed in that time leaves it, or one that cannot remove it: the next
//! one does. It knows the living ones by a lock that ends with their process (`flock(2)`, on the directory itself). As the
//! place is everybody's, only directories of this user are touched, and nothing in them but the files that we put there.

use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;
use tempfile::TempDir;

/// How the name of each begins; six random characters follow.
const PREFIX: &str = "beamship-vm-";
const RANDOM: usize = 6;

/// `sockaddr_un.sun_path` holds 108 bytes on Linux and 104 on macOS, with the terminating zero.
const SOCKET_PATH_BYTES: usize = 103;

/// Names of what may be in it.
pub(crate) const SOCKET: &str = "socket";
pub(crate) const BRIDGE: &str = "bridge.ex";
pub(crate) const PRELOAD: &str = "beamship_preload.beam";

/// Such a directory, which only this user can enter, with a path short enough for a socket. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct TemporaryDirectory {
    directory: TempDir,
    _lock: File,
}

impl TemporaryDirectory {
    /// Where directories are created.
    pub(crate) fn place() -> Utf8PathBuf {
        let preferred = std::env::temp_dir();
        let longest = preferred.as_os_str().len() + format!("/{PREFIX}123456/{SOCKET}").len();
        match Utf8PathBuf::from_path_buf(preferred) {
            Ok(place) if longest <= SOCKET_PATH_BYTES => place,
            _ => "/tmp".into(),
        }
    }

    /// Creates one.
    pub(crate) fn create(place: &Utf8Path) -> io::Result<Self> {
        loop {
            let directory = tempfile::Builder::new().prefix(PREFIX).rand_bytes(RANDOM).tempdir_in(place)?;
            let lock = File::open(directory.path())?;
            // Between creation and lock another process may have taken it for abandoned. (Where there are no locks nobody
            // removes those of others either.)
            let is_taken = matches!(lock.file().try_lock(), Err(TryLockError::WouldBlock));
            if !is_taken && lock.metadata()?.nlink() > 0 {
                return Ok(Self { directory, _lock: lock });
            }
        }
    }

    /// Its path. The random characters are letters and digits.
    pub(crate) fn path(&self, place: &Utf8Path) -> Utf8PathBuf {
        place.join(self.directory.path().file_name().unwrap_or_default().to_string_lossy().as_ref())
    }
}

/// Removes those that nobody has locked. What cannot be removed only takes space.
pub(crate) fn remove_abandoned(place: &Utf8Path) {
    for entry in place.read_dir_utf8().into_iter().flatten().flatten() {
        let is_one = entry.file_name().strip_prefix(PREFIX).is_some_and(|random| random.len() == RANDOM)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_one {
            let _ = remove(entry.path());
        }
    }
}

/// Removes one, unless it is somebody's: another user's, one in use, or one that holds something else.
fn remove(path: &Utf8Path) -> io::Result<()> {
    let directory = File::open(path)?;
    let metadata = directory.metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() || directory.file().try_lock().is_err() {
        return Ok(());
    }
    let known = [SOCKET, BRIDGE, PRELOAD];
    let names: Vec<String> = path
        .read_dir_utf8()?
        .map(|entry| entry.map(|entry| entry.file_name().to_owned()))
        .collect::<io::Result<_>>()?;
    if names.iter().all(|name| known.contains(&name.as_str())) {
        for name in names {
            fs_err::remove_file(path.join(name))?;
        }
        fs_err::remove_dir(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(place: &Utf8Path) -> Vec<String> {
        let mut names: Vec<String> =
            place.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn those_of_the_dead_are_removed_and_everything_else_stays() {
        let directory = tempfile::tempdir().unwrap();
        let place = Utf8Path::from_path(directory.path()).unwrap();
        let living = TemporaryDirectory::create(place).unwrap();
        let alive = living.path(place).file_name().unwrap().to_owned();
        // A process that is killed runs no destructor.
        let abandoned = |name: &str, files: &[&str]| {
            fs_err::create_dir(place.join(name)).unwrap();
            for file in files {
                fs_err::write(place.join(name).join(file), "").unwrap();
            }
        };
        abandoned("beamship-vm-abcdef", &[SOCKET, BRIDGE, PRELOAD]);
        abandoned("beamship-vm-ABCDEF", &[]);
        abandoned("beamship-vm-thesis", &[BRIDGE, "thesis.tex"]);
        abandoned("beamship-vm-backups", &[]);
        abandoned("beamship-backup", &[BRIDGE]);
        fs_err::write(place.join("beamship-vm-a_file"), "").unwrap();
        remove_abandoned(place);
        let mut expected = [
            "beamship-backup",
            "beamship-vm-a_file",
            "beamship-vm-backups",
            "beamship-vm-thesis",
            alive.as_str(),
        ];
        expected.sort_unstable();
        assert_eq!(names(place), expected);
        assert_eq!(names(&place.join("beamship-vm-thesis")), ["bridge.ex", "thesis.tex"]);
        drop(living);
        assert!(!names(place).contains(&alive));
    }
}
