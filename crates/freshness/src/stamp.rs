//! What tells that a file is the same without reading it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

/// The granularity of the times that a file system keeps, at worst: that of a kernel with 100 ticks a second, doubled.
const TICK: Duration = Duration::from_millis(20);
/// That of a file system whose times are whole seconds, perhaps only even ones.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// In a second.
const NANOSECONDS: i64 = 1_000_000_000;

/// A moment of the clock that file systems use, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(i64);

impl Moment {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    fn of(seconds: i64, nanoseconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOSECONDS).saturating_add(nanoseconds))
    }

    /// The second it is in: Mix compares times no finer than that.
    pub(crate) fn second(self) -> i64 {
        self.0.div_euclid(NANOSECONDS)
    }

    /// Whether it falls on a whole second, as all moments do on a file system that keeps no fractions.
    fn is_whole_second(self) -> bool {
        self.0 % NANOSECONDS == 0
    }

    fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// Size, times, inode and mode of a file.
///
/// The moment of its last change (`ctime`) is part of it: nobody can set that, and whatever happens to the content or the
/// mode of a file moves it. Two stamps that are equal and [certain](Stamp::is_certain) are of the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Fields", into = "Fields")]
pub struct Stamp {
    size: u64,
    /// When the content was last written, or is said to have been: `mtime`.
    modified: Moment,
    /// When anything about the file last changed: `ctime`.
    changed: Moment,
    inode: u64,
    mode: u32,
}

/// A stamp in a record, which has tens of thousands of them: its fields in their order, without their names.
type Fields = (u64, Moment, Moment, u64, u32);

impl From<Fields> for Stamp {
    fn from((size, modified, changed, inode, mode): Fields) -> Self {
        Self { size, modified, changed, inode, mode }
    }
}

impl From<Stamp> for Fields {
    fn from(stamp: Stamp) -> Self {
        (stamp.size, stamp.modified, stamp.changed, stamp.inode, stamp.mode)
    }
}

impl Stamp {
    /// The stamp of a file with these data.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            modified: Moment::of(metadata.mtime(), metadata.mtime_nsec()),
            changed: Moment::of(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            mode: metadata.mode(),
        }
    }

    /// The size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Permission bits and type.
    #[must_use]
    pub fn mode(&self) -> u32 {
        self.mode
    }

    /// Whether any change to the file since it was looked at would show in its stamp. One that was written an instant ago may be
    /// written again within the same tick of the clock, and then has the same stamp with another content.
    #[must_use]
    pub fn is_certain(&self, looked_at: Moment) -> bool {
        let tick = if self.changed.is_whole_second() { COARSE_TICK } else { TICK };
        self.changed.plus(tick) < looked_at
    }
}

/// Stamps of files.
#[derive(Debug, Default)]
pub struct Stamps(Vec<(Utf8PathBuf, Option<Stamp>)>);

impl Stamps {
    /// The stamps of these files, as they are now; none for a file that cannot be looked at. Files that were written an instant
    /// ago are given the time to become [certain](Stamp::is_certain).
    #[must_use]
    pub fn take(files: &[Utf8PathBuf]) -> Self {
        let look = || {
            let looked_at = Moment::now();
            let stamp = |path: &Utf8PathBuf| fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata));
            let stamps: Vec<_> = files.par_iter().map(stamp).collect();
            let is_fresh = |stamp: &Stamp| !stamp.is_certain(looked_at);
            (stamps.iter().flatten().any(is_fresh), looked_at, stamps)
        };
        let (is_fresh, mut looked_at, mut stamps) = look();
        if is_fresh {
            sleep(TICK);
            (_, looked_at, stamps) = look();
        }
        let certain = stamps.into_iter().map(|stamp| stamp.filter(|stamp| stamp.is_certain(looked_at)));
        Self(files.iter().cloned().zip(certain).collect())
    }

    /// Each file with its stamp, unless that is uncertain.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Utf8Path, Option<Stamp>)> {
        self.0.iter().map(|(path, stamp)| (path.as_path(), *stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_rested_is_certain() {
        let second = NANOSECONDS;
        let stamp = |changed: i64| Stamp {
            size: 1,
            modified: Moment(0),
            changed: Moment(changed),
            inode: 7,
            mode: 0o100_644,
        };
        assert!(stamp(second + 1).is_certain(Moment(second + 30_000_000)));
        assert!(!stamp(second + 1).is_certain(Moment(second + 3_000_000)));
        // Whole seconds: the file system knows no finer ones.
        assert!(!stamp(second).is_certain(Moment(second + 30_000_000)));
        assert!(stamp(second).is_certain(Moment(4 * second)));
        // A clock that goes backwards makes nothing certain.
        assert!(!stamp(9 * second + 1).is_certain(Moment(second)));
    }

    /// Records of earlier builds stay readable.
    #[test]
    fn a_stamp_is_kept_as_five_numbers() {
        let stamp = Stamp { size: 1, modified: Moment(2), changed: Moment(3), inode: 4, mode: 5 };
        assert_eq!(serde_json::to_string(&stamp).unwrap(), "[1,2,3,4,5]");
        assert_eq!(serde_json::from_str::<Stamp>("[1,2,3,4,5]").unwrap(), stamp);
    }
}
