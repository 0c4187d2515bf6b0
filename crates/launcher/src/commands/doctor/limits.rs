//! What the system may use of the machine.

use diagnosis::Findings;

use super::{count, size};
use crate::file_limit;
use crate::schedulers::processors;

/// Every connection is an open file. With fewer than this a busy system turns some away.
const MINIMUM_FILES: u64 = 4096;

/// Less than this is not enough for much more than the virtual machine itself, in bytes.
const MINIMUM_MEMORY: u64 = 96 << 20;

pub(super) fn check(findings: &mut Findings) {
    if let Some(files) = file_limit::open_files() {
        let message = format!("{} at most", count(files));
        if files < MINIMUM_FILES {
            findings.warning("open_files", format_args!("{message}, and each connection is one"), format_args!("raise it: LimitNOFILE=65536 in the unit, `--ulimit nofile=65536` for a container, `ulimit -n 65536` in rel/env.sh.eex"));
        } else {
            findings.ok("open_files", format_args!("{message}"));
        }
    }
    // Without a limit some control groups have a number beyond all memory.
    let whole = memory_of_the_machine();
    let limit = file_limit::memory().filter(|limit| whole.is_none_or(|whole| *limit < whole));
    match (limit, whole) {
        (Some(limit), _) if limit < MINIMUM_MEMORY => findings.warning(
            "memory",
            format_args!("the control group may use {}", size(limit)),
            format_args!("give the container or unit more: a Phoenix application takes 100 to 250 MB"),
        ),
        (Some(limit), _) => findings.ok("memory", format_args!("the control group may use {}", size(limit))),
        (None, Some(whole)) => {
            findings.ok("memory", format_args!("no limit below the machine's {}", size(whole)));
        }
        (None, None) => {}
    }
    let (usable, all) = processors();
    findings.ok("processors", format_args!("{usable} of {all}"));
}

/// In bytes.
fn memory_of_the_machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    kilobytes.checked_mul(1024)
}
