//! An interrupt while more is under way than this process.
//!
//! A build may simply die: nothing is published yet, or everything is. Only while steps run, the release at the target is not
//! finished. So Ctrl-C, SIGTERM and SIGHUP end the virtual machine that runs the steps and the programs that it runs for
//! them, which would go on writing. The steps have failed then, and the earlier release comes back.
//!
//! A trial start would outlive its command, and so would its directory: both go before the command dies.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::JoinHandle;

use anyhow::Context;
use project::kill_with_descendants;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

/// The user, or whoever runs the build, has ended it.
#[derive(Debug, thiserror::Error)]
#[error("the build was interrupted by signal {signal}: the release is what it was before")]
pub(crate) struct Interrupted {
    signal: i32,
}

impl Interrupted {
    /// 128 and the number of the signal, as shells have it.
    pub(crate) fn status(&self) -> ExitCode {
        ExitCode::from(u8::try_from(128 + self.signal).unwrap_or(1))
    }
}

/// Before a signal ends this process, which it does for the rest of its life, this is done.
///
/// # Errors
///
/// When the operating system refuses.
pub(crate) fn before_the_end(clean_up: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = interrupts()?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            clean_up();
            // It does not return: whoever has started this process is to see which signal it was.
            let _ = emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// Waits for the signals that ask a process to go, but for those that it was started to ignore (`nohup`).
fn interrupts() -> anyhow::Result<Signals> {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status);
    let signals = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
    Signals::new(signals).context("cannot watch for interrupts")
}

/// The signals that a process ignores, signal 1 in the lowest bit, by what `/proc` says of it (proc(5)).
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Waits for signals as long as it lives.
pub(crate) struct Watch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
    signal: Arc<AtomicI32>,
}

impl Watch {
    /// From now on a signal ends this child of this process, with all that it has started, instead of this one.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub(crate) fn over(process: u32) -> anyhow::Result<Self> {
        let mut signals = interrupts()?;
        let handle = signals.handle();
        let signal = Arc::new(AtomicI32::new(0));
        let seen = Arc::clone(&signal);
        let thread = std::thread::spawn(move || {
            for number in signals.forever() {
                seen.store(number, Ordering::SeqCst);
                kill_with_descendants(process);
            }
        });
        Ok(Self { handle, thread: Some(thread), signal })
    }

    /// Whether nothing has interrupted the build so far. Not everything that goes on meanwhile needs the virtual machine.
    ///
    /// # Errors
    ///
    /// When something has.
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        match self.signal.load(Ordering::SeqCst) {
            0 => Ok(()),
            signal => Err(Interrupted { signal }),
        }
    }

    /// The interrupt, when there was one; otherwise what went wrong by itself.
    pub(crate) fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        self.check().map_or_else(Into::into, |()| error)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// `nohup` would have been in vain.
    #[test]
    fn signals_that_are_ignored_are_known() {
        let status = "Name:\tbeamship\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000440\n";
        assert_eq!(ignored(status), 1 << (SIGHUP - 1) | 1 << (signal_hook::consts::SIGPIPE - 1));
        assert_eq!(ignored(""), 0);
        assert_eq!(ignored("SigIgn:\tnonsense\n"), 0);
    }

    /// While files are packed nothing needs the virtual machine, and its end is no error.
    #[test]
    fn an_interrupt_is_known_when_nothing_has_failed() {
        let mut machine = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let watch = Watch::over(machine.id()).unwrap();
        watch.check().unwrap();
        signal_hook::low_level::raise(SIGHUP).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while watch.check().is_ok() {
            assert!(Instant::now() < deadline, "the signal does not arrive");
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(watch.check().unwrap_err().status(), ExitCode::from(129));
        machine.wait().unwrap();
    }
}
