//! Signals are waited for, not handled: no code of this program runs in a signal handler.

#![allow(unsafe_code, reason = "waiting for signals and processes are system calls that std does not have")]

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// The signals that a supervised system's launcher answers.
const SIGNALS: [libc::c_int; 7] =
    [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, libc::SIGCHLD];

/// The signals of this process, blocked until they are waited for.
pub(crate) struct Signals {
    set: libc::sigset_t,
}

impl Signals {
    /// Blocks them from now on. A SIGHUP that is ignored (`nohup`) stays ignored. SIGCHLD gets its default action: it may
    /// be ignored by the process that has started this one, which is inherited, and children could not be waited for.
    pub(crate) fn block() -> io::Result<Self> {
        // SAFETY: a null pointer is a valid argument for either action; `hangup` is written before it is read.
        let hangup_is_ignored = unsafe {
            let mut hangup: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGHUP, std::ptr::null(), &raw mut hangup);
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            hangup.sa_sigaction == libc::SIG_IGN
        };
        // SAFETY: `set` is initialised by sigemptyset before it is read; both calls write only to it.
        let set = unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for signal in SIGNALS {
                if signal == libc::SIGHUP && hangup_is_ignored {
                    continue;
                }
                libc::sigaddset(&raw mut set, signal);
            }
            set
        };
        // SAFETY: the set is initialised; the old mask is not asked for.
        let result = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        if result == 0 { Ok(Self { set }) } else { Err(io::Error::from_raw_os_error(result)) }
    }

    /// Waits for the next one.
    pub(crate) fn wait(&self) -> libc::c_int {
        loop {
            let mut signal = 0;
            // SAFETY: both pointers are to initialised values of this frame.
            if unsafe { libc::sigwait(&raw const self.set, &raw mut signal) } == 0 {
                return signal;
            }
        }
    }

    /// Waits for the next one, but no longer than this.
    pub(crate) fn wait_timeout(&self, timeout: Duration) -> Option<libc::c_int> {
        let timeout = libc::timespec {
            tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        // SAFETY: the pointers are to initialised values; what else is known of the signal is not asked for.
        let signal =
            unsafe { libc::sigtimedwait(&raw const self.set, std::ptr::null_mut(), &raw const timeout) };
        (signal > 0).then_some(signal)
    }

    /// Starts a child in which no signal is blocked, and which gets a SIGTERM when this process dies.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let set = self.set;
        let launcher = std::process::id();
        // SAFETY: between fork and exec only async-signal-safe calls are made.
        unsafe {
            command.pre_exec(move || {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
                if u32::try_from(libc::getppid()) != Ok(launcher) {
                    // The launcher died before the kernel was asked to report that.
                    libc::_exit(1);
                }
                libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
                Ok(())
            });
        }
        command.spawn()
    }
}

/// Has this process get a SIGTERM when its parent dies; at once when its parent is another process than `parent`.
pub(crate) fn end_with(parent: &OsStr) {
    // SAFETY: the calls have no pointer arguments.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
        if parent.to_str() != Some(libc::getppid().to_string().as_str()) {
            libc::raise(libc::SIGTERM);
        }
    }
}

/// Sends a signal to a child.
pub(crate) fn send(child: &Child, signal: libc::c_int) {
    if let Ok(pid) = libc::pid_t::try_from(child.id()) {
        // SAFETY: the child has not been waited for, so the number is still its own.
        unsafe { libc::kill(pid, signal) };
    }
}

/// Takes the exit statuses of all children that have ended, ours and those that a container's first process inherits;
/// gives the one of `child` when it is among them.
pub(crate) fn reap(child: &Child) -> Option<ExitStatus> {
    let mut found = None;
    loop {
        let mut status = 0;
        // SAFETY: the pointer is to a value of this frame.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if pid <= 0 {
            return found;
        }
        if u32::try_from(pid) == Ok(child.id()) {
            found = Some(ExitStatus::from_raw(status));
        }
    }
}
