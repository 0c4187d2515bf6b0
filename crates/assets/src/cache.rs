//! Compressed content, kept between builds.
//!
//! An entry is found by the SHA-512 of what was compressed and by the compressor, so it cannot be out of date. It ends in
//! a checksum of its own: what a full disk, a killed process or a bad disk left is noticed and made again. Entries are
//! written beside their place and renamed, so runs at the same time do not see half of one. Failures to read or write
//! the cache only cost time, and are not reported.

use std::fs;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::compression::Encoder;

/// How large the cache may grow, in bytes.
const LIMIT: u64 = 512 * 1024 * 1024;

/// How often the time of use of an entry is noted.
const TOUCH: Duration = Duration::from_secs(24 * 60 * 60);

const CHECKSUM: usize = 16;

/// The directory of compressed content.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    directory: Utf8PathBuf,
}

/// SHA-512 of a file's content.
pub(crate) type Key = [u8; 64];

impl Cache {
    /// The cache below a directory of caches.
    pub(crate) fn new(root: &Utf8Path) -> Self {
        Self { directory: root.join("compressed") }
    }

    fn path(&self, key: &Key, encoder: &Encoder) -> Utf8PathBuf {
        let name = HEXLOWER.encode(&key[..32]);
        self.directory.join(&name[..2]).join(format!("{name}.{}", encoder.key()))
    }

    /// What this compressor made of content with this digest; empty when it made nothing smaller.
    pub(crate) fn get(&self, key: &Key, encoder: &Encoder) -> Option<Vec<u8>> {
        let path = self.path(key, encoder);
        let file = fs_err::File::open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
        std::io::Read::read_to_end(&mut &file, &mut bytes).ok()?;
        let content = bytes.len().checked_sub(CHECKSUM)?;
        if checksum(&bytes[..content]) != bytes[content..] {
            return None;
        }
        bytes.truncate(content);
        let unused = metadata.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
        if unused > TOUCH {
            let _ = file.set_modified(SystemTime::now());
        }
        Some(bytes)
    }

    /// Keeps what this compressor made.
    pub(crate) fn put(&self, key: &Key, encoder: &Encoder, compressed: &[u8]) {
        let path = self.path(key, encoder);
        let Some(directory) = path.parent() else { return };
        let write = || -> std::io::Result<()> {
            fs_err::create_dir_all(directory)?;
            let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
            std::io::Write::write_all(&mut file, &[compressed, &checksum(compressed)].concat())?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        let _ = write();
    }

    /// Removes what was not used for the longest time, until the rest is within the limit.
    pub(crate) fn shrink(&self) {
        self.shrink_to(LIMIT);
    }

    fn shrink_to(&self, limit: u64) {
        let mut entries: Vec<(SystemTime, u64, std::path::PathBuf)> = Vec::new();
        let directories = fs_err::read_dir(&self.directory).into_iter().flatten().flatten();
        for directory in directories {
            for entry in fs_err::read_dir(directory.path()).into_iter().flatten().flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                entries.push((modified(&metadata), metadata.len(), entry.path()));
            }
        }
        let mut total: u64 = entries.iter().map(|(_, size, _)| size).sum();
        entries.sort();
        for (_, size, path) in entries {
            if total <= limit {
                break;
            }
            if fs_err::remove_file(path).is_ok() {
                total -= size;
            }
        }
    }
}

fn modified(metadata: &fs::Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut short = [0; CHECKSUM];
    short.copy_from_slice(&Sha256::digest(bytes)[..CHECKSUM]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(Utf8Path::from_path(directory.path()).unwrap());
        (directory, cache)
    }

    #[test]
    fn what_was_put_is_found_until_it_is_damaged() {
        let (_directory, cache) = cache();
        let (key, encoder) = ([7; 64], Encoder::gzip(None));
        assert_eq!(cache.get(&key, &encoder), None);
        cache.put(&key, &encoder, b"small");
        assert_eq!(cache.get(&key, &encoder).unwrap(), b"small");
        assert_eq!(cache.get(&key, &Encoder::gzip(Some(1))), None, "another level");
        cache.put(&[8; 64], &encoder, b"");
        assert_eq!(cache.get(&[8; 64], &encoder).unwrap(), b"");
        let path = cache.path(&key, &encoder);
        let good = fs_err::read(&path).unwrap();
        for damaged in [&good[..3], &good[..good.len() - 1], &[&b"S"[..], &good[1..]].concat()] {
            fs_err::write(&path, damaged).unwrap();
            assert_eq!(cache.get(&key, &encoder), None);
        }
    }

    #[test]
    fn the_oldest_entries_make_room() {
        let (_directory, cache) = cache();
        let encoder = Encoder::gzip(None);
        for number in 0..4_u8 {
            cache.put(&[number; 64], &encoder, &[0; 84]);
            let file = fs_err::File::options().write(true).open(cache.path(&[number; 64], &encoder)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(number))).unwrap();
        }
        cache.shrink_to(250);
        let left: Vec<bool> = (0..4).map(|number| cache.get(&[number; 64], &encoder).is_some()).collect();
        assert_eq!(left, [false, false, true, true]);
    }
}
