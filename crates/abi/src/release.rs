//! The native code of a release, at the paths that it will have where it runs.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use contract::COOKIE;

use crate::AbiError;
use crate::elf::starts_like_elf;
use crate::root::{ReadSeek, RootEntry};

/// Where the bytes of a file are.
#[derive(Clone, Debug)]
enum Source {
    Machine(Utf8PathBuf),
    Memory(Arc<[u8]>),
}

/// A file of a release that matters here.
#[derive(Clone, Debug)]
enum Node {
    Elf(Source),
    Link(Utf8PathBuf),
    Directory,
}

/// The ELF files and links of a release. Paths are absolute, as they will be where the release runs.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFiles {
    nodes: BTreeMap<Utf8PathBuf, Node>,
}

impl ReleaseFiles {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file of this machine, if it starts like an ELF file; returns whether it does.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn add_file(&mut self, path: impl Into<Utf8PathBuf>, file: &Utf8Path) -> Result<bool, AbiError> {
        #[expect(clippy::disallowed_methods, reason = "the error names action and path itself")]
        let is_elf = std::fs::File::open(file).and_then(|mut opened| starts_like_elf(&mut opened));
        let is_elf = is_elf.map_err(|error| AbiError::new("read", file, error))?;
        if is_elf {
            self.put(path.into(), Node::Elf(Source::Machine(file.to_owned())));
        }
        Ok(is_elf)
    }

    /// Adds bytes, if they start like an ELF file; returns whether they do.
    pub fn add_bytes(&mut self, path: impl Into<Utf8PathBuf>, bytes: &Arc<[u8]>) -> bool {
        let is_elf = starts_like_elf(&mut Cursor::new(bytes)).unwrap_or(false);
        if is_elf {
            self.put(path.into(), Node::Elf(Source::Memory(Arc::clone(bytes))));
        }
        is_elf
    }

    /// Adds a symbolic link.
    pub fn add_link(&mut self, path: impl Into<Utf8PathBuf>, target: impl Into<Utf8PathBuf>) {
        self.put(path.into(), Node::Link(target.into()));
    }

    /// All that a directory of this machine holds, as it will be at `at`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read_directory(directory: &Utf8Path, at: &Utf8Path) -> Result<Self, AbiError> {
        let mut files = Self::new();
        files.add_directory(directory, at)?;
        Ok(files)
    }

    #[expect(clippy::disallowed_methods, reason = "the errors name action and path themselves")]
    fn add_directory(&mut self, directory: &Utf8Path, at: &Utf8Path) -> Result<(), AbiError> {
        let cannot = |error| AbiError::new("list", directory, error);
        for entry in std::fs::read_dir(directory).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            // Nothing that is loaded by name has such a name.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (file, path) = (directory.join(&name), at.join(&name));
            let kind = entry.file_type().map_err(|error| AbiError::new("look at", &file, error))?;
            if kind.is_dir() {
                self.add_directory(&file, &path)?;
            } else if kind.is_symlink() {
                let target = std::fs::read_link(&file)
                    .map_err(|error| AbiError::new("read the link", &file, error))?;
                if let Ok(target) = Utf8PathBuf::from_path_buf(target) {
                    self.add_link(path, target);
                }
            // The cookie, which only the system's user may read, is not native code.
            } else if kind.is_file() && !file.ends_with(COOKIE) {
                self.add_file(path, &file)?;
            }
        }
        Ok(())
    }

    /// Removes what is at a path and below it; returns whether native code was there.
    pub fn remove(&mut self, path: &Utf8Path) -> bool {
        let before = self.paths().count();
        self.nodes.retain(|known, _| !known.starts_with(path));
        self.paths().count() < before
    }

    /// The paths of the ELF files, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &Utf8Path> {
        self.nodes.iter().filter(|(_, node)| matches!(node, Node::Elf(_))).map(|(path, _)| path.as_path())
    }

    /// Whether there is no native code at all.
    pub fn is_empty(&self) -> bool {
        self.paths().next().is_none()
    }

    fn put(&mut self, path: Utf8PathBuf, node: Node) {
        for directory in path.ancestors().skip(1) {
            self.nodes.entry(directory.to_owned()).or_insert(Node::Directory);
        }
        self.nodes.insert(path, node);
    }

    /// What is at a path; `None` when the release has nothing there.
    pub(crate) fn entry(&self, path: &Utf8Path) -> Option<RootEntry> {
        Some(match self.nodes.get(path)? {
            Node::Elf(_) => RootEntry::File,
            Node::Link(target) => RootEntry::Link(target.clone()),
            Node::Directory => RootEntry::Directory,
        })
    }

    /// Opens an ELF file; `None` when the release has no such file.
    pub(crate) fn open(&self, path: &Utf8Path) -> Option<Result<Box<dyn ReadSeek>, AbiError>> {
        match self.nodes.get(path)? {
            Node::Elf(Source::Memory(bytes)) => Some(Ok(Box::new(Cursor::new(Arc::clone(bytes))))),
            #[expect(clippy::disallowed_methods, reason = "the error names action and path itself")]
            Node::Elf(Source::Machine(file)) => Some(match std::fs::File::open(file) {
                Ok(opened) => Ok(Box::new(opened)),
                Err(error) => Err(AbiError::new("read", file, error)),
            }),
            Node::Link(_) | Node::Directory => None,
        }
    }
}
