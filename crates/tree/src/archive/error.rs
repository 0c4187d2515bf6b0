//! What can go wrong when a tree is written as an archive.

use std::io;
use std::path::{Path, PathBuf};

use beam::BeamError;
use camino::Utf8PathBuf;

use crate::TreePath;

/// Why an archive was not written. What stood at the target is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The operating system refused something.
    #[error("cannot {action} `{}`: {reason}{}", path.display(), hint_for(reason))]
    Io {
        /// What was being done: `create`, `read`, `write` …
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A file of the build machine cannot be read.
    #[error("cannot read `{source_file}` for `{path}`: {reason}{}", hint_for_source(reason))]
    Source {
        /// Where it would have gone.
        path: TreePath,
        /// The file of the build machine.
        source_file: Utf8PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A file that should be stripped is not a valid BEAM file.
    #[error(
        "cannot strip `{source_file}` for `{path}`: {reason}\nhint: compile its application again (for a dependency \
         `mix deps.compile APP --force`, for the project `mix compile --force`)"
    )]
    Beam {
        /// Where it would have gone.
        path: TreePath,
        /// The file of the build machine.
        source_file: Utf8PathBuf,
        /// What is wrong with it.
        reason: BeamError,
    },
    /// A file is a pipe, a device, a socket or a directory.
    #[error(
        "cannot archive `{source_file}` as `{path}`: it is not a regular file\nhint: remove it, or leave it out of the \
         release"
    )]
    NotRegular {
        /// Where it would have gone.
        path: TreePath,
        /// The file of the build machine.
        source_file: Utf8PathBuf,
    },
    /// A file was written to, grew or shrank while it was read.
    #[error(
        "`{source_file}` changed while it was read for `{path}`\nhint: build again when nothing else writes to it, or leave \
         it out of the release"
    )]
    Changed {
        /// Where it would have gone.
        path: TreePath,
        /// The file of the build machine.
        source_file: Utf8PathBuf,
    },
    /// There is a directory where the archive should go.
    #[error(
        "cannot write the archive `{target}`: a directory stands there\nhint: move it away, or remove it"
    )]
    IsDirectory {
        /// The target.
        target: Utf8PathBuf,
    },
    /// The target has no name, as in `..`.
    #[error("`{target}` does not name a file\nhint: give the archive another path")]
    NoName {
        /// The target.
        target: Utf8PathBuf,
    },
}

/// Turns an error of the operating system into one that names action and path.
pub(super) trait At<T> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, ArchiveError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, ArchiveError> {
        self.map_err(|reason| ArchiveError::Io { action, path: path.as_ref().to_owned(), reason })
    }
}

/// What to do about it, where that is known.
fn hint_for(reason: &io::Error) -> &'static str {
    use io::ErrorKind;
    match reason.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "\nhint: free space there (`df -h` and `df -i` show how much is left); an earlier archive is unchanged"
        }
        ErrorKind::FileTooLarge => {
            "\nhint: raise the limit of the size of files (`ulimit -f`), or write to a file system without that limit"
        }
        ErrorKind::PermissionDenied => {
            "\nhint: check the owner and the permissions of its directory with `ls -ld`"
        }
        ErrorKind::ReadOnlyFilesystem => "\nhint: the file system is read-only; write the archive elsewhere",
        ErrorKind::InvalidFilename => "\nhint: choose a shorter name",
        _ => "",
    }
}

/// What to do when a file of the build machine cannot be read.
fn hint_for_source(reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::NotFound => {
            "\nhint: it was there when the release was planned; build again when nothing else changes the project"
        }
        io::ErrorKind::PermissionDenied => {
            "\nhint: check its owner and permissions and those of its directory with `ls -ld`"
        }
        _ => "",
    }
}
