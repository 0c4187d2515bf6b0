//! A start of a release that nobody else sees.
//!
//! It has a node name, a cookie and a `RELEASE_TMP` of its own, so that it is not mistaken for a system that is running. Everything
//! else it has from the environment of this command. It ends with the command, however that ends, and so does what it has
//! written: a SIGKILL leaves the directory to the next trial.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use contract::Mode;
use project::kill_with_descendants;

use crate::cookie;
use crate::hinted_error::HintedError;
use crate::interruption::before_the_end;
use crate::passing_directory::PassingDirectory;

/// How much of what a system has printed is shown when it fails.
const LAST_LINES: usize = 20;

/// How often the system is asked whether it is ready.
const INTERVAL: Duration = Duration::from_millis(50);

/// Why most trial starts fail.
const HINT: &str = "it needs the environment that the system needs: DATABASE_URL, SECRET_KEY_BASE …";

/// How the names of the directories of trials begin.
const PREFIX: &str = "beamship-trial-";

/// How often it is tried to remove the directory of a trial that has been killed, whose processes take a moment to end, and how
/// long is waited between two times.
const REMOVALS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// What can be started, and where its temporary files are.
pub(super) struct Trial {
    program: Utf8PathBuf,
    place: Utf8PathBuf,
    node: String,
    cookie: String,
    children: Children,
    /// Removes the temporary files.
    _directory: PassingDirectory,
}

/// What has been started for a trial and has to end with it. Held while something is started.
#[derive(Clone, Default)]
struct Children(Arc<Mutex<Vec<u32>>>);

impl Children {
    fn spawn(&self, command: &mut Command) -> std::io::Result<Child> {
        let Ok(mut numbers) = self.0.lock() else { return Err(ErrorKind::Interrupted.into()) };
        let child = command.spawn()?;
        numbers.push(child.id());
        Ok(child)
    }

    /// Ends all, and has no more started.
    fn end(&self) {
        let Ok(numbers) = self.0.lock() else { return };
        for number in numbers.iter() {
            kill_with_descendants(*number);
        }
        // For ever: this process is about to end.
        std::mem::forget(numbers);
    }
}

/// The started system, which is stopped when this is dropped.
pub(super) struct Started {
    child: Child,
    /// When it was started.
    pub(super) begin: Instant,
}

impl Started {
    /// Whether it has not ended.
    pub(super) fn runs(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if self.runs() {
            // The virtual machine as well: while it boots, it does not notice that its launcher has ended.
            kill_with_descendants(self.child.id());
            let _ = self.child.wait();
        }
    }
}

impl Trial {
    /// A trial of `bin/NAME`, with a node name that says what it is for. From now on it ends before an interrupt ends this
    /// process.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers, or no temporary directory can be made.
    pub(super) fn new(program: Utf8PathBuf, purpose: &str) -> anyhow::Result<Self> {
        let cookie = String::from_utf8(cookie::random()?)?;
        let directory = PassingDirectory::create_temporary(PREFIX)?;
        let place = directory.path()?.to_owned();
        let children = Children::default();
        let (ending, left) = (children.clone(), place.clone());
        before_the_end(move || {
            ending.end();
            remove(&left);
        })?;
        let node = format!("{purpose}-{}", std::process::id());
        Ok(Self { program, place, node, cookie, children, _directory: directory })
    }

    /// A directory for files of this trial.
    pub(super) fn place(&self) -> &Utf8Path {
        &self.place
    }

    /// Runs another program that has to end with the trial.
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub(super) fn run(&self, command: &mut Command) -> std::io::Result<ExitStatus> {
        self.children.spawn(command)?.wait()
    }

