//! The files of this machine, for the release model.

use std::io::ErrorKind;

use camino::{Utf8Path, Utf8PathBuf};
use release::{FileKind, FileSource, SourceEntry, SourceError};

/// The real file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineFiles;

impl FileSource for MachineFiles {
    fn read(&self, path: &Utf8Path) -> Result<Option<Vec<u8>>, SourceError> {
        // The plain call, because fs-err repeats the path that the message has already.
        #[expect(clippy::disallowed_methods, reason = "the error names action and path itself")]
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(source_error("read", path, &error)),
        }
    }

    fn entries(&self, directory: &Utf8Path) -> Result<Option<Vec<SourceEntry>>, SourceError> {
        #[expect(clippy::disallowed_methods, reason = "the error names action and path itself")]
        let listing = match std::fs::read_dir(directory) {
            Ok(listing) => listing,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(source_error("list", directory, &error)),
        };
        let mut entries = Vec::new();
        for entry in listing {
            let entry = entry.map_err(|error| source_error("list", directory, &error))?;
            entries.push(source_entry(directory, &entry)?);
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Some(entries))
    }

    fn canonical(&self, path: &Utf8Path) -> Utf8PathBuf {
        path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned())
    }
}

fn source_entry(directory: &Utf8Path, entry: &std::fs::DirEntry) -> Result<SourceEntry, SourceError> {
    use std::os::unix::fs::PermissionsExt;

    let name = entry.file_name().into_string().map_err(|name| SourceError {
        action: "copy",
        path: directory.join(name.to_string_lossy().as_ref()),
        reason: format!("the name {name:?} is not valid UTF-8"),
        hint: Some("rename the file: the paths of a release are UTF-8"),
    })?;
    let path = directory.join(&name);
    let kind = entry.file_type().map_err(|error| source_error("look at", &path, &error))?;
    let link = if kind.is_symlink() {
        #[expect(clippy::disallowed_methods, reason = "the error names action and path itself")]
        let target =
            std::fs::read_link(&path).map_err(|error| source_error("read the link", &path, &error))?;
        Some(target.into_os_string().into_string().map_err(|target| SourceError {
            action: "copy",
            path: path.clone(),
            reason: format!("the link points to {target:?}, which is not valid UTF-8"),
            hint: Some("remove the link or rename its target"),
        })?)
    } else {
        None
    };
    #[expect(clippy::disallowed_methods, reason = "the error names action and path itself")]
    let (kind, mode) = match std::fs::metadata(&path) {
        Ok(metadata) => (file_kind(&metadata), metadata.permissions().mode() & 0o7777),
        Err(_) if link.is_some() => (FileKind::DanglingLink, 0o777),
        Err(error) => return Err(source_error("look at", &path, &error)),
    };
    Ok(SourceEntry { name, kind, mode, link })
}

fn file_kind(metadata: &std::fs::Metadata) -> FileKind {
    if metadata.is_file() {
        FileKind::File
    } else if metadata.is_dir() {
        FileKind::Directory
    } else {
        FileKind::Special
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn source_error(action: &'static str, path: &Utf8Path, error: &std::io::Error) -> SourceError {
    let hint = match error.kind() {
        ErrorKind::PermissionDenied => Some("check who owns it: the user who builds must be able to read it"),
        ErrorKind::IsADirectory => Some("a directory stands where a file should"),
        _ => None,
    };
    SourceError { action, path: path.to_owned(), reason: error.to_string(), hint }
}
