//! Files in `RELEASE_TMP` that only the system's user reads.
//!
//! `RELEASE_TMP` may be a directory for everybody, `/tmp` for one. So no symbolic link is followed, no pipe of another user is
//! waited for, and a file is private from the moment it exists and complete from the moment it has its name.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file to read it. Anything but a regular file is an error.
pub(crate) fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(ErrorKind::InvalidInput.into()) }
}

/// Creates a directory, and its parents, where they are missing, with access for this user only.
pub(crate) fn create_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file, and the directory that it goes to where that is missing.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(directory) = path.parent() {
        create_directory(directory)?;
    }
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let new = Path::new(&new);
    // Left by a process that was killed at this very point.
    let _ = std::fs::remove_file(new);
    let written = || -> Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
        file.write_all(bytes)?;
        std::fs::rename(new, path)
    };
    written().inspect_err(|_| {
        let _ = std::fs::remove_file(new);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_pipes_are_no_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        write(&file, b"text").unwrap();
        assert_eq!(std::io::read_to_string(open(&file).unwrap()).unwrap(), "text");
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(open(&link).is_err() && open(directory.path()).is_err());
        let pipe = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(open(&pipe).is_err());
        // A file replaces what is there.
        write(&pipe, b"text").unwrap();
        assert!(open(&pipe).is_ok());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3);
    }
}