    /// A command of the release, in interactive mode.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("RELEASE_MODE", Mode::Interactive.as_str())
            .env("RELEASE_DISTRIBUTION", "sname")
            .env("RELEASE_EPMD", "none")
            .env("RELEASE_NODE", &self.node)
            .env("RELEASE_COOKIE", &self.cookie)
            .env("RELEASE_TMP", &self.place)
            // A dump would be written to the project, and count as something that a build reads.
            .env("ERL_CRASH_DUMP_BYTES", "0")
            // Should this process be killed, nothing else would stop the system.
            .env(contract::ENDS_WITH, std::process::id().to_string())
            .stdin(Stdio::null());
        command
    }

    /// Starts the system, with a boot script in place of its usual one if there is one. What it prints is kept for
    /// [`Trial::failure`].
    ///
    /// # Errors
    ///
    /// When a file cannot be written, or the launcher not be run.
    pub(super) fn start(&self, mode: Mode, script: Option<&[u8]>) -> anyhow::Result<Started> {
        let output = fs_err::File::create(self.log())?;
        let errors = output.file().try_clone().with_context(|| format!("cannot write `{}`", self.log()))?;
        let mut command = self.command(&["start"]);
        if let Some(script) = script {
            let path = self.place.join("trial");
            fs_err::write(path.with_extension("boot"), script)?;
            command.env("RELEASE_BOOT_SCRIPT", path);
        }
        // As `bin/server` of a Phoenix application has it: otherwise it listens to nobody.
        command.env("PHX_SERVER", "true").env("RELEASE_MODE", mode.as_str());
        command.stdout(output.into_file()).stderr(errors).process_group(0);
        let begin = Instant::now();
        let child =
            self.children.spawn(&mut command).with_context(|| format!("cannot run `{}`", self.program))?;
        Ok(Started { child, begin })
    }

    /// Stops the system in good order; one that does not stop is killed.
    pub(super) fn stop(&self, mut started: Started) {
        if !started.runs() {
            return;
        }
        let stopped = self.command(&["stop", "--wait", "20"]).output();
        if stopped.is_ok_and(|output| output.status.success()) {
            let _ = started.child.wait();
        }
    }

    /// Runs a command of the release and gives what it prints.
    ///
    /// # Errors
    ///
    /// When it fails, with what it says about that.
    pub(super) fn succeed(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output =
            self.command(arguments).output().with_context(|| format!("cannot run `{}`", self.program))?;
        if !output.status.success() {
            return Err(HintedError::of_launcher(&output.stderr).into());
        }
        String::from_utf8(output.stdout).context("the answer of the system is not UTF-8")
    }

    /// Waits until the system says that it is ready.
    ///
    /// # Errors
    ///
    /// When it has ended, or is not ready in time, with what it said last.
    pub(super) fn wait_until_ready(&self, started: &mut Started, deadline: Instant) -> anyhow::Result<()> {
        while let Err(error) = self.succeed(&["ready"]) {
            let (reason, hint) = if !started.runs() {
                ("it has ended".to_owned(), HINT.to_owned())
            } else if Instant::now() >= deadline {
                // What the launcher advises is for a system that somebody wants to run.
                (HintedError::from(&error).message, format!("{HINT}; or more time: --wait"))
            } else {
                std::thread::sleep(INTERVAL);
                continue;
            };
            let message = format!("the trial start did not get ready: {reason}");
            return Err(HintedError { message, hint: Some(hint) }.into());
        }
        Ok(())
    }

    fn log(&self) -> Utf8PathBuf {
        self.place.join("log")
    }

    /// Why the trial has failed, with all that caused it, and what the system printed last.
    pub(super) fn failure(&self, error: &anyhow::Error) -> anyhow::Error {
        let error = HintedError::from(error);
        let log = fs_err::read_to_string(self.log()).unwrap_or_default();
        match output_tail(&log) {
            None => error.into(),
            Some(tail) => anyhow::anyhow!("{error}\n\nwhat it printed last:\n    {tail}"),
        }
    }
}

/// Removes a directory that processes which have just been killed may still write to.
fn remove(directory: &Utf8Path) {
    for _ in 0..REMOVALS {
        match fs_err::remove_dir_all(directory) {
            Err(error) if error.kind() != ErrorKind::NotFound => std::thread::sleep(PAUSE),
            _ => return,
        }
    }
}

/// The last lines of an output, indented; none when there are none.
fn output_tail(output: &str) -> Option<String> {
    let lines: Vec<&str> = output.trim().lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    (!last.is_empty()).then(|| last.join("\n    "))
}
