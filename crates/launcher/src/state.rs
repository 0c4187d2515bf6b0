//! The state file: what a start tells the control commands.
//!
//! It says which process the system is and, where EPMD is not used, on which port its node listens. It is private, and
//! it cannot lie: the process is identified by its number, the moment at which it was started and the boot of the
//! machine, and a file whose process is gone counts as none.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use etf::Term;

use crate::distribution::is_none;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::private_file;
use crate::start_lock::StartLock;

/// A running system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// `RELEASE_NODE`.
    pub(crate) node: String,
    /// The process of the virtual machine.
    pub(crate) process: Process,
    /// The port that the node listens on, where the launcher has chosen it.
    pub(crate) port: Option<u16>,
}

/// A process, identified beyond the reuse of its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: u32,
    /// When it was started, in ticks since the machine's boot.
    started: u64,
    /// The boot of the machine.
    boot: String,
}

impl Process {
    /// The process with this number, if it is running.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Behind the name of the program, which may hold anything: the state, and then numbers (proc(5)).
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        let started = fields.get(19)?.parse().ok()?;
        let is_zombie = fields.first() == Some(&"Z");
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        (!is_zombie).then(|| Self { pid, started, boot: boot.trim().to_owned() })
    }

    /// Whether it is still there.
    pub(crate) fn is_running(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }
}

impl State {
    /// The system that runs under this environment's `RELEASE_NODE`, if its launcher could tell.
    pub(crate) fn of_running(environment: &Environment) -> Option<Self> {
        match StateFile::read(environment) {
            StateFile::Running(state) => Some(state),
            _ => None,
        }
    }

    /// Writes it atomically, readable for this user only.
    pub(crate) fn write(&self, environment: &Environment) -> Result<(), Failure> {
        let Some(path) = path(environment) else { return Ok(()) };
        private_file::write(&path, self.text().as_bytes()).map_err(|error| {
            Failure::cannot("write", path.display(), error)
                .hint("RELEASE_TMP has to be a directory that the system may write to")
        })
    }

    /// Removes it when the system has ended, and leaves that of the next one.
    pub(crate) fn remove(environment: &Environment, process: &Process) {
        let Some(path) = path(environment) else { return };
        let _lock = StartLock::for_stop(environment);
        let text = private_file::open(&path).and_then(std::io::read_to_string);
        let is_its = text.ok().and_then(|text| Self::parse(text.as_bytes()));
        if is_its.is_some_and(|state| state.process == *process) {
            let _ = std::fs::remove_file(path);
        }
    }

    pub(crate) fn text(&self) -> String {
        let text = |text: &str| etf::text::pretty(&Term::string(text));
        let port = self.port.map_or("none".to_owned(), |port| port.to_string());
        format!(
            "% Written by the start of the system, for its control commands.\n\
             {{node, {}}}.\n{{os_pid, {}}}.\n{{started, {}}}.\n{{boot, {}}}.\n{{port, {port}}}.\n",
            text(&self.node),
            self.process.pid,
            self.process.started,
            text(&self.process.boot)
        )
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let terms = Term::List(etf::text::consult(text).ok()?);
        let number = |key: &str| terms.property(key).and_then(Term::as_integer);
        Some(Self {
            node: terms.property("node")?.to_text()?,
            process: Process {
                pid: u32::try_from(number("os_pid")?).ok()?,
                started: u64::try_from(number("started")?).ok()?,
                boot: terms.property("boot")?.to_text()?,
            },
            port: number("port").and_then(|port| u16::try_from(port).ok()),
        })
    }
}

/// Whether a file was written by who runs this command or owns the release. RELEASE_TMP may be a directory for
/// everybody, and a file of somebody else's would have us prove our cookie to a node of theirs.
pub(crate) fn is_trusted(file: &File, environment: &Environment) -> bool {
    let owner = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.uid());
    let trusted = [owner(Path::new("/proc/self")), owner(&environment.path("RELEASE_ROOT"))];
    file.metadata().is_ok_and(|metadata| trusted.into_iter().flatten().any(|uid| uid == metadata.uid()))
}

