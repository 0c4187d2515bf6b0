//! One file that is written, whole or not at all.
//!
//! It is written beside its target under a private name, and takes the target's place in one step. A process that is
//! killed leaves the private file behind; the next one that writes to the same target removes it. To know that its writer
//! is gone, and not just slow, the writer holds a lock on it, which the kernel gives back when the process ends.
#![allow(clippy::disallowed_methods, reason = "every error gets its path by `At` of the callers")]

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, OFlags, flock};
use tempfile::NamedTempFile;

/// How many random characters a private name ends with.
const RANDOM: usize = 12;

/// A file that is not yet at its place, readable by its owner alone. Dropping it removes it.
#[derive(Debug)]
pub struct Draft {
    target: Utf8PathBuf,
    file: NamedTempFile,
}

impl Draft {
    /// Creates a draft beside its target, and removes those of processes that are gone. The directory has to be there.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn create(target: &Utf8Path) -> io::Result<Self> {
        let directory = match target.parent() {
            Some(parent) if !parent.as_str().is_empty() => parent,
            _ => Utf8Path::new("."),
        };
        let prefix = format!(".{}.beamship-", target.file_name().unwrap_or_default());
        remove_abandoned(directory, &prefix);
        loop {
            let mut builder = tempfile::Builder::new();
            // The error of `tempfile` names the private file, which nobody knows.
            let file =
                builder.prefix(&prefix).rand_bytes(RANDOM).tempfile_in(directory).map_err(without_path)?;
            // A file system without locks: then drafts of others are not removed either.
            let _ = flock(file.as_file(), FlockOperation::NonBlockingLockExclusive);
            // Between creation and lock another process may have taken it for abandoned.
            if file.as_file().metadata()?.nlink() > 0 {
                return Ok(Self { target: target.to_owned(), file });
            }
        }
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Puts the file beside its target, under a name that was not known before it was written.
    ///
    /// # Errors
    ///
    /// As [`Draft::publish`].
    pub fn publish_as(mut self, name: &str, mode: u32) -> io::Result<()> {
        self.target.set_file_name(name);
        self.publish(mode)
    }

    /// Puts the file in its place with this mode, whatever the umask is.
    ///
    /// # Errors
    ///
    /// When that is refused; then what stood at the target still does, and the draft is gone.
    pub fn publish(self, mode: u32) -> io::Result<()> {
        self.file.as_file().set_permissions(Permissions::from_mode(mode))?;
        self.file.persist(&self.target).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a file, whole or not at all.
///
/// # Errors
///
/// When it cannot be written; then what stood there still does.
pub fn write(target: &Utf8Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut draft = Draft::create(target)?;
    draft.write_all(content)?;
    draft.publish(mode)
}

/// Creates a directory and those above it, where they are missing.
///
/// The standard library's `create_dir_all` says `File exists` where a directory cannot be looked at, whatever the reason.
///
/// # Errors
///
/// When one cannot be created, or something else stands there.
pub fn create_directories(path: &Utf8Path) -> io::Result<()> {
    if path.as_str().is_empty() || is_directory(path)? {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_directories(parent)?;
    }
    match fs::create_dir(path) {
        // Somebody else has created it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_directory(path)? => Ok(()),
        result => result,
    }
}

/// Whether there is a directory; an error where something else is.
fn is_directory(path: &Utf8Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(_) => Err(rustix::io::Errno::NOTDIR.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes drafts whose writers are gone. What cannot be removed only takes space.
fn remove_abandoned(directory: &Utf8Path, prefix: &str) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(random) = name.to_str().and_then(|name| name.strip_prefix(prefix)) else { continue };
        if random.len() != RANDOM || !random.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            continue;
        }
        let path = entry.path();
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = fs::OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(&path);
        let Ok(file) = opened else { continue };
        let is_ours = file.metadata().is_ok_and(|metadata| {
            metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw()
        });
        if is_ours && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

fn without_path(error: io::Error) -> io::Error {
    let source = error.get_ref().and_then(std::error::Error::source);
    let number =
        source.and_then(|source| source.downcast_ref::<io::Error>()).and_then(io::Error::raw_os_error);
    number.map_or(error, io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Utf8Path) -> Vec<String> {
        let mut names: Vec<String> =
            directory.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn drafts_of_the_dead_are_removed_and_those_of_the_living_stay() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        let target = directory.join("file");
        let living = Draft::create(&target).unwrap();
        // A killed process leaves a file that nobody has locked.
        fs::write(directory.join(".file.beamship-abcdefABCDEF"), "part").unwrap();
        fs::write(directory.join(".file.beamship-lock"), "not a draft").unwrap();
        fs::write(directory.join(".file2.beamship-abcdefABCDEF"), "of another target").unwrap();
        write(&target, b"whole", 0o640).unwrap();
        let name = living.file.path().file_name().unwrap().to_str().unwrap().to_owned();
        let mut expected =
            vec![name, ".file.beamship-lock".into(), ".file2.beamship-abcdefABCDEF".into(), "file".into()];
        expected.sort();
        assert_eq!(names(directory), expected);
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
        living.publish(0o600).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"");
    }

    #[test]
    fn a_draft_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let target = Utf8Path::from_path(directory.path()).unwrap().join("file");
        let draft = Draft::create(&target).unwrap();
        assert_eq!(draft.file.as_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn directories_are_created_where_there_is_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        create_directories(&directory.join("a/b")).unwrap();
        create_directories(&directory.join("a/b")).unwrap();
        fs::write(directory.join("file"), "").unwrap();
        let error = create_directories(&directory.join("file/b")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
    }
}
