//! The file that an archive is written to.

use std::fs;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use super::error::{ArchiveError, At};
use crate::file::{Draft, create_directories};

/// A draft of the archive, and what is known of it.
pub(super) struct Output {
    target: Utf8PathBuf,
    draft: Draft,
    bytes: u64,
    /// Of what has been written, where somebody asks for it.
    hash: Option<Sha256>,
}

impl Output {
    /// Creates the file, and the directory it goes to where that is missing.
    pub(super) fn create(target: &Utf8Path) -> Result<Self, ArchiveError> {
        if target.file_name().is_none() {
            return Err(ArchiveError::NoName { target: target.to_owned() });
        }
        if fs::symlink_metadata(target).is_ok_and(|metadata| metadata.is_dir()) {
            return Err(ArchiveError::IsDirectory { target: target.to_owned() });
        }
        if let Some(parent) = target.parent() {
            create_directories(parent).at("create directory", parent)?;
        }
        let draft = Draft::create(target).at("create", target)?;
        Ok(Self { target: target.to_owned(), draft, bytes: 0, hash: None })
    }

    /// Hashes what is written from now on.
    pub(super) fn hashed(mut self) -> Self {
        self.hash = Some(Sha256::new());
        self
    }

    /// The SHA-256 of what has been written since [`Output::hashed`].
    pub(super) fn digest(&self) -> [u8; 32] {
        self.hash.clone().unwrap_or_default().finalize().into()
    }

    /// Where the archive goes.
    pub(super) fn target(&self) -> &Utf8Path {
        &self.target
    }

    /// Writes the next bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.bytes += bytes.len() as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.draft.write_all(bytes).at("write", &self.target)
    }

    /// Puts the file in its place, with these permissions, and returns its size in bytes.
    pub(super) fn publish(self, mode: u32) -> Result<u64, ArchiveError> {
        self.draft.publish(mode).at("create", &self.target)?;
        Ok(self.bytes)
    }

    /// The same beside the target, under a name that was not known before.
    pub(super) fn publish_as(self, name: &str, mode: u32) -> Result<u64, ArchiveError> {
        self.draft.publish_as(name, mode).at("create", self.target.with_file_name(name))?;
        Ok(self.bytes)
    }
}
