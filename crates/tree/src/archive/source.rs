//! Reading what goes into an archive.
//!
//! The size of a file stands before its content, and the content may be longer than what fits into memory. So a file that
//! is not small is only opened here, and read piece by piece when its turn comes. In both cases the file is looked at
//! before and after: an archive never holds a mixture of two versions of a file.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;

use camino::Utf8Path;

use super::error::ArchiveError;
use crate::{Content, TreePath};

/// Files up to this size are read whole, several at a time.
const SMALL: u64 = 1024 * 1024;

/// The content of a file, ready to be written.
pub(super) enum Body<'tree> {
    /// Bytes of the tree.
    Shared(&'tree [u8]),
    /// Bytes that were read.
    Read(Vec<u8>),
    /// A file that is read when its turn comes.
    Open(OpenSource<'tree>),
}

impl Body<'_> {
    /// The size in bytes.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Shared(bytes) => bytes.len() as u64,
            Self::Read(bytes) => bytes.len() as u64,
            Self::Open(source) => source.before.len(),
        }
    }
}

/// Reads a content, or opens it when it is large.
pub(super) fn load<'tree>(
    path: &'tree TreePath,
    content: &'tree Content,
) -> Result<Body<'tree>, ArchiveError> {
    match content {
        Content::Bytes(bytes) => Ok(Body::Shared(bytes)),
        Content::Copy(file) => {
            let mut source = OpenSource::open(path, file)?;
            if source.before.len() > SMALL {
                return Ok(Body::Open(source));
            }
            Ok(Body::Read(source.read_whole()?))
        }
        Content::StrippedBeam(file, options) => {
            let bytes = OpenSource::open(path, file)?.read_whole()?;
            let stripped = beam::strip(&bytes, options).map_err(|reason| ArchiveError::Beam {
                path: path.clone(),
                source_file: file.clone(),
                reason,
            })?;
            Ok(Body::Read(stripped))
        }
    }
}

/// A file of the build machine, opened.
pub(super) struct OpenSource<'tree> {
    path: &'tree TreePath,
    source: &'tree Utf8Path,
    file: File,
    before: Metadata,
    /// How many bytes are still to be read.
    left: u64,
}

impl<'tree> OpenSource<'tree> {
    /// Opens a regular file; never waits for the other end of a pipe.
    fn open(path: &'tree TreePath, source: &'tree Utf8Path) -> Result<Self, ArchiveError> {
        let opened = fs::OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
            .open(source)
            .and_then(|file| Ok((file.metadata()?, file)));
        let (before, file) = opened.map_err(|reason| unreadable(path, source, reason))?;
        if !before.is_file() {
            return Err(ArchiveError::NotRegular { path: path.clone(), source_file: source.to_owned() });
        }
        Ok(Self { path, source, file, left: before.len(), before })
    }

    fn read_whole(&mut self) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        while !self.read(&mut bytes, u64::MAX)? {}
        Ok(bytes)
    }

    /// Appends the next bytes, not more than so many; `true` when that was all.
    pub(super) fn read(&mut self, bytes: &mut Vec<u8>, most: u64) -> Result<bool, ArchiveError> {
        let wanted = self.left.min(most);
        let read = (&self.file).take(wanted).read_to_end(bytes).map_err(|reason| self.unreadable(reason))?;
        self.left -= read as u64;
        if (read as u64) < wanted {
            return Err(self.changed());
        }
        if self.left > 0 {
            return Ok(false);
        }
        let after = self.file.metadata().map_err(|reason| self.unreadable(reason))?;
        let is_same =
            after.len() == self.before.len() && after.modified().ok() == self.before.modified().ok();
        if is_same { Ok(true) } else { Err(self.changed()) }
    }

    /// The size of the whole file in bytes.
    pub(super) fn size(&self) -> u64 {
        self.before.len()
    }

    fn changed(&self) -> ArchiveError {
        ArchiveError::Changed { path: self.path.clone(), source_file: self.source.to_owned() }
    }

    fn unreadable(&self, reason: io::Error) -> ArchiveError {
        unreadable(self.path, self.source, reason)
    }
}

fn unreadable(path: &TreePath, source: &Utf8Path, reason: io::Error) -> ArchiveError {
    ArchiveError::Source { path: path.clone(), source_file: source.to_owned(), reason }
}
