//! What tells without reading a file that it is the same.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

/// A file system writes down the moment of a change no finer than this: a kernel with 100 ticks a second, doubled.
const TICK: Duration = Duration::from_millis(20);
/// One whose moments are whole seconds, perhaps of two.
const COARSE_TICK: Duration = Duration::from_secs(2);

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

    /// The second it is in: as exactly as Mix looks.
    pub(crate) fn second(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// Size, times, number and mode of a file.
///
/// The moment of its last change (`ctime`) is part of it: nobody can set that, and whatever happens to the content or the
/// mode of a file moves it. Two stamps that are equal and [certain](Stamp::is_certain) are of the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp(u64, Moment, Moment, u64, u32);

impl Stamp {
    /// The stamp of a file with these data.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let moment = |seconds: i64, nanoseconds: i64| {
            Moment(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
        };
        Self(
            metadata.size(),
            moment(metadata.mtime(), metadata.mtime_nsec()),
            moment(metadata.ctime(), metadata.ctime_nsec()),
            metadata.ino(),
            metadata.mode(),
        )
    }

    /// The size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0
    }

    /// Permission bits and type.
    #[must_use]
    pub fn mode(&self) -> u32 {
        self.4
    }

    /// Whether nothing can have happened to the file at the very moment when, or after, it was looked at, that this stamp does
    /// not show. A file that was written an instant ago may be written again within the same tick of the clock.
    #[must_use]
    pub fn is_certain(&self, looked_at: Moment) -> bool {
        let tick = if self.2.0 % 1_000_000_000 == 0 { COARSE_TICK } else { TICK };
        let tick = i64::try_from(tick.as_nanos()).unwrap_or(i64::MAX);
        self.2.0.saturating_add(tick) < looked_at.0
    }
}

/// Stamps of files.
#[derive(Debug, Default)]
pub struct Stamps(Vec<(Utf8PathBuf, Option<Stamp>)>);

impl Stamps {
    /// Those of these files, as they are now; none of one that cannot be looked at. Files that were written an instant ago are
    /// given the time to become [certain](Stamp::is_certain).
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
        let second = 1_000_000_000;
        let stamp = |changed: i64| Stamp(1, Moment(0), Moment(changed), 7, 0o100_644);
        assert!(stamp(second + 1).is_certain(Moment(second + 30_000_000)));
        assert!(!stamp(second + 1).is_certain(Moment(second + 3_000_000)));
        // Whole seconds: the file system knows no finer ones.
        assert!(!stamp(second).is_certain(Moment(second + 30_000_000)));
        assert!(stamp(second).is_certain(Moment(4 * second)));
        // A clock that goes backwards makes nothing certain.
        assert!(!stamp(9 * second + 1).is_certain(Moment(second)));
    }
}
