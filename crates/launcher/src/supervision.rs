//! Looking after a virtual machine: the launcher stays its parent until it ends.
//!
//! Every signal that asks a process to go becomes a SIGTERM for the virtual machine, which answers it with a graceful
//! stop; its exit status becomes the launcher's. As the first process of a container the launcher also takes the exit
//! statuses of orphans.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use contract::ENDS_WITH;

use crate::environment::env_var;
use crate::failure::Failure;
use crate::notify::Notify;
use crate::signals::{Signals, end_with, reap, send};

/// The process that has to tell systemd that it is alive (`sd_watchdog_enabled(3)`).
const WATCHDOG_PID: &str = "WATCHDOG_PID";

/// How long a virtual machine may take until it handles SIGTERM (`erl_signal_server` of kernel). A signal that comes earlier
/// is lost, and the handler cannot be seen from outside: so the signal is sent again meanwhile. However often it arrives, the
/// system stops once.
const HANDLER_STARTUP: Duration = Duration::from_secs(5);
const RESEND_INTERVAL: Duration = Duration::from_millis(250);

/// How long a trial start may take to stop when its command is gone. One that waits for something in its boot script, as for
/// the reader of a pipe, never sees a signal.
const TRIAL_PATIENCE: Duration = Duration::from_secs(10);

/// Who handles the keys Ctrl-C and Ctrl-\ of the terminal, which sends their signals to both processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// The launcher: they stop the system gracefully.
    Launcher,
    /// The virtual machine: it is IEx, or an expression that may be interrupted, and has got the signal already.
    VirtualMachine,
}

/// Runs a command to its end. `on_start` gets the number of its process; when it fails, the process is killed.
pub(crate) fn supervise(
    mut command: Command,
    keys: Keys,
    notify: Option<&Notify>,
    on_start: impl FnOnce(u32) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let cannot = |error| Failure::cannot_start(&program, error);
    // It names this process. A system that reports to systemd as well would take it for another one's.
    if env_var(WATCHDOG_PID).is_some_and(|pid| pid == *std::process::id().to_string()) {
        command.env_remove(WATCHDOG_PID);
    }
    let signals = Signals::block().map_err(cannot)?;
    let is_trial = end_with_trial();
    let child = signals.spawn(&mut command).map_err(cannot)?;
    let start = Instant::now();
    let mut is_asked_to_stop = false;
    let mut kill_at = None;
    let failure = on_start(child.id()).err();
    if failure.is_some() {
        send(&child, libc::SIGKILL);
    }
    loop {
        let may_miss_signals = is_asked_to_stop && start.elapsed() < HANDLER_STARTUP;
        let signal = if may_miss_signals {
            signals.wait_timeout(RESEND_INTERVAL).unwrap_or(libc::SIGTERM)
        } else if let Some(at) = kill_at {
            let Some(signal) = signals.wait_timeout(Instant::saturating_duration_since(&at, Instant::now()))
            else {
                send(&child, libc::SIGKILL);
                kill_at = None;
                continue;
            };
            signal
        } else {
            signals.wait()
        };
        match signal {
            libc::SIGCHLD => {
                if let Some(status) = reap(&child) {
                    return failure.map_or_else(|| Ok(exit_code(status)), Err);
                }
            }
            libc::SIGINT | libc::SIGQUIT if keys == Keys::VirtualMachine => {}
            signal @ (libc::SIGUSR1 | libc::SIGUSR2) => send(&child, signal),
            _ => {
                if let Some(notify) = notify.filter(|_| !is_asked_to_stop) {
                    notify.stopping();
                }
                if is_trial && !is_asked_to_stop {
                    kill_at = Some(Instant::now() + TRIAL_PATIENCE);
                }
                is_asked_to_stop = true;
                send(&child, libc::SIGTERM);
            }
        }
    }
}

/// Whether this is a trial start. It is asked to stop when its command dies.
pub(crate) fn end_with_trial() -> bool {
    let parent = env_var(ENDS_WITH);
    if let Some(parent) = &parent {
        end_with(parent);
    }
    parent.is_some()
}

/// The status as a shell reports it: 128 and the number of the signal for a process that was killed.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1))
}
