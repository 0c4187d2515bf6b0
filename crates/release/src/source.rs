//! Where the model looks at the build machine: through this trait and nowhere else.

use camino::{Utf8Path, Utf8PathBuf};

/// What an entry of a directory is, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else: device, socket, pipe.
    Special,
    /// A link that leads nowhere, or in a circle.
    DanglingLink,
}

/// An entry of a directory of the build machine, links followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceEntry {
    /// Its name in the directory.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// Its permission bits.
    pub mode: u32,
    /// What it points to, when the entry itself is a symbolic link.
    pub link: Option<String>,
}

/// Why the build machine could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} `{path}`: {reason}{}", hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default())]
pub struct SourceError {
    /// What was being done: `read`, `list`.
    pub action: &'static str,
    /// To what.
    pub path: Utf8PathBuf,
    /// What the operating system said.
    pub reason: String,
    /// What to do about it, where that is known.
    pub hint: Option<&'static str>,
}

/// The files of the build machine. Tests use a tree in memory.
pub trait FileSource: Sync {
    /// The bytes of a file; `None` when there is no such file.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be read.
    fn read(&self, path: &Utf8Path) -> Result<Option<Vec<u8>>, SourceError>;

    /// The entries of a directory, sorted by name; `None` when there is no such directory.
    ///
    /// # Errors
    ///
    /// When it cannot be listed, or an entry has a name that is not UTF-8.
    fn entries(&self, directory: &Utf8Path) -> Result<Option<Vec<SourceEntry>>, SourceError>;

    /// The path with all links resolved; the path itself when that cannot be done.
    fn canonical(&self, path: &Utf8Path) -> Utf8PathBuf;
}
