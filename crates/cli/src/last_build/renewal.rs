//! The present time for files that changed and look older.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};

use crate::printer::{Printer, count};

/// Gives it to them, and says so.
pub(super) fn renew(backdated: &[Utf8PathBuf], printer: &Printer) {
    let (mut renewed, mut refused) = (Vec::new(), Vec::new());
    for path in backdated {
        match present_time(path) {
            Ok(()) => renewed.push(path),
            Err(error) => refused.push((path, error)),
        }
    }
    if let [(path, error), ..] = refused.as_slice() {
        printer.warn(&format!(
            "`{path}` has changed, but looks older than what was compiled last, and its time cannot be set ({error}): build \
             with --force if Mix does not compile it"
        ));
    }
    let given = "  given the present time, because what has changed does not look so:";
    match renewed.as_slice() {
        [] => {}
        [path] => printer.say(&format!("{given} `{path}`")),
        [path, ..] => {
            printer.say(&format!("{given} {} files, `{path}` the first of them", count(renewed.len())));
        }
    }
}

/// Sets the time of a file to now, or where it is of this second already, which is as exactly as Mix looks, to the next one.
fn present_time(path: &Utf8Path) -> io::Result<()> {
    let file = std::fs::File::options().append(true).open(path)?;
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let was = seconds(file.metadata()?.modified()?);
    while seconds(SystemTime::now()) == was {
        std::thread::sleep(Duration::from_millis(5));
    }
    file.set_modified(SystemTime::now())
}
