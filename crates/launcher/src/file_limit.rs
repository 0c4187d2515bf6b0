//! How many files the virtual machine may have open.
//!
//! It makes its table of ports as large as that limit, twelve bytes each, and before it runs a program it closes as many
//! file descriptors. Container engines set the limit to a million or a billion: that is memory (1.6 GB for a billion) and
//! minutes of closing, for files that are never opened. So a high limit is lowered for the virtual machine, to a number that
//! is reasonable for the memory of the container. A `+Q` in the arguments of the virtual machine is respected. The hard
//! limit stays.

#![allow(unsafe_code, reason = "resource limits are system calls that std does not have")]

use std::path::Path;

use crate::environment::Environment;
use crate::vm_arguments::has_flag;

/// The limit is never lowered below this.
const MINIMUM: u64 = 65_536;

/// A higher limit is always lowered to this. It costs 12 MB.
const MAXIMUM: u64 = 1 << 20;

/// The size of an entry of the table in bytes.
const ENTRY_SIZE: u64 = 12;

/// The table may take this fraction of the memory: one byte in so many.
const MEMORY_SHARE: u64 = 64;

/// Lowers the limit of this process, and so of the virtual machine that it starts.
pub(crate) fn lower(environment: &Environment) {
    let Some((soft, hard)) = limit() else { return };
    let lowered = limit_for(memory());
    if soft > lowered && !has_flag(environment, "+Q") {
        set_limit(lowered, hard);
    }
}

/// The limit for a memory of this size, in bytes.
fn limit_for(memory: Option<u64>) -> u64 {
    memory.map_or(MAXIMUM, |bytes| bytes / MEMORY_SHARE / ENTRY_SIZE).clamp(MINIMUM, MAXIMUM)
}

/// The soft limit on open files, which child processes inherit.
pub(crate) fn open_files() -> Option<u64> {
    limit().map(|(soft, _)| soft)
}

/// The memory that this process's control group may use, in bytes; none when it may use all.
pub(crate) fn memory() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let files = [
        Path::new("/sys/fs/cgroup").join(own).join("memory.max"),
        "/sys/fs/cgroup/memory.max".into(),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".into(),
    ];
    // Without a limit the first has the word `max`, and the last a number beyond all memory.
    files.iter().find_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok())
}

/// The soft and the hard limit.
fn limit() -> Option<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a value of this frame.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    (result == 0).then_some((limit.rlim_cur, limit.rlim_max))
}

fn set_limit(soft: u64, hard: u64) {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the pointer is to a value of this frame. A refusal leaves the limit as it was, which works too.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_follows_the_memory() {
        assert_eq!(limit_for(None), MAXIMUM);
        assert_eq!(limit_for(Some(u64::MAX)), MAXIMUM);
        assert_eq!(limit_for(Some(16 << 20)), MINIMUM);
        assert_eq!(limit_for(Some(256 << 20)), 349_525);
    }

    #[test]
    fn there_is_a_limit() {
        let (soft, hard) = limit().unwrap();
        assert!(soft > 0 && soft <= hard);
    }
}
