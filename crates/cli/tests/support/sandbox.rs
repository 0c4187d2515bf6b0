//! A place of its own for every test: directory, HOME, caches, environment.

#![allow(dead_code, reason = "every test executable uses its part")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

#[path = "hang.rs"]
mod hang;

/// A temporary directory, and commands that know nothing else of the machine than PATH.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("beamship-test-").tempdir().unwrap();
        for name in ["home", "cache", "tmp"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        share_compiled_bridge(directory.path());
        Self { directory }
    }

    pub(crate) fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.path()).unwrap()
    }

    /// A command with a cleared environment.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("LANG", "C.UTF-8")
            .env("HOME", self.path().join("home"))
            .env("MIX_HOME", self.path().join("home/.mix"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("TMPDIR", self.path().join("tmp"))
            .env("RELEASE_DISTRIBUTION", "none")
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// `beamship`, as it was built for these tests.
    pub(crate) fn beamship(&self, project: &Utf8Path, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_beamship"));
        command.current_dir(project).args(arguments);
        command
    }

    /// `mix` in the environment `prod`.
    pub(crate) fn mix(&self, project: &Utf8Path, arguments: &[&str]) -> Command {
        let mut command = self.command("mix");
        command.current_dir(project).env("MIX_ENV", "prod").args(arguments);
        command
    }

    /// Copies a program to where it will be run. Another process writes it: a test that starts a process at the same
    /// moment would make it inherit the open file, which then cannot be run.
    pub(crate) fn install(&self, program: impl AsRef<Path>, path: &Utf8Path) {
        succeed(self.command("install").args(["-m", "755"]).arg(program.as_ref()).arg(path));
    }

    /// A path in the sandbox.
    pub(crate) fn join(&self, name: &str) -> Utf8PathBuf {
        self.path().join(name)
    }
}

impl Drop for Sandbox {
    /// A virtual machine that is just stopping finds its code gone with the directory, and may then never end: one of Elixir
    /// 1.20 was found that had taken a core for half an hour, and a gigabyte.
    fn drop(&mut self) {
        for process in virtual_machines(self.directory.path()) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}

/// The virtual machines of releases in a directory. (An `epmd` may serve those of other tests too.)
fn virtual_machines(directory: &Path) -> Vec<rustix::process::Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_one = |process: &Path| {
        let arguments = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let program = arguments.split(|byte| *byte == 0).next().unwrap_or_default();
        let program = Path::new(OsStr::from_bytes(program));
        program.starts_with(directory) && program.ends_with("beam.smp")
    };
    let ones = entries.filter(|entry| is_one(&entry.path()));
    ones.filter_map(|entry| rustix::process::Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Compiling the bridge takes most of a second, and its name says of what it was made: all tests share it.
fn share_compiled_bridge(sandbox: &Path) {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bridge");
    std::fs::create_dir_all(&shared).unwrap();
    // As beamship makes it, whatever the umask of these tests is.
    let cache = sandbox.join("cache/beamship");
    std::fs::DirBuilder::new().mode(0o700).create(cache).unwrap();
    std::os::unix::fs::symlink(shared, sandbox.join("cache/beamship/bridge")).unwrap();
}

/// What a command wrote and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// How long a command may take. It is there so that one that never ends is a failed test, not a test that never ends.
const DEADLINE: Duration = Duration::from_secs(300);

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {program} (these tests need Elixir): {error}"));
    let group = child.id();
    let (ended, end) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let late = end.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout);
        late.then(|| {
            let report = hang::report(group);
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).status();
            report
        })
    });
    let outcome = child.wait_with_output();
    drop(ended);
    let Output { status, stdout, stderr } = outcome.unwrap_or_else(|error| panic!("{program}: {error}"));
    if let Some(report) = watch.join().unwrap() {
        let [stdout, stderr] = [&stdout, &stderr].map(|text| String::from_utf8_lossy(text));
        panic!("{command:?} did not end\n{stdout}\n{stderr}\n{report}");
    }
    Outcome {
        status: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// Runs a command that must succeed.
pub(crate) fn succeed(command: &mut Command) -> Outcome {
    let outcome = run(command);
    assert_eq!(outcome.status, Some(0), "{command:?}\n{}\n{}", outcome.stdout, outcome.stderr);
    outcome
}

/// Runs a command that must fail with status 1 and a message on stderr, and gives the message.
pub(crate) fn fail(command: &mut Command) -> String {
    let outcome = run(command);
    assert_eq!(outcome.status, Some(1), "{command:?}\n{}\n{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.stdout, "", "stdout is for data: {command:?}");
    outcome.stderr
}
