//! The content of a file, as a digest that is computed only when the file may have changed.

use std::fs;
use std::io::Read;

use camino::Utf8Path;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Moment, Stamp};

/// A file that has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileDigest {
    /// Its stamp if that is certain.
    pub(crate) stamp: Option<Stamp>,
    /// A digest of its content.
    pub(crate) digest: String,
}

impl FileDigest {
    /// Reads a file; none when there is none that can be read. A known digest is believed as long as the stamp is the same.
    pub(crate) fn read(path: &Utf8Path, known: Option<&Self>) -> Option<Self> {
        let looked_at = Moment::now();
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let known = known.and_then(|known| Some((known.stamp?, known.digest.as_str())));
        Self::with_stamp(path, Stamp::of(&metadata), known, looked_at)
    }

    /// Reads a file that has this stamp, unless a digest is known for the same stamp.
    pub(crate) fn with_stamp(
        path: &Utf8Path,
        stamp: Stamp,
        known: Option<(Stamp, &str)>,
        looked_at: Moment,
    ) -> Option<Self> {
        if let Some((_, digest)) = known.filter(|(known, _)| *known == stamp) {
            return Some(Self { stamp: Some(stamp), digest: digest.to_owned() });
        }
        Some(Self { digest: digest(path)?, stamp: stamp.is_certain(looked_at).then_some(stamp) })
    }

    /// Whether the file has certainly not been touched since this moment.
    pub(crate) fn is_older_than(&self, moment: Moment) -> bool {
        self.stamp.is_some_and(|stamp| stamp.is_certain(moment))
    }

    /// Whether the content is the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

fn digest(path: &Utf8Path) -> Option<String> {
    let mut file = fs::File::open(path).ok()?;
    let mut hash = Sha256::new();
    let mut buffer = [0; 32 * 1024];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(HEXLOWER.encode(&hash.finalize()[..16])),
            length => hash.update(&buffer[..length]),
        }
    }
}
