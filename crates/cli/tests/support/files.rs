//! Files that tests write and wait for.

#![allow(dead_code, reason = "every test executable uses its part")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use camino::Utf8Path;

/// Writes a file and the directories above it. What was there (it may be a link) is replaced.
pub(crate) fn write(path: &Utf8Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(path);
    std::fs::write(path, text).unwrap();
}

/// Waits until something is so. A system that is expected to start gets a minute, because the machine may be busy.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The text of a file, once it is there and complete.
pub(crate) fn wait_for(path: &Utf8Path, is_complete: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    wait_until(&format!("{path} is complete"), || {
        text = std::fs::read_to_string(path).unwrap_or_default();
        is_complete(&text)
    });
    text
}

/// Waits until what is written gets the time of another second than what has been. Nobody changes a file in the second of its
/// compilation; a build cannot tell then what was compiled.
pub(crate) fn in_the_next_second() {
    // File systems use a clock that is a tick behind.
    let second = || {
        let now = SystemTime::now() - Duration::from_millis(50);
        now.duration_since(UNIX_EPOCH).unwrap().as_secs()
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    wait_until("the clock goes on", || second() > now);
}
