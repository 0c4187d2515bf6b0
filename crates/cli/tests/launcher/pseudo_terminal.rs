//! A terminal for a command, played by the test.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::files::wait_until;

/// A command on a pseudo-terminal.
pub(crate) struct PseudoTerminal {
    controller: File,
    /// The command's side, kept open so that its state can be looked at afterwards.
    terminal: File,
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
    /// How much of the output has been expected already.
    seen: usize,
}

impl PseudoTerminal {
    pub(crate) fn run(command: &mut Command) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let path = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let controller = File::from(controller);
        let side = || Stdio::from(terminal.try_clone().unwrap());
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        let output = Arc::new(Mutex::new(Vec::new()));
        let (collected, mut reader) = (Arc::clone(&output), controller.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                collected.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        let terminal = Self { controller, terminal, child, output, seen: 0 };
        terminal.resize(80, 24);
        terminal
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.controller, size).unwrap();
    }

    pub(crate) fn send(&mut self, keys: &str) {
        self.controller.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a text has come after the one that was expected before.
    pub(crate) fn expect(&mut self, text: &str) {
        let (output, seen) = (Arc::clone(&self.output), self.seen);
        let mut found = None;
        let what = format!("{text:?} comes");
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(&what, || {
                let output = output.lock().unwrap();
                found = output[seen..].windows(text.len()).position(|window| window == text.as_bytes());
                found.is_some()
            });
        }));
        let Some(at) = found else {
            let output = self.output.lock().unwrap();
            panic!(
                "waited in vain for {text:?} ({result:?}) in:\n{}",
                String::from_utf8_lossy(&output[seen..])
            );
        };
        self.seen += at + text.len();
    }

    /// How many bytes the command has written.
    pub(crate) fn received(&self) -> usize {
        self.output.lock().unwrap().len()
    }

    /// Waits for the end; gives the exit status.
    pub(crate) fn status(&mut self) -> Option<i32> {
        let mut status = None;
        wait_until("the command ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether the terminal shows what is typed and makes lines of it, as shells expect it.
    pub(crate) fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&self.terminal).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }
}

impl Drop for PseudoTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
