//! `remote`: a console on the running system, without a virtual machine of its own.
//!
//! The shell runs on the node: IEx, or Erlang's where there is no IEx. We are its group leader, so it prints and reads
//! here. On a terminal lines are edited; otherwise the input is a script, whose output is all that is printed. The end
//! of the input ends the shell and never the node.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::fd::BorrowedFd;
use std::process::ExitCode;
use std::time::Duration;

use etf::Term;
use node::{Deadline, Device, Geometry, NodeError, Prompt, Ready, Reply, Session, Shell};

use crate::calls::aborted;
use crate::colours::{ColourFilter, LONGEST_SEQUENCE};
use crate::console::{Console, History, Terminal};
use crate::control::{Route, SETUP_TIMEOUT, call_failed, connect};
use crate::environment::{Environment, env_var};
use crate::failure::Failure;
use crate::program::Program;
use crate::release::Release;
use crate::standard_streams::StandardStreams;
use crate::virtual_machine::become_control;

/// Opens the console. `--vm` opens IEx's own, in a virtual machine that connects to the running one.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    let in_virtual_machine = || {
        let node = environment.text("RELEASE_NODE")?.to_owned();
        become_control(release, environment, &Program::Remote { node })
    };
    match arguments {
        [] => {}
        [option] if option == "--vm" => return in_virtual_machine(),
        [other, ..] => {
            return Err(Failure::new(format!("`remote` has no argument `{}`", other.display()))
                .hint("its options: --vm"));
        }
    }
    let (address, cookie) = match Route::find(release, environment)? {
        Route::Native { address, cookie } => (address, cookie),
        Route::VirtualMachine { protocol } => {
            eprint_note(&protocol);
            return in_virtual_machine();
        }
    };
    let mut connection = connect(&address, &cookie, Deadline::after(SETUP_TIMEOUT))?;
    let node = address.node();
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        let terminal = Terminal::take_over()
            .map_err(|error| Failure::new(format!("cannot take over the terminal: {error}")))?;
        let mut console = Console::new(terminal, History::open(&release.name));
        let result = run_shell(&mut Session::new(&mut connection, &mut console), &node);
        // The terminal is restored before anything is printed.
        drop(console);
        return result;
    }
    run_shell(&mut Session::new(&mut connection, &mut Script::new()), &node)
}

fn eprint_note(protocol: &str) {
    let note = format!(
        "note: the console runs in a second virtual machine, because the distribution is `{protocol}`\n"
    );
    let _ = io::Write::write_all(&mut io::stderr(), note.as_bytes());
}

fn run_shell(session: &mut Session<'_>, node: &str) -> Result<ExitCode, Failure> {
    let shell = start_shell(session, node)?;
    match session.run_shell(shell) {
        Ok(None) => Ok(ExitCode::SUCCESS),
        Ok(Some(reason)) => {
            Err(Failure::new(format!("the console on `{node}` has ended: {}", etf::text::plain(&reason))))
        }
        // The reader of the output is gone, which is not worth a message.
        Err(NodeError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::FAILURE),
        Err(error) => Err(call_failed(node, &error)),
    }
}

/// Starts IEx, as the node's version of Elixir does, or else Erlang's shell.
fn start_shell(session: &mut Session<'_>, node: &str) -> Result<Shell, Failure> {
    let mut call = |module: &str, function: &str, arguments: Vec<Term>| {
        session.call(module, function, arguments).map_err(|error| call_failed(node, &error))
    };
    let options = Term::List(vec![Term::pair(Term::atom("on_eof"), Term::atom("stop_evaluator"))]);
    let nothing = Term::Tuple(vec![Term::atom("elixir_utils"), Term::atom("noop"), Term::nil()]);
    // `iex:start/2` is there since Elixir 1.17; before, IEx itself was called.
    for module in ["iex", "Elixir.IEx"] {
        let reply = call(module, "start", vec![options.clone(), nothing.clone()])?;
        if let Some(process) = shell_process(&reply) {
            return Ok(Shell {
                process,
                ends_with_input: true,
                completion: Some(("Elixir.IEx.Autocomplete", "expand")),
            });
        }
    }
    let reply = call("shell", "start", vec![])?;
    match shell_process(&reply) {
        Some(process) => Ok(Shell { process, ends_with_input: false, completion: None }),
        None => Err(failed_start(node, &reply)),
    }
}

fn shell_process(reply: &Reply) -> Option<Term> {
    reply.value().filter(|term| matches!(term, Term::Pid { .. }))
}

fn failed_start(node: &str, reply: &Reply) -> Failure {
    aborted(node, reply).hint("neither IEx nor Erlang's shell can be started there")
}

/// Input that was not typed. The shell's greeting is not printed, and neither are its prompts.
struct Script {
    streams: StandardStreams,
    has_begun: bool,
    /// Removes colours, where the output is not a terminal or `NO_COLOR` is set.
    colours: Option<ColourFilter>,
}

/// A pipe takes this much at once, together with the partial sequence of the chunk before.
const CHUNK_SIZE: usize = libc::PIPE_BUF - LONGEST_SEQUENCE;

impl Script {
    fn new() -> Self {
        let is_plain = !io::stdout().is_terminal() || env_var("NO_COLOR").is_some();
        Self {
            streams: StandardStreams::default(),
            has_begun: false,
            colours: is_plain.then(ColourFilter::default),
        }
    }
}

impl Device for Script {
    fn write(&mut self, mut text: &[u8]) -> io::Result<()> {
        while !text.is_empty() {
            let written = self.write_some(text, Duration::MAX)?;
            text = text.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn write_some(&mut self, text: &[u8], timeout: Duration) -> io::Result<usize> {
        let Some(colours) = self.colours.as_mut().filter(|_| self.has_begun) else {
            return if self.has_begun { self.streams.write_some(text, timeout) } else { Ok(text.len()) };
        };
        let text = text.get(..CHUNK_SIZE).unwrap_or(text);
        let mut after = colours.clone();
        let plain = &after.filter(text)[..];
        if !plain.is_empty() && self.streams.write_some(plain, timeout)? == 0 {
            return Ok(0);
        }
        *colours = after;
        Ok(text.len())
    }

    fn geometry(&self) -> Option<Geometry> {
        None
    }

    fn begin_read(&mut self, _: &Prompt) -> io::Result<()> {
        self.has_begun = true;
        Ok(())
    }

    fn wait(&mut self, connection: BorrowedFd<'_>, timeout: Duration) -> io::Result<Ready> {
        self.streams.wait(connection, timeout)
    }
}
