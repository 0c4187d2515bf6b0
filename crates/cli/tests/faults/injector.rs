//! The program that lets system calls of another one fail.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::io::Errno;

use crate::sandbox::{Outcome, Sandbox, run};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/injector.c");

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ends with this error.
    Error(Errno),
    /// The program is killed before it.
    Kill,
}

/// All that are tried.
pub(crate) const FAULTS: [Fault; 4] =
    [Fault::Error(Errno::NOSPC), Fault::Error(Errno::IO), Fault::Error(Errno::ACCESS), Fault::Kill];

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match *self {
            Self::Error(Errno::NOSPC) => "ENOSPC",
            Self::Error(Errno::IO) => "EIO",
            Self::Error(Errno::ACCESS) => "EACCES",
            Self::Error(_) => "another error",
            Self::Kill => "SIGKILL",
        })
    }
}

/// A system call of the program on something in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) number: usize,
    pub(crate) name: String,
    /// The mode that it gives to what it creates.
    pub(crate) mode: Option<u32>,
    pub(crate) path: Utf8PathBuf,
    pub(crate) failed: bool,
}

/// Runs a command in which call `number` fails (0: none), and tells its calls.
pub(crate) fn run_with(
    sandbox: &Sandbox,
    below: &Utf8Path,
    number: usize,
    fault: Fault,
    command: &Command,
) -> (Outcome, Vec<Call>) {
    let log = tempfile::NamedTempFile::new_in(sandbox.join("tmp")).unwrap();
    let word = match fault {
        Fault::Error(error) => error.raw_os_error().to_string(),
        Fault::Kill => "kill".to_owned(),
    };
    let mut injected = Command::new(injector());
    injected.arg(below).arg(log.path()).args([&number.to_string(), &word]);
    injected
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .stdin(std::process::Stdio::null());
    for (name, value) in command.get_envs() {
        injected.envs(value.map(|value| (name, value)));
    }
    // One thread writes, so that the same number is the same call each time.
    injected.env("RAYON_NUM_THREADS", "1");
    if let Some(directory) = command.get_current_dir() {
        injected.current_dir(directory);
    }
    let outcome = run(&mut injected);
    assert_ne!(outcome.status, Some(125), "{}", outcome.stderr);
    let text = std::fs::read_to_string(log.path()).unwrap();
    (outcome, text.lines().map(call).collect())
}

fn call(line: &str) -> Call {
    let (line, failed) = line.strip_suffix(" !").map_or((line, false), |line| (line, true));
    let mut words = line.splitn(3, ' ');
    let number = words.next().unwrap().parse().unwrap();
    let (name, path) = (words.next().unwrap(), words.next().unwrap().into());
    let (name, mode) = name.split_once(':').map_or((name, None), |(name, mode)| (name, Some(mode)));
    let mode = mode.map(|mode| u32::from_str_radix(mode, 8).unwrap());
    Call { number, name: name.to_owned(), mode, path, failed }
}

/// The compiled injector. It is linked statically and kept in the target directory, because the other toolchains' roots
/// have no compiler.
fn injector() -> &'static Utf8Path {
    static INJECTOR: OnceLock<Utf8PathBuf> = OnceLock::new();
    INJECTOR.get_or_init(|| {
        let mut hash = DefaultHasher::new();
        std::fs::read(SOURCE).unwrap().hash(&mut hash);
        let directory = Utf8Path::new(env!("CARGO_TARGET_TMPDIR"));
        let program = directory.join(format!("injector-{:016x}", hash.finish()));
        if !program.exists() {
            std::fs::create_dir_all(directory).unwrap();
            let draft = directory.join(format!("injector-{}", std::process::id()));
            let mut compiler = Command::new("gcc");
            compiler.args(["-O1", "-Wall", "-Wextra", "-Werror", "-static", "-o", draft.as_str(), SOURCE]);
            let status = compiler.status().expect("gcc is needed: run these tests on the host first");
            assert!(status.success(), "{compiler:?}");
            std::fs::rename(&draft, &program).unwrap();
        }
        program
    })
}
