//! What the last run has left behind, so that the next one sees at a glance that there is nothing to do.
//!
//! It is a digest of the names, sizes, times and inodes of all files of input and output, and of the settings. A change to a
//! file changes its time (the one that nobody can set, `ctime`), except within the same tick of the file system's clock, so a
//! run waits for the next tick before it remembers.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::AssetsError;
use crate::options::Options;
use crate::summary::Summary;
use crate::walk::Found;

/// The tick of a file system's clock: that of the kernel, at most 10 ms.
const TICK: Duration = Duration::from_millis(20);

/// Where the memory of a directory is.
pub(crate) struct Memory {
    path: Utf8PathBuf,
    settings: String,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    stamp: String,
    summary: Summary,
}

impl Memory {
    /// The memory of a pair of directories, when there is a cache to keep it in.
    pub(crate) fn new(input: &Utf8Path, output: &Utf8Path, options: &Options) -> Option<Self> {
        let (input, output) = (input.canonicalize_utf8().ok()?, output.canonicalize_utf8().ok()?);
        let name = HEXLOWER.encode(&Sha256::digest(format!("{input}\0{output}"))[..16]);
        let path = options.cache.as_ref()?.join("digested").join(name);
        // The time of new entries does not change those that are there. The number counts the versions of beamship that give
        // another result for the same files.
        let settings = format!("2 {:?}", Options { modified: 0, cache: None, ..options.clone() });
        Some(Self { path, settings })
    }

    /// The summary of the last run, if nothing has changed since.
    pub(crate) fn recall(&self, files: &[&[Found]]) -> Option<Summary> {
        let text = fs_err::read(&self.path).ok()?;
        let remembered: Remembered = serde_json::from_slice(&text).ok()?;
        (remembered.stamp == self.stamp(files)).then_some(remembered.summary)
    }

    /// Remembers what has been done.
    pub(crate) fn remember(&self, files: &[&[Found]], summary: &Summary) -> Result<(), AssetsError> {
        let newest = files.iter().flat_map(|files| files.iter()).map(changed).max();
        let age = newest.and_then(|newest| SystemTime::now().duration_since(newest).ok());
        if let Some(wait) = age.and_then(|age| TICK.checked_sub(age)) {
            std::thread::sleep(wait);
        }
        let remembered = Remembered { stamp: self.stamp(files), summary: summary.clone() };
        let Some(directory) = self.path.parent() else { return Ok(()) };
        fs_err::create_dir_all(directory)?;
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        serde_json::to_writer(&mut file, &remembered).map_err(std::io::Error::from)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    fn stamp(&self, files: &[&[Found]]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.settings.as_bytes());
        for file in files.iter().flat_map(|files| files.iter()) {
            let metadata = &file.metadata;
            hash.update(file.logical.as_bytes());
            let (size, inode, device) = (metadata.size(), metadata.ino(), metadata.dev());
            for number in [size, inode, device] {
                hash.update(number.to_le_bytes());
            }
            for time in [metadata.ctime(), metadata.ctime_nsec(), metadata.mtime(), metadata.mtime_nsec()] {
                hash.update(time.to_le_bytes());
            }
        }
        HEXLOWER.encode(&hash.finalize())
    }
}

fn changed(file: &Found) -> SystemTime {
    let seconds = u64::try_from(file.metadata.ctime()).unwrap_or_default();
    let nanoseconds = u32::try_from(file.metadata.ctime_nsec()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}
