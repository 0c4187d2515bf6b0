//! A call whose input and output are ours.
//!
//! What the called function prints and reads comes as messages to its group leader, which is this side. A [`Session`] waits
//! for those messages, for its device, and for the end of the call at the same time. `io_requests` answers them,
//! `completion` asks the node how a line could go on.

mod completion;
mod io_requests;

use std::collections::VecDeque;
use std::time::Duration;

use etf::Term;

use self::io_requests::{PendingRead, PendingRequest};
use crate::connection::{Connection, Reply, SILENCE_TIMEOUT, parsed, reply_in};
use crate::device::Device;
use crate::error::{NodeError, Step};
use crate::input_buffer::InputBuffer;
use crate::message::{Incoming, Outgoing};

/// How long a node may be silent.
#[derive(Clone, Copy, Debug)]
struct SilenceLimits {
    /// Until it is probed.
    before_probe: Duration,
    /// Until it counts as gone, once it was probed.
    after_probe: Duration,
}

const SILENCE_LIMITS: SilenceLimits =
    SilenceLimits { before_probe: SILENCE_TIMEOUT, after_probe: Duration::from_secs(30) };

/// A connection with a device: whatever is called through it prints and reads there.
pub struct Session<'a> {
    connection: &'a mut Connection,
    device: &'a mut dyn Device,
    input_buffer: InputBuffer,
    /// Whether input is handed on as binaries, as Elixir sets it, or as lists.
    binary: bool,
    /// Requests for input, in the order in which they came. Only the first is being served.
    reads: VecDeque<PendingRead>,
    /// Requests that wait for a function on the node.
    calls: Vec<(Term, PendingRequest)>,
    /// The function that says how a line could go on (`expand_fun` of `io:setopts/2`).
    expand_fun: Option<Term>,
    /// The call of it that is going on.
    completion: Option<Term>,
    /// Whether a node that has been silent for long was called, to see whether it is alive.
    is_probed: bool,
    /// [`SILENCE_LIMITS`]; a test has less.
    silence_limits: SilenceLimits,
    /// The shell that gets an exit signal when its user interrupts it.
    shell: Option<Shell>,
}

/// A shell on the node, which reads and evaluates for as long as it likes.
#[derive(Clone, Debug, PartialEq)]
pub struct Shell {
    /// Its process.
    pub process: Term,
    /// Whether it ends when its input does. Erlang's own shell would halt the node instead.
    pub ends_with_input: bool,
    /// Module and function that say how a line could go on, given the line backwards and the shell's process. Without
    /// it the function that the shell has set (`expand_fun` of `io:setopts/2`) is asked.
    pub completion: Option<(&'static str, &'static str)>,
}

impl<'a> Session<'a> {
    /// Puts a device beside a connection.
    pub fn new(connection: &'a mut Connection, device: &'a mut dyn Device) -> Self {
        Self {
            connection,
            device,
            input_buffer: InputBuffer::default(),
            binary: true,
            reads: VecDeque::new(),
            calls: Vec::new(),
            expand_fun: None,
            completion: None,
            is_probed: false,
            silence_limits: SILENCE_LIMITS,
            shell: None,
        }
    }

    /// Calls a function and serves its input and output until it ends.
    ///
    /// # Errors
    ///
    /// When the connection breaks, or the output cannot be written. A call that raises is a [`Reply`].
    pub fn call(&mut self, module: &str, function: &str, arguments: Vec<Term>) -> Result<Reply, NodeError> {
        let reference = self.connection.start_call(module, function, arguments)?;
        loop {
            let Some(frame) = self.next()? else { continue };
            if let Some(reply) = reply_in(&frame, &reference)? {
                return Ok(reply);
            }
            self.serve(&frame)?;
        }
    }

    /// Serves a shell until it ends, or its input does; gives the reason when it is not `normal`.
    ///
    /// # Errors
    ///
    /// As [`Session::call`].
    pub fn run_shell(&mut self, shell: Shell) -> Result<Option<Term>, NodeError> {
        let from = self.connection.own_pid();
        self.connection.send(Outgoing::Link { from: from.clone(), to: shell.process.clone() })?;
        self.shell = Some(shell.clone());
        loop {
            if !shell.ends_with_input && self.input_buffer.is_at_end() && !self.reads.is_empty() {
                let kill = Outgoing::Exit2 { from, to: shell.process, reason: Term::atom("kill") };
                self.connection.send(kill)?;
                return Ok(None);
            }
            let Some(frame) = self.next()? else { continue };
            if let Incoming::Exit { from, reason } = parsed(&frame)?
                && from.decode().is_ok_and(|process| process == shell.process)
            {
                return Ok(reason.decode().ok().filter(|reason| !reason.is_atom("normal")));
            }
            self.serve(&frame)?;
        }
    }

    /// The next frame; none when something else has happened.
    fn next(&mut self) -> Result<Option<Vec<u8>>, NodeError> {
        let SilenceLimits { before_probe, after_probe } = self.silence_limits;
        let timeout = if self.is_probed { after_probe } else { before_probe };
        let is_readable = if self.wants_input() || self.device.wants_interrupts() {
            self.wait(timeout)?
        } else {
            self.connection.wait_readable(timeout)? || self.probe()?
        };
        if !is_readable {
            return Ok(None);
        }
        self.is_probed = false;
        self.connection.receive_one(None)
    }

    /// Waits for the device or for the connection; true when the latter can be read.
    fn wait(&mut self, timeout: Duration) -> Result<bool, NodeError> {
        let connection = std::os::fd::AsFd::as_fd(&*self.connection);
        let ready = self.device.wait(connection, timeout).map_err(NodeError::Output)?;
        if !ready.is_something() {
            return self.probe();
        }
        if let Some(input) = ready.input {
            self.input_buffer.push(input);
            self.serve_reads()?;
        }
        if ready.interrupt {
            self.interrupt()?;
        }
        if let Some(text) = ready.complete {
            self.complete(&text)?;
        }
        Ok(ready.connection)
    }

    /// A living node may be silent for long: how often it ticks is its own decision (`net_ticktime`). So it is called
    /// before it counts as gone. The value does not matter; there is none yet.
    fn probe(&mut self) -> Result<bool, NodeError> {
        if self.is_probed {
            return Err(NodeError::Timeout(Step::Call));
        }
        self.is_probed = true;
        self.connection.start_call("erlang", "is_alive", vec![]).map(|_| false)
    }

    /// A read that waits is answered with an error; otherwise the shell gets an exit signal, and ends the evaluation.
    fn interrupt(&mut self) -> Result<(), NodeError> {
        if self.wants_input()
            && let Some(reader) = self.reads.pop_front()
        {
            return self.refuse(reader.pending, "interrupted");
        }
        let Some(shell) = &self.shell else { return Ok(()) };
        let to = shell.process.clone();
        let from = self.connection.own_pid();
        self.connection.send(Outgoing::Exit2 { from, to, reason: Term::atom("interrupt") })
    }

    fn wants_input(&self) -> bool {
        self.reads.front().is_some_and(|reader| reader.is_prompted)
    }
}

#[cfg(test)]
mod tests;