/// The state file, as a control command finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StateFile {
    /// There is none, or none that could be read.
    Missing,
    /// It belongs to somebody else.
    Untrusted(PathBuf),
    /// It is damaged, or of another node.
    Invalid(PathBuf),
    /// Its process is gone.
    Stale(PathBuf, u32),
    /// The system runs.
    Running(State),
}

impl StateFile {
    /// Reads and checks it.
    pub(crate) fn read(environment: &Environment) -> Self {
        let Some(path) = path(environment) else { return Self::Missing };
        let Ok(mut file) = private_file::open(&path) else { return Self::Missing };
        if !is_trusted(&file, environment) {
            return Self::Untrusted(path);
        }
        let mut text = Vec::new();
        let read = file.read_to_end(&mut text).ok();
        let Some(state) = read.and_then(|_| State::parse(&text)) else { return Self::Invalid(path) };
        if environment.text("RELEASE_NODE").ok() != Some(&state.node) {
            return Self::Invalid(path);
        }
        if state.process.is_running() { Self::Running(state) } else { Self::Stale(path, state.process.pid) }
    }
}

/// `RELEASE_TMP/NODE.state`. Systems without distribution have no names, and any number of them may run beside the one that
/// has: theirs is another file, which says something of the last one.
fn path(environment: &Environment) -> Option<PathBuf> {
    path_of(environment, if is_none(environment) { "undistributed.state" } else { "state" })
}

/// A file of this node's in `RELEASE_TMP`. A node whose name cannot be a file name has none.
pub(crate) fn path_of(environment: &Environment, kind: &str) -> Option<PathBuf> {
    let node = environment.text("RELEASE_NODE").ok()?;
    (!node.contains('/') && !node.is_empty())
        .then(|| environment.path("RELEASE_TMP").join(format!("{node}.{kind}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(process: Process) -> State {
        State { node: "demo@\"h".to_owned(), process, port: Some(4711) }
    }

    #[test]
    fn what_is_written_is_read() {
        let process = Process::of(std::process::id()).unwrap();
        for port in [None, Some(1)] {
            let state = State { port, ..state(process.clone()) };
            assert_eq!(State::parse(state.text().as_bytes()), Some(state));
        }
    }

    /// `a_start_right_after_a_stop_waits_for_it` failed in CI: the launcher of the stopped system had read its own file, and
    /// removed that of the next one.
    #[test]
    fn the_end_of_one_system_leaves_the_file_of_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut environment = Environment::default();
        environment.set("RELEASE_TMP", directory.path());
        environment.set("RELEASE_NODE", "demo@\"h");
        environment.set("RELEASE_DISTRIBUTION", "sname");
        let own = Process::of(std::process::id()).unwrap();
        let earlier = Process { pid: own.pid + 1, ..own.clone() };
        for _ in 0..500 {
            state(earlier.clone()).write(&environment).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| State::remove(&environment, &earlier));
                scope.spawn(|| {
                    let _lock = StartLock::for_start(&environment);
                    state(own.clone()).write(&environment).unwrap();
                });
            });
            assert_eq!(State::of_running(&environment).map(|state| state.process), Some(own.clone()));
        }
        State::remove(&environment, &own);
        assert!(!directory.path().join("demo@\"h.state").exists());
    }

    #[test]
    fn broken_files_are_none() {
        for text in ["", "{node, x}.", "garbage", "{node,\"a\"}.\n{os_pid,-1}.\n{started,1}.\n{boot,\"\"}."] {
            assert_eq!(State::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_process_is_not_taken_for_another_one() {
        let own = Process::of(std::process::id()).unwrap();
        assert!(own.is_running());
        let earlier = Process { started: own.started - 1, ..own.clone() };
        let before_the_reboot = Process { boot: "another".to_owned(), ..own };
        assert!(!earlier.is_running() && !before_the_reboot.is_running());
    }
}
