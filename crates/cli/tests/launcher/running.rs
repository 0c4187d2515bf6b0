//! A system that was started and has to end.

use std::collections::BTreeMap;
use std::process::{Child, Command};

use camino::Utf8Path;
use rustix::process::{Pid, Signal, kill_process};

use crate::files::{wait_for, wait_until};

/// A launcher that runs. Its system is told to stop when this is dropped.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end; gives the exit status.
    pub(crate) fn status(&mut self) -> Option<i32> {
        let mut status = None;
        wait_until("the launcher ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the application has reported: one `key=value` in a line.
pub(crate) fn report(path: &Utf8Path) -> BTreeMap<String, String> {
    let text = wait_for(path, |text| !text.is_empty());
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

/// The process that a report names.
pub(crate) fn pid(report: &BTreeMap<String, String>) -> Pid {
    Pid::from_raw(report["pid"].parse().unwrap()).unwrap()
}

/// Whether a process has ended, even if nobody has asked for its status yet.
pub(crate) fn has_ended(pid: Pid) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())) else {
        return true;
    };
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

/// The process that has started another one.
pub(crate) fn parent(pid: Pid) -> Pid {
    Pid::from_raw(stat_field(&pid.as_raw_nonzero().to_string(), 1)).unwrap()
}

/// The session of a process (`self` is the test's own); 0 when its leader is outside of our PID namespace, which is why
/// this is read as a plain number and not as a `Pid`.
pub(crate) fn session(process: &str) -> i32 {
    stat_field(process, 3)
}

/// A number behind the name of the program in `/proc/PROCESS/stat` (proc(5)); the state is field 0.
fn stat_field(process: &str, index: usize) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(index).unwrap().parse().unwrap()
}

/// Stops a process that has no launcher any more.
pub(crate) fn end(pid: Pid) {
    let _ = kill_process(pid, Signal::TERM);
    wait_until("the virtual machine ends", || has_ended(pid));
}
