//! What can go wrong when a tree is written as a directory.

use std::io;
use std::path::{Path, PathBuf};

use beam::BeamError;
use camino::Utf8PathBuf;

use crate::TreePath;

/// Why a directory was not published. Unless a variant says otherwise, what stood at the target is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The operating system refused something.
    #[error("cannot {action} `{}`: {reason}{}", path.display(), hint_for(reason))]
    Io {
        /// What was being done: `create directory`, `read`, `write` …
        action: &'static str,
        /// To what.
        path: PathBuf,
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
    /// A file to be copied is a pipe, a device, a socket or a directory.
    #[error("cannot copy `{}`: it is not a regular file\nhint: remove it, or leave it out of the release", path.display())]
    NotRegular {
        /// The file of the build machine.
        path: PathBuf,
    },
    /// The target is a directory with something in it that is not a release.
    #[error(
        "`{target}` is not empty and holds no release; it is left alone\nhint: choose another directory with --path, or \
         remove this one"
    )]
    NotARelease {
        /// The target.
        target: Utf8PathBuf,
    },
    /// The target is a file, or something else that is not a directory.
    #[error("`{target}` is not a directory\nhint: choose another one with --path, or remove it")]
    NotADirectory {
        /// The target.
        target: Utf8PathBuf,
    },
    /// The target is a symbolic link to nothing.
    #[error(
        "`{target}` is a symbolic link that leads nowhere\nhint: create the directory it points to, or remove it"
    )]
    DanglingLink {
        /// The target.
        target: Utf8PathBuf,
    },
    /// The target has no name, as in `..` of a directory that is not there.
    #[error("`{target}` does not name a directory\nhint: choose another one with --path")]
    NoName {
        /// The target as given.
        target: Utf8PathBuf,
    },
    /// The path of the target, links resolved, is not UTF-8.
    #[error("the path `{}` is not valid UTF-8\nhint: rename it, or choose another directory", path.display())]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// The manifest of a release lists what cannot be a part of it.
    #[error("the manifest of `{root}` lists `{path}`, but {reason}\nhint: build the release again")]
    NotItsOwn {
        /// The directory of the release.
        root: Utf8PathBuf,
        /// What it lists.
        path: String,
        /// Why that cannot be.
        reason: &'static str,
    },
    /// The target is a mount point or the root directory: it cannot be replaced as a whole.
    #[error(
        "`{target}` is a mount point and cannot be replaced as a whole\nhint: choose a directory below it with --path"
    )]
    MountPoint {
        /// The target.
        target: Utf8PathBuf,
    },
    /// Something is mounted inside the release that would be replaced.
    #[error(
        "`{}` is a mount point inside the release that would be replaced\nhint: unmount it first, or keep it outside the \
         directory of the release",
        path.display()
    )]
    MountInside {
        /// The mount point.
        path: PathBuf,
    },
    /// The custom steps have removed or moved the release that they were to work on.
    #[error(
        "the custom steps of the release have removed or moved `{target}`\nhint: let them copy it, or say where it goes with \
         `path:` in the options of the release; an earlier release is back"
    )]
    TakenAway {
        /// The target.
        target: Utf8PathBuf,
    },
    /// The target is, or holds, the current directory of this process.
    #[error(
        "`{target}` is the current directory, or holds it, and would be replaced under your feet\nhint: change to another \
         directory, or choose another one with --path"
    )]
    CurrentDirectory {
        /// The target.
        target: Utf8PathBuf,
    },
    /// A file that is not the earlier release's own stands where the new release has something else.
    #[error(
        "`{}` is not part of the earlier release, and the new release has a {new} at `{at}`\nhint: move it away, then build \
         again",
        path.display()
    )]
    InTheWay {
        /// The file that is in the way.
        path: PathBuf,
        /// Where in the new release.
        at: TreePath,
        /// `directory`, `file` or `link`.
        new: &'static str,
    },
    /// The new release is published, but the operating system refused to look for what is the user's in the earlier one.
    #[error(
        "the new release is in place, but what was added to the earlier one while it was built could not be looked for: \
         cannot {action} `{}`: {reason}\nhint: build again; the earlier release is kept until then",
        path.display()
    )]
    NotTakenOver {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The new release is published, but something of the user's could not be taken over from the earlier one.
    #[error(
        "the new release is in place, but `{}` of the earlier one could not be moved to `{}`: {reason}\nhint: move it \
         yourself; the earlier release is kept until then",
        from.display(),
        to.display()
    )]
    LeftBehind {
        /// Where it is.
        from: PathBuf,
        /// Where it should go.
        to: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
}

impl DirectoryError {
    /// The same, for what happens when the new release is published already.
    pub(super) fn after_publishing(self) -> Self {
        match self {
            Self::Io { action, path, reason } => Self::NotTakenOver { action, path, reason },
            other => other,
        }
    }
}

/// Turns an error of the operating system into one that names action and path.
pub(super) trait At<T> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, DirectoryError>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, DirectoryError> {
        self.map_err(|error| DirectoryError::Io {
            action,
            path: path.as_ref().to_owned(),
            reason: error.into(),
        })
    }
}

/// The number of the operating system, where there is one.
pub(super) fn errno(error: &io::Error) -> Option<rustix::io::Errno> {
    error.raw_os_error().map(rustix::io::Errno::from_raw_os_error)
}

/// What to do about it, where that is known.
fn hint_for(reason: &io::Error) -> &'static str {
    use rustix::io::Errno;
    match errno(reason) {
        Some(Errno::NOSPC | Errno::DQUOT) => {
            "\nhint: free space there (`df -h` and `df -i` show how much is left), or choose another --path; an earlier \
             release is unchanged"
        }
        Some(Errno::ACCESS | Errno::PERM) => {
            "\nhint: check its owner and permissions and those of its directory with `ls -ld`"
        }
        Some(Errno::MFILE | Errno::NFILE) => "\nhint: raise the limit of open files (`ulimit -n`)",
        Some(Errno::ROFS) => "\nhint: the file system is read-only; choose another --path",
        Some(Errno::NOLCK | Errno::OPNOTSUPP) => {
            "\nhint: the file system does not support this; choose a --path on another one"
        }
        Some(Errno::XDEV) => {
            "\nhint: it belongs to another file system (a lower layer of a container's image, for instance) and cannot be \
             replaced in one step; remove it first, then build again"
        }
        Some(Errno::NAMETOOLONG) => "\nhint: choose a shorter --path, or --version",
        Some(Errno::BUSY) => "\nhint: something is mounted there; unmount it, then build again",
        _ => "",
    }
}
