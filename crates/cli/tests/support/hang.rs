//! What the processes of a command do that does not end: without that, a test that hangs once in a thousand runs, on another
//! machine, says nothing.

use std::fmt::Write as _;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The processes of a group, with where each one waits, and the Erlang processes of its virtual machines.
pub(super) fn report(group: u32) -> String {
    let mut report = String::from("its processes:\n");
    for process in processes(group) {
        let field = |name: &str| read_to_string(process.join(name)).unwrap_or_default();
        let arguments = field("cmdline").replace('\0', " ");
        let _ = writeln!(report, "{} {arguments}\n  {}", process.display(), field("stat").trim());
        for thread in entries(&process.join("task")) {
            let name = read_to_string(thread.join("comm")).unwrap_or_default();
            let place = read_to_string(thread.join("wchan")).unwrap_or_default();
            let call = read_to_string(thread.join("syscall")).unwrap_or_default();
            let _ = writeln!(report, "  {}: {place} {}", name.trim(), call.trim());
        }
        if field("comm").trim() == "beam.smp" {
            report += &erlang_processes(&process).unwrap_or_else(|| "  it writes no crash dump\n".into());
        }
    }
    report
}

fn processes(group: u32) -> Vec<PathBuf> {
    let mut processes = entries(Path::new("/proc"));
    processes.retain(|process| {
        // The fields after the name, which is in parentheses: state, parent, group.
        let stat = read_to_string(process.join("stat")).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        fields.split_whitespace().nth(2) == Some(&group.to_string())
    });
    processes
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Asks a virtual machine for its crash dump, which ends it, and takes the processes out of that.
fn erlang_processes(process: &Path) -> Option<String> {
    let dump = process.join("cwd").read_link().ok()?.join("erl_crash.dump");
    let _ = std::fs::remove_file(&dump);
    let pid = process.file_name()?;
    Command::new("kill").arg("-USR1").arg(pid).status().ok()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let text = loop {
        let text =
            std::fs::read(&dump).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
        if text.ends_with("=end\n") || (Instant::now() > deadline && !text.is_empty()) {
            break text;
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let wanted =
        ["=proc:", "Name:", "State:", "Spawned as:", "Program counter:", "0x", "Message queue length:"];
    let is_wanted = |line: &&str| wanted.iter().any(|start| line.starts_with(start));
    Some(text.lines().filter(is_wanted).map(|line| format!("  {line}\n")).collect())
}
