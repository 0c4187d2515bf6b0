//! Files that are kept for the next build: whole, or not at all.
//!
//! A checksum stands in front of the content, so that whatever a full disk, a killed process or a bad disk has left counts as
//! nothing.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use camino::Utf8Path;
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Length of the checksum in front, in characters.
const CHECKSUM: usize = 64;

/// What is in the file; none when there is no file, or it is damaged.
pub(crate) fn load<T: DeserializeOwned>(path: &Utf8Path) -> Option<T> {
    let bytes = fs::read(path).ok()?;
    let (sum, content) = bytes.split_at_checked(CHECKSUM)?;
    (HEXLOWER.encode(&Sha256::digest(content)).as_bytes() == sum).then_some(())?;
    serde_json::from_slice(content).ok()
}

/// Replaces the file. Only its owner can read it: it may hold the digest of a password, which can be guessed.
///
/// Only one build at a time writes to it, which has the lock of the project. What a killed build has left behind is removed by
/// the next one.
pub(crate) fn save<T: Serialize>(value: &T, path: &Utf8Path) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Utf8Path::new(".")))?;
    let content = serde_json::to_vec(value)?;
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file
        .write_all(HEXLOWER.encode(&Sha256::digest(&content)).as_bytes())
        .and_then(|()| file.write_all(&content))
        .and_then(|()| fs::rename(&new, path));
    // A disk that is full is not to stay so.
    written.inspect_err(|_| drop(fs::remove_file(&new)))
}
