//! Standard input and output as the device of what runs on the node.

#![allow(
    unsafe_code,
    reason = "std can neither wait for several descriptors nor read one of them without a buffer"
)]

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd};
use std::time::Duration;

use node::{Device, Geometry, Input, Prompt, Ready};

/// Standard input and output. Input is read only when it is asked for, so that what the expression does not read is
/// left to the next program.
#[derive(Debug, Default)]
pub(crate) struct StandardStreams {
    input_has_ended: bool,
}

impl Device for StandardStreams {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(text)?;
        output.flush()
    }

    fn write_some(&mut self, text: &[u8], timeout: Duration) -> io::Result<usize> {
        if !can_write(io::stdout().as_raw_fd(), timeout)? {
            return Ok(0);
        }
        // A pipe that can be written to takes as much as this.
        let text = text.get(..libc::PIPE_BUF).unwrap_or(text);
        self.write(text).map(|()| text.len())
    }

    fn geometry(&self) -> Option<Geometry> {
        window_size(io::stdout().as_raw_fd())
    }

    fn begin_read(&mut self, prompt: &Prompt) -> io::Result<()> {
        self.write(&prompt.text)
    }

    fn wait(&mut self, connection: BorrowedFd<'_>, timeout: Duration) -> io::Result<Ready> {
        let input = io::stdin().as_raw_fd();
        // A negative descriptor is not waited for.
        let input = if self.input_has_ended { -1 } else { input };
        let [connection, has_input] = poll([connection.as_raw_fd(), input], timeout)?;
        let input = if has_input { Some(self.read()?) } else { None };
        Ok(Ready { connection, input, ..Ready::default() })
    }
}

impl StandardStreams {
    fn read(&mut self) -> io::Result<Input> {
        let bytes = read_input()?;
        if bytes.is_empty() {
            self.input_has_ended = true;
            return Ok(Input::End);
        }
        Ok(Input::Data(bytes))
    }
}

/// What standard input has, at most a page of it; empty at its end. It is read without std's buffer, whose content
/// could not be waited for.
pub(crate) fn read_input() -> io::Result<Vec<u8>> {
    // SAFETY: the descriptor is not closed when the file is forgotten.
    let mut input = ManuallyDrop::new(unsafe { File::from_raw_fd(libc::STDIN_FILENO) });
    let mut bytes = vec![0; 4096];
    let count = loop {
        match input.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result?,
        }
    };
    bytes.truncate(count);
    Ok(bytes)
}

/// Waits until one of the descriptors can be read, and says which.
pub(crate) fn poll<const COUNT: usize>(
    descriptors: [i32; COUNT],
    timeout: Duration,
) -> io::Result<[bool; COUNT]> {
    poll_for(libc::POLLIN, descriptors, timeout)
}

/// Waits until a descriptor can be written to.
fn can_write(descriptor: i32, timeout: Duration) -> io::Result<bool> {
    poll_for(libc::POLLOUT, [descriptor], timeout).map(|[can]| can)
}

fn poll_for<const COUNT: usize>(
    events: libc::c_short,
    descriptors: [i32; COUNT],
    timeout: Duration,
) -> io::Result<[bool; COUNT]> {
    let mut polled = descriptors.map(|fd| libc::pollfd { fd, events, revents: 0 });
    let milliseconds = libc::c_int::try_from(timeout.as_millis()).unwrap_or(libc::c_int::MAX);
    let count = libc::nfds_t::try_from(COUNT).unwrap_or_default();
    // SAFETY: the pointer is to an array of this frame with this many elements.
    while unsafe { libc::poll(polled.as_mut_ptr(), count, milliseconds) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(polled.map(|descriptor| descriptor.revents != 0))
}

/// The size of the terminal behind a descriptor.
pub(crate) fn window_size(descriptor: i32) -> Option<Geometry> {
    if !io::stdout().is_terminal() {
        return None;
    }
    // SAFETY: the structure is plain numbers, and written by the kernel before it is read.
    let size = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        (libc::ioctl(descriptor, libc::TIOCGWINSZ, &raw mut size) == 0).then_some(size)
    }?;
    (size.ws_col > 0).then_some(Geometry { columns: size.ws_col, rows: size.ws_row })
}
