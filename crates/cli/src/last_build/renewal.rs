//! The present time for files that changed and look older.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};

use crate::printer::{Printer, count};

/// Gives it to them, and says so.
pub(super) fn renew(backdated: &[Utf8PathBuf], printer: &Printer) {
    let refused: Vec<_> =
        backdated.iter().filter_map(|path| present_time(path).err().map(|error| (path, error))).collect();
    if let Some((path, error)) = refused.first() {
        printer.warn(&format!(
            "`{path}` has changed, but looks older than what was compiled last, and its time cannot be set ({error}): build \
             with --force if Mix does not compile it"
        ));
    }
    let renewed = backdated.len() - refused.len();
    let first = backdated.iter().find(|path| refused.iter().all(|(refused, _)| refused != path));
    match (first, renewed) {
        (Some(path), 1) => printer.say(&format!("  given the present time, because it has changed and does not look so: `{path}`")),
        (Some(path), _) => printer.say(&format!(
            "  given the present time, because they have changed and do not look so: {} files, `{path}` the first of them",
            count(renewed)
        )),
        (None, _) => {}
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
