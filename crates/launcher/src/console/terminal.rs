//! The terminal: raw while a console is open, and as it was before in the end, however that comes.

#![allow(unsafe_code, reason = "std has neither terminal attributes nor signal descriptors")]

use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use node::Geometry;

use super::geometry;
use crate::standard_streams::read_input;

/// Pasted text is marked by the terminal from here on.
const PASTE_ON: &[u8] = b"\x1b[?2004h";
/// From here on it is not.
const PASTE_OFF: &[u8] = b"\x1b[?2004l";

/// A terminal in raw mode.
pub(crate) struct Terminal {
    before: libc::termios,
    signals: OwnedFd,
}

impl Terminal {
    /// Takes the terminal over. Keys come as they are typed, Ctrl-C among them; signals that would end the process are
    /// waited for, so that the terminal can be given back first.
    pub(crate) fn take_over() -> io::Result<Self> {
        // SAFETY: the structure is plain numbers, and written by the call before it is read.
        let before = unsafe {
            let mut before: libc::termios = std::mem::zeroed();
            check(libc::tcgetattr(libc::STDIN_FILENO, &raw mut before))?;
            before
        };
        let signals = block_signals()?;
        let mut raw = before;
        raw.c_lflag &= !(libc::ICANON | libc::ECHO | libc::ISIG | libc::IEXTEN);
        raw.c_iflag &= !(libc::IXON | libc::ICRNL | libc::INLCR);
        raw.c_cc[libc::VMIN] = 1;
        raw.c_cc[libc::VTIME] = 0;
        // SAFETY: the structure is complete.
        check(unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, &raw const raw) })?;
        let mut terminal = Self { before, signals };
        terminal.write(PASTE_ON)?;
        Ok(terminal)
    }

    /// The descriptor that keys come from.
    pub(super) fn input(&self) -> i32 {
        libc::STDIN_FILENO
    }

    /// The descriptor that says that the process is to end.
    pub(super) fn signals(&self) -> i32 {
        self.signals.as_raw_fd()
    }

    pub(super) fn geometry(&self) -> Geometry {
        geometry()
    }

    /// What was typed; empty when the terminal is gone.
    pub(super) fn read(&mut self) -> io::Result<Vec<u8>> {
        match read_input() {
            // The other side of a pseudo-terminal is closed.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => Ok(Vec::new()),
            result => result,
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(bytes)?;
        output.flush()
    }

    /// Ends the process because of a signal, with what a shell reports for it.
    pub(super) fn restore_and_end(&mut self) -> ! {
        let mut signal = [0; size_of::<libc::signalfd_siginfo>()];
        // SAFETY: the buffer has the size of what is read; its first field is the number of the signal (signalfd(2)).
        let read = unsafe { libc::read(self.signals.as_raw_fd(), signal.as_mut_ptr().cast(), signal.len()) };
        let number =
            signal.first_chunk().filter(|_| read > 0).map_or(libc::SIGTERM, |head| i32::from_ne_bytes(*head));
        self.restore();
        std::process::exit(128 + number)
    }

    fn restore(&mut self) {
        let _ = self.write(PASTE_OFF);
        // SAFETY: the structure is the one that the system filled.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, &raw const self.before) };
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

/// A descriptor that can be read once a signal has come that asks the process to end.
fn block_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before it is read; the descriptor is new, and ours.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
            libc::sigaddset(&raw mut set, signal);
        }
        check(libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()))?;
        let descriptor = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC);
        check(descriptor)?;
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
