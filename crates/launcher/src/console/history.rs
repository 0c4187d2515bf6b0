//! Lines that were entered, stored from one console to the next.
//!
//! They are in `$XDG_STATE_HOME/beamship/RELEASE/history`, readable for this user only. Every line is appended by one
//! write, and the file is shortened only while no other console has it open (each has a shared lock on it): so those that
//! are open at the same time lose none of each other's. A directory that cannot be written means a history for this
//! console only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::environment::env_var;

/// Lines that are offered.
const ENTRIES: usize = 1000;

/// A file that is larger is shortened to its last entries.
const FILE_BYTES: u64 = 256 << 10;

/// The history of a release's console, the newest line last.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: Vec<String>,
    file: Option<File>,
}

impl History {
    /// Reads and opens the file of this release.
    pub(crate) fn open(release: &str) -> Self {
        match path(release) {
            Some(path) => Self::open_at(&path),
            None => Self::default(),
        }
    }

    fn open_at(path: &Path) -> Self {
        if let Some(directory) = path.parent() {
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).ok();
        if let Some(file) = &file {
            // A file system without locks: then it grows.
            if file.metadata().is_ok_and(|metadata| metadata.len() > FILE_BYTES) && file.try_lock().is_ok() {
                let _ = shorten(path);
                let _ = file.unlock();
            }
            let _ = file.lock_shared();
        }
        Self { entries: entries_of(path), file }
    }

    /// Adds a line, unless it is empty or the same as the last one.
    pub(crate) fn add(&mut self, line: &str) {
        if line.trim().is_empty() || self.entries.last().is_some_and(|last| last == line) {
            return;
        }
        self.entries.push(line.to_owned());
        if let Some(file) = &mut self.file
            && file.write_all(format!("{line}\n").as_bytes()).is_err()
        {
            self.file = None;
        }
    }

    /// A line, counted from the newest.
    pub(super) fn entry(&self, index: usize) -> Option<&str> {
        self.entries.iter().rev().nth(index).map(String::as_str)
    }

    /// The newest line that contains a text; of those before `current` when that is given.
    pub(super) fn search(&self, text: &str, current: Option<&str>) -> Option<&str> {
        let mut entries = self.entries.iter().rev().map(String::as_str);
        if let Some(current) = current {
            entries.find(|entry| *entry == current);
        }
        entries.find(|entry| entry.contains(text))
    }
}

/// The last lines of the file; none when there is none.
fn entries_of(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut entries: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    entries.drain(..entries.len().saturating_sub(ENTRIES));
    entries
}

/// Moves the last entries to the beginning of the file. It stays the same file: another console may be about to lock it.
/// What is cut off comes last, so a full disk, or the end of this process, loses none of them.
fn shorten(path: &Path) -> std::io::Result<()> {
    let text: String = entries_of(path).iter().map(|entry| format!("{entry}\n")).collect();
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

fn path(release: &str) -> Option<PathBuf> {
    if release.is_empty() || release.contains('/') {
        return None;
    }
    let state = env_var("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| env_var("HOME").map(|home| PathBuf::from(home).join(".local/state")))?;
    Some(state.join("beamship").join(release).join("history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("beamship-history-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        directory
    }

    #[test]
    fn lines_are_there_in_the_next_console() {
        let directory = directory("next");
        let path = directory.join("a/history");
        let (mut one, mut other) = (History::open_at(&path), History::open_at(&path));
        one.add("first");
        other.add("second");
        one.add("first again");
        one.add("first again");
        one.add("  ");
        let next = History::open_at(&path);
        assert_eq!(next.entries, ["first", "second", "first again"]);
        assert_eq!((next.entry(0), next.entry(2), next.entry(3)), (Some("first again"), Some("first"), None));
        assert_eq!(next.search("first", None), Some("first again"));
        assert_eq!(next.search("first", Some("first again")), Some("first"));
        assert_eq!(next.search("third", None), None);
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_large_file_is_shortened() {
        let directory = directory("large");
        let path = directory.join("history");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(&path, "0123456789\n".repeat(30_000)).unwrap();
        assert_eq!(History::open_at(&path).entries.len(), ENTRIES);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 11_000);
        std::fs::remove_dir_all(directory).unwrap();
    }

    /// A console that was open already went on writing to the file that had been replaced.
    #[test]
    fn a_file_that_another_console_has_open_is_not_shortened() {
        let directory = directory("open");
        let path = directory.join("history");
        let mut open = History::open_at(&path);
        std::fs::write(&path, "0123456789\n".repeat(30_000)).unwrap();
        let mut later = History::open_at(&path);
        open.add("of the first");
        later.add("of the second");
        drop((open, later));
        let next = History::open_at(&path);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 998 * 11 + 13 + 14);
        assert_eq!((next.entry(0), next.entry(1)), (Some("of the second"), Some("of the first")));
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn without_a_file_there_is_a_history_all_the_same() {
        let mut history = History::open_at(Path::new("/proc/none/history"));
        history.add("kept");
        assert_eq!(history.entry(0), Some("kept"));
    }
}
