//! The device of a session: where what runs on the node prints to and reads from.
//!
//! A terminal, or a pair of pipes. [`Session`](crate::Session) writes and reads through [`Device`], and waits in
//! [`Device::wait`] for input and for the connection at the same time.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Where text goes to and comes from: a terminal, or a pair of pipes.
pub trait Device {
    /// Prints text at once.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn write(&mut self, text: &[u8]) -> io::Result<()>;

    /// Prints as much of a text as can be printed at once, and says how many bytes that was: none when nothing could be within
    /// the time. The reader of a pipe may pause.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn write_some(&mut self, text: &[u8], _timeout: Duration) -> io::Result<usize> {
        self.write(text).map(|()| text.len())
    }

    /// The size of the terminal; none when it is something else.
    fn geometry(&self) -> Option<Geometry>;

    /// Input is wanted from now on: shows the prompt.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn begin_read(&mut self, prompt: &Prompt) -> io::Result<()>;

    /// Waits until there is input (if some is wanted), or the connection has something to say, at most this long.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn wait(&mut self, connection: BorrowedFd<'_>, timeout: Duration) -> io::Result<Ready>;

    /// Whether its user may interrupt what runs even while no input is wanted.
    fn wants_interrupts(&self) -> bool {
        false
    }

    /// The answer to [`Ready::complete`]: what can be inserted at once, and everything that would fit.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn completed(&mut self, _expansion: &str, _matches: &[String]) -> io::Result<()> {
        Ok(())
    }

    /// Whether passwords can be read without showing them.
    fn can_hide_input(&self) -> bool {
        false
    }
}

/// What [`Device::wait`] has found; nothing when the time was over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The connection has something to say.
    pub connection: bool,
    /// There is input.
    pub input: Option<Input>,
    /// The user wants what is going on to end.
    pub interrupt: bool,
    /// The user wants this text to be completed.
    pub complete: Option<String>,
}

impl Ready {
    /// Whether there is anything.
    pub(crate) fn is_something(&self) -> bool {
        *self != Self::default()
    }
}

/// A piece of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Bytes, as they came.
    Data(Vec<u8>),
    /// There is no more.
    End,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Its width.
    pub columns: u16,
    /// Its height.
    pub rows: u16,
}

/// What to show when input is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// UTF-8, possibly with escape sequences.
    pub text: Vec<u8>,
    /// What is asked for.
    pub kind: ReadKind,
    /// Whether what was read before is not enough, and this is for more of it.
    pub is_continuation: bool,
}

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadKind {
    /// A line.
    Line,
    /// A line that must not be shown.
    Password,
    /// A number of characters.
    Characters(usize),
    /// Lines, until a function on the node is satisfied.
    Until,
}
