//! The cache of layers: as they were fetched, and decompressed.
//!
//! Each is named by the digest of its content, and is hashed again whenever it is used: a machine that lost its power or a
//! disk with an error may have left something else under the name. What is damaged is made again.

use std::io::Read;
use std::time::{Duration, SystemTime};

use camino::Utf8Path;

use crate::digest::{BLOBS, Digest, Hashing};

/// The directory of the decompressed layers.
pub(crate) const PLAIN: &str = "plain";

/// How long a layer that nobody uses is kept.
const KEPT: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// Whether a file is there and has the content that its name promises, which has at most so many bytes: of more no more is
/// read. Its time then says when it was used.
pub(crate) fn is_usable(path: &Utf8Path, digest: &Digest, most: u64) -> bool {
    let Ok(mut file) = fs_err::File::open(path) else { return false };
    let mut hash = Hashing::new(std::io::sink());
    let copied = std::io::copy(&mut (&mut file).take(most.saturating_add(1)), &mut hash);
    let is_whole = copied.is_ok() && hash.finish().1 == *digest;
    if is_whole {
        // What cannot be noted costs a download some day. The owner of a file may set its time without opening it to write.
        let _ = file.file().set_modified(SystemTime::now());
    }
    is_whole
}

/// Removes the layers that have not been used for long. What cannot be removed stays, which costs only space.
pub(crate) fn forget_unused(cache: &Utf8Path, now: SystemTime) {
    for entry in [BLOBS, PLAIN].iter().filter_map(|name| cache.join(name).read_dir_utf8().ok()).flatten() {
        let Ok(entry) = entry else { continue };
        let used = entry.metadata().and_then(|metadata| metadata.modified());
        let unused = used.ok().and_then(|used| now.duration_since(used).ok());
        if unused.is_some_and(|unused| unused > KEPT) {
            let _ = fs_err::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Utf8Path, content: &[u8], used: SystemTime) {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
        fs_err::File::open(path).unwrap().set_modified(used).unwrap();
    }

    #[test]
    fn layers_that_nobody_has_used_for_long_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Utf8Path::from_path(directory.path()).unwrap();
        let now = SystemTime::now();
        let day = Duration::from_secs(24 * 60 * 60);
        for directory in [BLOBS, PLAIN] {
            for (name, age) in [("old", 61), ("used", 59), ("new", 0)] {
                put(&cache.join(directory).join(name), b"", now - age * day);
            }
        }
        forget_unused(cache, now);
        for directory in [BLOBS, PLAIN] {
            let mut left: Vec<_> = cache
                .join(directory)
                .read_dir_utf8()
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_owned())
                .collect();
            left.sort();
            assert_eq!(left, ["new", "used"], "{directory}");
        }
        forget_unused(&cache.join("missing"), now);
    }

    #[test]
    fn what_is_whole_is_used_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap().join("layer");
        let digest = Digest::of(b"layer");
        let long_ago = SystemTime::UNIX_EPOCH;
        assert!(!is_usable(&path, &digest, 5));
        for (content, most, expected) in [
            ("layer", 5, true),
            ("layer and more", 5, false),
            ("laye", 5, false),
            ("\0\0\0\0\0", 5, false),
            ("", 5, false),
        ] {
            put(&path, content.as_bytes(), long_ago);
            assert_eq!(is_usable(&path, &digest, most), expected, "{content}");
            let used = fs_err::metadata(&path).unwrap().modified().unwrap();
            assert_eq!(used > long_ago, expected, "{content}");
        }
    }
}
