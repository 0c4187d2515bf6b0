//! The archive sink: a tree as one compressed tar file.
//!
//! The same tree and options give the same bytes on every machine and with any number of threads. Entries are in the order
//! of the tree, each once, and belong to nobody (user and group 0, without names); modes are the tree's and the time is
//! the one that was asked for. See the `header` module for the dialect of tar, which GNU tar, bsdtar, busybox and
//! `erl_tar` read alike.
//!
//! All cores work on it, and memory stays bounded, by rounds. While the blocks of one round are compressed in parallel,
//! files for the next one are read and stripped in parallel too (module `stream`). Blocks are cut at fixed offsets of the tar
//! stream (module `blocks`), so threads cannot move their boundaries.
//!
//! The file is written beside its target under a name of its own and renamed: whoever looks at the target sees the earlier
//! archive or the new one, never a part. As in the directory sink nothing is synced to the disk (`fsync`).
#![allow(clippy::disallowed_methods, reason = "every error gets its action and path by `At::at`")]

mod blocks;
mod deflate;
mod error;
mod gzip;
mod header;
mod output;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod zstd;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use crate::{Progress, Tree};
use blocks::compress;
pub use error::ArchiveError;
use gzip::Gzip;
use output::Output;
use stream::TarStream;
use zstd::Zstd;

/// What the archive sink has to know besides the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveOptions {
    /// The time of modification of every entry, in seconds since 1970-01-01 UTC.
    pub modified: u64,
    /// How the archive is compressed.
    pub compression: Compression,
    /// The permissions of the archive, whatever the umask is.
    pub mode: u32,
}

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// One member of gzip (RFC 1952), `.tar.gz`.
    Gzip,
    /// Frames of Zstandard (RFC 8878), `.tar.zst`.
    Zstd,
}

/// What has been written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Archived {
    /// The archive, as given.
    pub path: Utf8PathBuf,
    /// How many files are in it.
    pub files: usize,
    /// The size of the archive in bytes, compressed.
    pub bytes: u64,
}

/// Writes a tree as an archive, replacing a file that is there. The directory it goes to is created where it is missing.
///
/// # Errors
///
/// When a directory stands at the target, a file of the tree cannot be read or changes meanwhile, or the operating system
/// refuses something. Then what stood at the target is unchanged, and nothing stays beside it.
pub fn write(
    tree: &Tree,
    target: &Utf8Path,
    options: &ArchiveOptions,
    progress: &dyn Progress,
) -> Result<Archived, ArchiveError> {
    let mut output = Output::create(target)?;
    let files = compress_to(tree, &mut output, options, &mut |_| {}, progress)?;
    let bytes = output.publish(options.mode)?;
    Ok(Archived { path: target.to_owned(), files, bytes })
}

/// What errors call an archive that has no name yet.
const UNNAMED: &str = "archive";

/// An archive that is known by its content, as the layers of container images are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hashed {
    /// The archive.
    pub archived: Archived,
    /// SHA-256 of the archive.
    pub digest: [u8; 32],
    /// SHA-256 of the archive before it was compressed.
    pub uncompressed_digest: [u8; 32],
}

/// Writes a tree as [`write()`] does, into a directory, under the name that `name` gives to its digest, and returns the
/// digests of what was written.
///
/// # Errors
///
/// As [`write()`].
pub fn write_hashed(
    tree: &Tree,
    directory: &Utf8Path,
    name: impl FnOnce(&[u8; 32]) -> String,
    options: &ArchiveOptions,
    progress: &dyn Progress,
) -> Result<Hashed, ArchiveError> {
    let mut output = Output::create(&directory.join(UNNAMED))?.hashed();
    let mut uncompressed = Sha256::new();
    let files = compress_to(tree, &mut output, options, &mut |bytes| uncompressed.update(bytes), progress)?;
    let digest = output.digest();
    let name = name(&digest);
    let bytes = output.publish_as(&name, options.mode)?;
    let archived = Archived { path: directory.join(name), files, bytes };
    Ok(Hashed { archived, digest, uncompressed_digest: uncompressed.finalize().into() })
}

fn compress_to(
    tree: &Tree,
    output: &mut Output,
    options: &ArchiveOptions,
    look: &mut (dyn FnMut(&[u8]) + Send),
    progress: &dyn Progress,
) -> Result<usize, ArchiveError> {
    let mut stream = TarStream::new(tree, options.modified, progress);
    let files = stream.files();
    match options.compression {
        Compression::Gzip => compress(&mut stream, Gzip::default(), output, look)?,
        Compression::Zstd => compress(&mut stream, Zstd, output, look)?,
    }
    Ok(files)
}
