//! The present time for files that changed and look older.

use std::io;
use std::time::{Duration, Instant, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};

use crate::printer::{Printer, count};

/// How long the clock may take to reach the next second.
const PATIENCE: Duration = Duration::from_secs(3);

/// Gives it to those of the project's own, and says so; why that does not help, if it does not.
pub(super) fn renew(backdated: &[(Utf8PathBuf, bool)], printer: &Printer) -> Option<String> {
    let mut renewed = Vec::new();
    let mut refused = None;
    for (path, is_own) in backdated {
        let result = if *is_own { present_time(path) } else { Err("it is not the project's".to_owned()) };
        match result {
            Ok(()) => renewed.push(path),
            Err(reason) => refused = Some((path, reason)),
        }
    }
    let given = "  given the present time, because what has changed does not look so:";
    match renewed.as_slice() {
        [] => {}
        [path] => printer.say(&format!("{given} `{path}`")),
        [path, ..] => {
            printer.say(&format!("{given} {} files, `{path}` the first of them", count(renewed.len())));
        }
    }
    let (path, reason) = refused?;
    Some(format!("`{path}` has changed without looking so, and cannot be given the present time ({reason})"))
}

/// Sets the time of a file to now, or where it is of this second already, which is as exactly as Mix looks, to the next one.
/// The right to write to it is enough for that, and so is owning it. Links are not followed.
fn present_time(path: &Utf8Path) -> Result<(), String> {
    let modified = || -> io::Result<u64> {
        let time = fs_err::symlink_metadata(path)?.modified()?;
        Ok(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
    };
    let text = |error: io::Error| error.to_string();
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times =
        Timestamps { last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }, last_modification: now };
    let was = modified().map_err(text)?;
    let begin = Instant::now();
    loop {
        utimensat(CWD, path.as_str(), &times, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| text(error.into()))?;
        if modified().map_err(text)? != was {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            return Err("the clock stands still".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
