//! Ends a process with all that it has started.
//!
//! OTP starts every program of a virtual machine (`System.cmd/3`, ports) in a session of its own, which no signal to a
//! process group reaches. So they are found by their parents, in `/proc`. Each is stopped as soon as it is found, and all
//! are killed when there are no more: what runs on could start something meanwhile, and the children of what has ended
//! cannot be told from anybody's.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group};

/// How long is waited until everything stands still. A process that is another user's cannot be stopped.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// Kills a child of this process that was not waited for, its process group, and all its descendants. Where there is no
/// `/proc`, the group is all that is found.
pub fn kill_with_descendants(child: u32) {
    let Some(child) = i32::try_from(child).ok().and_then(Pid::from_raw) else { return };
    let family = match Process::of(child) {
        // It was waited for after all, and another process has got its number.
        Some(process) if process.parent != Some(getpid()) => return,
        Some(_) => stopped_family(child),
        None => vec![child],
    };
    // The first one last: its end is what somebody may be waiting for. Errors mean that a process has ended, or is not ours.
    for process in family.into_iter().rev() {
        let _ = kill_process(process, Signal::KILL);
    }
    let _ = kill_process_group(child, Signal::KILL);
}

/// The process and its descendants, each after its parent, all of them stopped.
fn stopped_family(first: Pid) -> Vec<Pid> {
    let deadline = Instant::now() + PATIENCE;
    let _ = kill_process(first, Signal::STOP);
    let mut family = vec![first];
    loop {
        let all = Process::all();
        let mut stands_still = true;
        for process in &all {
            if family.contains(&process.pid) {
                stands_still &= process.stands_still;
            } else if process.parent.is_some_and(|parent| family.contains(&parent)) {
                let _ = kill_process(process.pid, Signal::STOP);
                family.push(process.pid);
                stands_still = false;
            }
        }
        if stands_still || Instant::now() >= deadline {
            return family;
        }
        std::thread::sleep(PAUSE);
    }
}

/// What `/proc` says of a process (proc(5)).
struct Process {
    pid: Pid,
    /// None when it is in another namespace.
    parent: Option<Pid>,
    /// It is stopped, has ended, or is in a system call that nothing interrupts: `vfork` returns when the child goes on,
    /// which is stopped.
    stands_still: bool,
}

impl Process {
    fn of(pid: Pid) -> Option<Self> {
        let stat = fs_err::read(format!("/proc/{pid}/stat")).ok()?;
        // Behind the name of the program, which may hold anything: the state, and then numbers.
        let fields = String::from_utf8_lossy(stat.rsplit(|byte| *byte == b')').next()?).into_owned();
        let mut fields = fields.split_whitespace();
        let stands_still = matches!(fields.next()?, "T" | "t" | "Z" | "X" | "D");
        let parent = Pid::from_raw(fields.next()?.parse().ok()?);
        Some(Self { pid, parent, stands_still })
    }

    /// All that there are.
    fn all() -> Vec<Self> {
        let entries = fs_err::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter_map(Pid::from_raw).filter_map(Self::of).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn child(script: &str, directory: &std::path::Path) -> std::process::Child {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// A process, once it has written its number.
    fn written(path: &std::path::Path) -> Pid {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let text = fs_err::read_to_string(path).unwrap_or_default();
            if let Some(pid) = text.strip_suffix('\n').and_then(|text| Pid::from_raw(text.parse().unwrap())) {
                return pid;
            }
            assert!(Instant::now() < deadline, "it does not start");
            std::thread::sleep(PAUSE);
        }
    }

    /// Ctrl-C while a step ran `System.cmd/3` left the program, and what it wrote went to the release that was put back.
    #[test]
    fn sessions_of_their_own_do_not_save_descendants() {
        let directory = tempfile::tempdir().unwrap();
        let script = "setsid sh -c 'echo $$ >one; setsid sh -c \"echo \\$\\$ >two; sleep 600; :\"; :'; :";
        let mut first = child(script, directory.path());
        let descendants = ["one", "two"].map(|name| written(&directory.path().join(name)));
        kill_with_descendants(first.id());
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&first.wait().unwrap()), Some(9));
        let deadline = Instant::now() + Duration::from_secs(60);
        for pid in descendants {
            while Process::of(pid).is_some_and(|process| !process.stands_still) {
                assert!(Instant::now() < deadline, "{pid} is still there");
                std::thread::sleep(PAUSE);
            }
        }
    }

    #[test]
    fn what_is_no_child_of_ours_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = child("sh -c 'echo $$ >one; sleep 600; :'; :", directory.path());
        let grandchild = written(&directory.path().join("one"));
        kill_with_descendants(u32::try_from(grandchild.as_raw_nonzero().get()).unwrap());
        kill_with_descendants(0);
        kill_with_descendants(u32::MAX);
        // For a moment it stands still by itself, while it starts its own child.
        let deadline = Instant::now() + Duration::from_secs(60);
        while Process::of(grandchild).is_none_or(|process| process.stands_still) {
            assert!(Instant::now() < deadline, "it does not run any more");
            std::thread::sleep(PAUSE);
        }
        kill_with_descendants(first.id());
        first.wait().unwrap();
    }
}
