//! Where the directory goes.

use std::fs;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::{At, DirectoryError};
use crate::file::create_directories;

/// The place of the directory: links resolved, its parent there. Everything else that a build needs stands beside it.
pub(super) struct Target {
    pub(super) path: Utf8PathBuf,
    pub(super) parent: Utf8PathBuf,
    name: String,
}

impl Target {
    /// Resolves links and creates the parent.
    pub(super) fn resolve(given: &Utf8Path) -> Result<Self, DirectoryError> {
        let path = match fs::canonicalize(given) {
            Ok(path) => utf8(path)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if fs::symlink_metadata(given).is_ok() {
                    return Err(DirectoryError::DanglingLink { target: given.to_owned() });
                }
                let no_name = || DirectoryError::NoName { target: given.to_owned() };
                let name = given.file_name().ok_or_else(no_name)?;
                let parent = match given.parent().ok_or_else(no_name)? {
                    parent if parent.as_str().is_empty() => Utf8Path::new("."),
                    parent => parent,
                };
                create_directories(parent).at("create directory", parent)?;
                utf8(fs::canonicalize(parent).at("resolve", parent)?)?.join(name)
            }
            Err(error) => return Err(error).at("resolve", given),
        };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(DirectoryError::MountPoint { target: path });
        };
        Ok(Self { parent: parent.to_owned(), name: name.to_owned(), path: path.clone() })
    }

    /// The prefix of the names of everything that is put beside the target.
    pub(super) fn prefix(&self) -> String {
        format!(".{}.beamship-", self.name)
    }

    /// A path beside the target.
    pub(super) fn beside(&self, suffix: &str) -> Utf8PathBuf {
        self.parent.join(self.prefix() + suffix)
    }

    /// Whether there is something; an error when it can never be replaced by a directory.
    pub(super) fn check(&self) -> Result<bool, DirectoryError> {
        let target = || self.path.clone();
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) if !metadata.is_dir() => Err(DirectoryError::NotADirectory { target: target() }),
            Ok(_) if is_mount_point(self.path.as_std_path())? => {
                Err(DirectoryError::MountPoint { target: target() })
            }
            // A current directory that has been deleted is not inside anything.
            Ok(_) if std::env::current_dir().is_ok_and(|current| current.starts_with(&self.path)) => {
                Err(DirectoryError::CurrentDirectory { target: target() })
            }
            Ok(_) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).at("look at", &self.path),
        }
    }
}

fn utf8(path: std::path::PathBuf) -> Result<Utf8PathBuf, DirectoryError> {
    Utf8PathBuf::from_path_buf(path).map_err(|path| DirectoryError::NotUtf8 { path })
}

/// Whether something is mounted at a path. A bind mount of the same file system is seen only by asking the kernel.
#[cfg(target_os = "linux")]
pub(super) fn is_mount_point(path: &Path) -> Result<bool, DirectoryError> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    match statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, StatxFlags::empty()) {
        Ok(status) if status.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) => {
            Ok(status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
        }
        // Linux before 5.8, or a sandbox without statx.
        Ok(_) | Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => is_on_other_device(path),
        Err(error) => Err(error).at("look at", path),
    }
}

/// Whether something is mounted at a path.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_mount_point(path: &Path) -> Result<bool, DirectoryError> {
    is_on_other_device(path)
}

fn is_on_other_device(path: &Path) -> Result<bool, DirectoryError> {
    use std::os::unix::fs::MetadataExt;
    let Some(parent) = path.parent() else { return Ok(true) };
    let device = |path: &Path| fs::symlink_metadata(path).map(|metadata| metadata.dev()).at("look at", path);
    Ok(device(path)? != device(parent)?)
}
