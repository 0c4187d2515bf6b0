//! A start of a release that nobody else sees: a node name, a cookie and a `RELEASE_TMP` of its own, so that it is not taken for a
//! system that runs. Everything else is the environment of this command.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use camino::Utf8PathBuf;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::cookie;

/// How much of what a system has printed is shown when it fails.
const LAST_LINES: usize = 20;

/// What most trial starts fail for.
pub(super) const HINT: &str =
    "hint: it needs the environment that the system needs: DATABASE_URL, SECRET_KEY_BASE …";

/// Why a trial start has failed, and what it printed last.
pub(super) fn failure(reason: &str, output: &str) -> anyhow::Error {
    let lines: Vec<&str> = output.trim().lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    if last.is_empty() {
        return anyhow::anyhow!("{reason}");
    }
    anyhow::anyhow!("{reason}\n\nwhat it printed last:\n    {}", last.join("\n    "))
}

/// What can be started, and where its temporary files are.
pub(super) struct Trial {
    pub(super) program: Utf8PathBuf,
    pub(super) place: Utf8PathBuf,
    node: String,
    cookie: String,
}

/// The started system. It ends with this.
pub(super) struct Started {
    pub(super) child: Child,
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
            // The virtual machine as well: what its launcher's end asks of it is lost while it boots.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

impl Trial {
    /// A trial of `bin/NAME`, with a node name that says what for.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub(super) fn new(program: Utf8PathBuf, place: Utf8PathBuf, purpose: &str) -> anyhow::Result<Self> {
        let cookie = String::from_utf8(cookie::random()?)?;
        Ok(Self { program, place, node: format!("{purpose}-{}", std::process::id()), cookie })
    }

    /// A command of the release, in interactive mode.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("RELEASE_MODE", "interactive")
            .env("RELEASE_DISTRIBUTION", "sname")
            .env("RELEASE_EPMD", "none")
            .env("RELEASE_NODE", &self.node)
            .env("RELEASE_COOKIE", &self.cookie)
            .env("RELEASE_TMP", &self.place)
            // A dump would lie in the project, and count as something that a build reads.
            .env("ERL_CRASH_DUMP_BYTES", "0")
            // Should this process be killed, nobody else knows of the system.
            .env("BEAMSHIP_ENDS_WITH", std::process::id().to_string())
            .stdin(Stdio::null());
        command
    }

    /// Starts the system.
    pub(super) fn spawn(&self, command: &mut Command) -> anyhow::Result<Started> {
        let child =
            command.process_group(0).spawn().with_context(|| format!("cannot run `{}`", self.program))?;
        Ok(Started { child })
    }

    /// Stops the system as it wants to be stopped; one that does not is killed.
    pub(super) fn stop(&self, mut started: Started) {
        if !started.runs() {
            return;
        }
        let stopped = self.command(&["stop", "--wait", "20"]).output();
        if stopped.is_ok_and(|output| output.status.success()) {
            let _ = started.child.wait();
        }
    }
}
