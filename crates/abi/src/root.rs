//! The file system of a system, seen through its own root: a sysroot, an unpacked image, or this machine.
//!
//! Absolute links inside it mean what they would mean after `chroot`. So links are resolved here, step by step, and
//! never by the operating system of the build machine.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Seek};

use camino::{Utf8Path, Utf8PathBuf};

use crate::AbiError;

/// As many links as the Linux kernel follows in one path.
const MAXIMUM_LINKS: usize = 40;

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootEntry {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, with what it points to.
    Link(Utf8PathBuf),
    /// A device, a socket, a pipe, or a link whose target is not UTF-8.
    Other,
}

/// A file that is open.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// The file system of a system. Paths are absolute, and none of their components but the last is a link.
pub trait SystemRoot {
    /// What is at a path, the last component not followed; `None` when there is nothing.
    ///
    /// # Errors
    ///
    /// When that cannot be found out.
    fn entry(&self, path: &Utf8Path) -> Result<Option<RootEntry>, AbiError>;

    /// Opens a regular file.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadSeek>, AbiError>;

    /// The names in a directory, sorted. Names that are not UTF-8 are left out.
    ///
    /// # Errors
    ///
    /// When it cannot be listed.
    fn names(&self, directory: &Utf8Path) -> Result<Vec<String>, AbiError>;
}

/// Follows all links of an absolute path inside a root; `None` when it leads nowhere or in a circle.
///
/// # Errors
///
/// When the root cannot be looked at.
pub fn resolve<Root: SystemRoot + ?Sized>(
    root: &Root,
    path: &Utf8Path,
) -> Result<Option<(Utf8PathBuf, RootEntry)>, AbiError> {
    let mut resolved = Utf8PathBuf::from("/");
    let mut entry = RootEntry::Directory;
    let mut left: VecDeque<String> = components(path);
    let mut links = 0;
    while let Some(component) = left.pop_front() {
        if entry != RootEntry::Directory {
            return Ok(None);
        }
        if component == ".." {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&component);
        match root.entry(&next)? {
            None => return Ok(None),
            Some(RootEntry::Link(target)) => {
                links += 1;
                if links > MAXIMUM_LINKS {
                    return Ok(None);
                }
                if target.is_absolute() {
                    resolved = "/".into();
                }
                for component in components(&target).into_iter().rev() {
                    left.push_front(component);
                }
            }
            Some(found) => {
                resolved = next;
                entry = found;
            }
        }
    }
    Ok(Some((resolved, entry)))
}

fn components(path: &Utf8Path) -> VecDeque<String> {
    let components = path.as_str().split('/');
    components.filter(|component| !component.is_empty() && *component != ".").map(str::to_owned).collect()
}

/// A directory of this machine as a root; `/` is this machine itself.
#[derive(Clone, Debug)]
pub struct DirectoryRoot {
    directory: Utf8PathBuf,
}

impl DirectoryRoot {
    /// The root at this directory.
    ///
    /// # Errors
    ///
    /// When there is no such directory.
    pub fn new(directory: impl Into<Utf8PathBuf>) -> Result<Self, AbiError> {
        let directory = directory.into();
        let cannot = |error| AbiError::new("look at", &directory, error);
        #[expect(clippy::disallowed_methods, reason = "the error names action and path itself")]
        let metadata = std::fs::metadata(&directory).map_err(cannot)?;
        if !metadata.is_dir() {
            return Err(cannot(ErrorKind::NotADirectory.into()));
        }
        Ok(Self { directory })
    }

    /// Where a path inside the root is on this machine.
    pub fn join(&self, path: &Utf8Path) -> Utf8PathBuf {
        self.directory.join(path.as_str().trim_start_matches('/'))
    }
}

#[expect(clippy::disallowed_methods, reason = "the errors name action and path themselves")]
impl SystemRoot for DirectoryRoot {
    fn entry(&self, path: &Utf8Path) -> Result<Option<RootEntry>, AbiError> {
        let file = self.join(path);
        let metadata = match std::fs::symlink_metadata(&file) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            // A directory of another user: the loader, which runs as this user, cannot read it either.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(None),
            // No file has a name like this.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidFilename | ErrorKind::InvalidInput) => {
                return Ok(None);
            }
            Err(error) => return Err(AbiError::new("look at", file, error)),
        };
        let kind = metadata.file_type();
        if !kind.is_symlink() {
            return Ok(Some(match () {
                () if kind.is_file() => RootEntry::File,
                () if kind.is_dir() => RootEntry::Directory,
                () => RootEntry::Other,
            }));
        }
        let target =
            std::fs::read_link(&file).map_err(|error| AbiError::new("read the link", file, error))?;
        Ok(Some(Utf8PathBuf::from_path_buf(target).map_or(RootEntry::Other, RootEntry::Link)))
    }

    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadSeek>, AbiError> {
        let file = self.join(path);
        match std::fs::File::open(&file) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(AbiError::new("read", file, error)),
        }
    }

    fn names(&self, directory: &Utf8Path) -> Result<Vec<String>, AbiError> {
        let path = self.join(directory);
        let cannot = |error| AbiError::new("list", &path, error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(cannot)? {
            if let Ok(name) = entry.map_err(cannot)?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_inside_the_root() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs_err::create_dir_all(path.join("usr/lib/deep")).unwrap();
        fs_err::write(path.join("usr/lib/libx.so.1.2"), "x").unwrap();
        symlink("usr/lib", path.join("lib")).unwrap();
        symlink("/usr/lib/libx.so.1.2", path.join("usr/lib/libx.so.1")).unwrap();
        symlink("../../../../../../lib/libx.so.1", path.join("usr/lib/deep/up")).unwrap();
        symlink("circle", path.join("circle")).unwrap();
        symlink("nowhere", path.join("dangling")).unwrap();
        let root = DirectoryRoot::new(Utf8Path::from_path(path).unwrap()).unwrap();
        let find =
            |path: &str| resolve(&root, Utf8Path::new(path)).unwrap().map(|found| found.0.into_string());
        let expected = Some("/usr/lib/libx.so.1.2".to_owned());
        assert_eq!(find("/lib/libx.so.1"), expected);
        assert_eq!(find("/lib/./deep/up"), expected);
        assert_eq!(find("//lib/deep/../libx.so.1"), expected);
        for nothing in ["/circle", "/dangling", "/lib/libx.so.1/more", "/lib/none"] {
            assert_eq!(find(nothing), None, "{nothing}");
        }
        assert_eq!(find("/"), Some("/".to_owned()));
    }

    #[test]
    fn a_file_is_no_root() {
        assert!(DirectoryRoot::new("/proc/self/exe").is_err());
        assert!(DirectoryRoot::new("/does/not/exist").is_err());
    }
}
