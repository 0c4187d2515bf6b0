//! A call whose input and output are ours.

use std::collections::VecDeque;
use std::time::Duration;

use etf::{CharacterEncoding, CharactersError, RawTerm, Term};

use crate::connection::{Connection, Reply, SILENCE_TIMEOUT, TICK_INTERVAL, parsed, reply_in};
use crate::error::{NodeError, Step};
use crate::group_leader::{Device, InputBuffer, Read, ReadKind, Request, Until};
use crate::message::{Incoming, Outgoing};
use crate::wire::FRAME_LIMIT;

/// Requests that wait at one time. The processes of a call wait for their answers, so a program that has more of them
/// open does not mean well.
const JOBS: usize = 10_000;

/// Bytes of requests that wait at one time: two of the largest, so that one of them never is too many.
const WAITING_BYTES: usize = 2 * FRAME_LIMIT as usize;

/// How long a node may be silent until it is asked for a sign of life, and how long that may take.
const PATIENCE: [Duration; 2] = [SILENCE_TIMEOUT, Duration::from_secs(30)];

/// A connection with a device: whatever is called through it prints and reads there.
pub struct Session<'a> {
    connection: &'a mut Connection,
    device: &'a mut dyn Device,
    input_buffer: InputBuffer,
    /// Whether input is handed on as binaries, as Elixir sets it, or as lists.
    binary: bool,
    /// Requests for input, in the order in which they came. Only the first is being served.
    readers: VecDeque<Reader>,
    /// Requests that wait for a function on the node.
    calls: Vec<(Term, Job)>,
    /// The function that says how a line could go on (`expand_fun` of `io:setopts/2`).
    expand_fun: Option<Term>,
    /// The call of it that is going on.
    completion: Option<Term>,
    /// Whether a node that has been silent for long was asked for a sign of life.
    is_probed: bool,
    /// [`PATIENCE`]; a test has less.
    patience: [Duration; 2],
    /// The shell that is told when its user interrupts it.
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

/// A request that is being answered: what is left of it, if it is several.
#[derive(Debug)]
struct Job {
    /// The bytes of the whole request.
    size: usize,
    from: Term,
    reply_as: Term,
    remaining: VecDeque<Vec<u8>>,
    waits_for: Waits,
}

/// What a job in [`Session::calls`] wants with the result of its call.
#[derive(Debug)]
enum Waits {
    /// Nothing was called.
    Nothing,
    /// Print it.
    Print(CharacterEncoding),
    /// It decides whether there is enough input.
    Input(Read),
}

/// A job in [`Session::readers`].
#[derive(Debug)]
struct Reader {
    job: Job,
    read: Read,
    is_prompted: bool,
}

impl<'a> Session<'a> {
    /// Puts a device beside a connection.
    pub fn new(connection: &'a mut Connection, device: &'a mut dyn Device) -> Self {
        Self {
            connection,
            device,
            input_buffer: InputBuffer::default(),
            binary: true,
            readers: VecDeque::new(),
            calls: Vec::new(),
            expand_fun: None,
            completion: None,
            is_probed: false,
            patience: PATIENCE,
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
            if !shell.ends_with_input && self.input_buffer.is_at_end() && !self.readers.is_empty() {
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
        let [silence, sign_of_life] = self.patience;
        let patience = if self.is_probed { sign_of_life } else { silence };
        let is_readable = if self.wants_input() || self.device.wants_interrupts() {
            self.wait(patience)?
        } else {
            self.connection.wait_readable(patience)? || self.probe()?
        };
        if !is_readable {
            return Ok(None);
        }
        self.is_probed = false;
        self.connection.receive_one(None)
    }

    /// Waits for the device or for the connection; true when the latter has something to say.
    fn wait(&mut self, patience: Duration) -> Result<bool, NodeError> {
        let connection = std::os::fd::AsFd::as_fd(&*self.connection);
        let ready = self.device.wait(connection, patience).map_err(NodeError::Output)?;
        if !ready.is_something() {
            return self.probe();
        }
        if let Some(input) = ready.input {
            self.input_buffer.push(input);
            self.feed()?;
        }
        if ready.interrupt {
            self.interrupt()?;
        }
        if let Some(text) = ready.complete {
            self.complete(&text)?;
        }
        Ok(ready.connection)
    }

    /// A living node may be silent for long: how often it ticks is its own decision (`net_ticktime`). So it is asked for
    /// anything before it counts as gone. The answer is for nobody; there is none yet.
    fn probe(&mut self) -> Result<bool, NodeError> {
        if self.is_probed {
            return Err(NodeError::Timeout(Step::Call));
        }
        self.is_probed = true;
        self.connection.start_call("erlang", "is_alive", vec![]).map(|_| false)
    }

    /// What is read is answered with an error; what is evaluated is told, and the shell goes on.
    fn interrupt(&mut self) -> Result<(), NodeError> {
        if self.wants_input()
            && let Some(reader) = self.readers.pop_front()
        {
            return self.refuse(reader.job, "interrupted");
        }
        let Some(shell) = &self.shell else { return Ok(()) };
        let to = shell.process.clone();
        let from = self.connection.own_pid();
        self.connection.send(Outgoing::Exit2 { from, to, reason: Term::atom("interrupt") })
    }

    /// Asks the node how a line could go on. It is told the line backwards.
    fn complete(&mut self, text: &str) -> Result<(), NodeError> {
        let backwards = Term::string(&text.chars().rev().collect::<String>());
        let own = self.shell.as_ref().and_then(|shell| Some((shell.completion?, shell.process.clone())));
        let call = match (own, self.expand_fun.clone()) {
            (Some(((module, function), process)), _) => (module, function, vec![backwards, process]),
            (None, Some(expand_fun)) => ("erlang", "apply", vec![expand_fun, Term::List(vec![backwards])]),
            (None, None) => return self.device.completed("", &[]).map_err(NodeError::Output),
        };
        self.completion = Some(self.connection.start_call(call.0, call.1, call.2)?);
        Ok(())
    }

    /// Hands the answer to the device: `{yes | no, Expansion, Matches}`.
    fn completed(&mut self, reply: &Reply) -> Result<(), NodeError> {
        self.completion = None;
        let answer = reply.value();
        let (expansion, matches) = match answer.as_ref().and_then(Term::as_tuple) {
            Some([_, expansion, matches, ..]) => {
                (expansion.to_text().unwrap_or_default(), match_texts(matches))
            }
            _ => (String::new(), Vec::new()),
        };
        self.device.completed(&expansion, &matches).map_err(NodeError::Output)
    }

    fn wants_input(&self) -> bool {
        self.readers.front().is_some_and(|reader| reader.is_prompted)
    }

    /// Answers a frame that is a request, or brings the result of a call that was made for one.
    fn serve(&mut self, frame: &[u8]) -> Result<(), NodeError> {
        if let Incoming::Sent { message, .. } = parsed(frame)? {
            let Some([tag, from, reply_as, request]) = message.tuple_of() else { return Ok(()) };
            if !tag.is_atom("io_request") {
                return Ok(());
            }
            let waiting =
                self.readers.iter().map(|reader| &reader.job).chain(self.calls.iter().map(|(_, job)| job));
            let (jobs, bytes) = waiting.fold((0, 0), |(jobs, bytes), job| (jobs + 1, bytes + job.size));
            if jobs >= JOBS || bytes > WAITING_BYTES {
                return Err(NodeError::Protocol { step: Step::Call, what: "too many requests at once" });
            }
            return self.run(Job {
                size: frame.len(),
                from: from.opaque(),
                reply_as: reply_as.opaque(),
                remaining: VecDeque::from([request.bytes().to_vec()]),
                waits_for: Waits::Nothing,
            });
        }
        if let Some(reference) = &self.completion
            && let Some(reply) = reply_in(frame, reference)?
        {
            return self.completed(&reply);
        }
        for index in 0..self.calls.len() {
            let Some((reference, _)) = self.calls.get(index) else { break };
            if let Some(reply) = reply_in(frame, reference)? {
                let (_, job) = self.calls.swap_remove(index);
                return self.resume(job, &reply);
            }
        }
        Ok(())
    }

    /// Goes on with a job until it waits for something, or is done.
    fn run(&mut self, mut job: Job) -> Result<(), NodeError> {
        let mut result = Term::atom("ok");
        while let Some(bytes) = job.remaining.pop_front() {
            let request = RawTerm::split(&bytes).ok().and_then(|(raw, _)| Request::parse(raw));
            result = match request {
                None => error("request"),
                Some(Request::Put { encoding, characters }) => self.print(encoding, characters)?,
                Some(Request::Geometry { columns }) => match self.device.geometry() {
                    Some(size) => Term::Integer(i64::from(if columns { size.columns } else { size.rows })),
                    None => error("enotsup"),
                },
                Some(Request::Options) => self.options(),
                Some(Request::SetOptions(options)) => {
                    self.set_options(options);
                    Term::atom("ok")
                }
                Some(Request::Many(requests)) => {
                    for request in requests.into_iter().rev() {
                        job.remaining.push_front(request.bytes().to_vec());
                    }
                    Term::atom("ok")
                }
                Some(Request::PutResult { encoding, module, function, arguments }) => {
                    job.waits_for = Waits::Print(encoding);
                    return self.start(job, &module, &function, arguments);
                }
                Some(Request::Read(read))
                    if read.prompt.kind == ReadKind::Password && !self.device.can_hide_input() =>
                {
                    error("enotsup")
                }
                Some(Request::Read(read)) => {
                    self.readers.push_back(Reader { job, read, is_prompted: false });
                    return self.feed();
                }
            };
            if is_error(&result) {
                break;
            }
        }
        self.answer(job, result)
    }

    fn answer(&mut self, job: Job, result: Term) -> Result<(), NodeError> {
        let from = self.connection.own_pid();
        let message = Term::Tuple(vec![Term::atom("io_reply"), job.reply_as, result]);
        self.connection.send(Outgoing::Send { from, to: job.from, message })
    }

    /// Answers who waited for something, and serves who waited behind it.
    fn refuse(&mut self, job: Job, reason: &str) -> Result<(), NodeError> {
        self.answer(job, error(reason))?;
        self.feed()
    }

    fn print(&mut self, encoding: CharacterEncoding, characters: RawTerm<'_>) -> Result<Term, NodeError> {
        let print = |mut text: &[u8]| {
            while !text.is_empty() {
                let printed = self.device.write_some(text, TICK_INTERVAL)?;
                if printed == 0 {
                    // Else the node believes that we are gone. If it is gone itself, that is noticed when it is listened to.
                    let _ = self.connection.tick();
                }
                text = text.get(printed..).unwrap_or_default();
            }
            Ok(())
        };
        match characters.characters(encoding, print) {
            Ok(()) => Ok(Term::atom("ok")),
            Err(CharactersError::NotCharacters) => Ok(error("put_chars")),
            Err(CharactersError::Sink(error)) => Err(NodeError::Output(error)),
        }
    }

    fn options(&self) -> Term {
        let option = |name: &str, value: Term| Term::pair(Term::atom(name), value);
        Term::List(vec![
            option("binary", Term::boolean(self.binary)),
            option("encoding", Term::atom("unicode")),
            option("echo", Term::boolean(true)),
        ])
    }

    fn set_options(&mut self, options: RawTerm<'_>) {
        for option in options.list().into_iter().flatten() {
            match option.tuple_of() {
                Some([name, value]) if name.is_atom("binary") => self.binary = value.is_atom("true"),
                Some([name, value]) if name.is_atom("expand_fun") => self.expand_fun = Some(value.opaque()),
                _ if option.is_atom("binary") => self.binary = true,
                _ if option.is_atom("list") => self.binary = false,
                _ => {}
            }
        }
    }

    fn start(
        &mut self,
        job: Job,
        module: &str,
        function: &str,
        arguments: Vec<Term>,
    ) -> Result<(), NodeError> {
        let reference = self.connection.start_call(module, function, arguments)?;
        self.calls.push((reference, job));
        Ok(())
    }

    /// Goes on with a job whose call has ended.
    fn resume(&mut self, mut job: Job, reply: &Reply) -> Result<(), NodeError> {
        let waits_for = std::mem::replace(&mut job.waits_for, Waits::Nothing);
        let Some(value) = reply.returned() else {
            return self.refuse(job, "call");
        };
        match waits_for {
            Waits::Nothing => Ok(()),
            Waits::Print(encoding) => {
                let result = self.print(encoding, value)?;
                if is_error(&result) { self.answer(job, result) } else { self.run_after(job, result) }
            }
            Waits::Input(read) => self.decided(job, read, value),
        }
    }

    /// A sub-request is done: the next one, or the answer.
    fn run_after(&mut self, job: Job, result: Term) -> Result<(), NodeError> {
        if job.remaining.is_empty() { self.answer(job, result) } else { self.run(job) }
    }

    /// What the function of a `get_until` says: enough, or more.
    fn decided(&mut self, job: Job, mut read: Read, value: RawTerm<'_>) -> Result<(), NodeError> {
        let fields = value.tuple().unwrap_or_default();
        match &fields[..] {
            [tag, result, rest] if tag.is_atom("done") => {
                self.input_buffer.push_front(&rest.text(CharacterEncoding::Unicode).unwrap_or_default());
                let result = result.opaque();
                self.run_after(job, result)?;
                self.feed()
            }
            [tag, continuation] if tag.is_atom("more") => {
                read.prompt.is_continuation = true;
                if let Some(until) = &mut read.until {
                    until.continuation = continuation.opaque();
                }
                self.readers.push_front(Reader { job, read, is_prompted: false });
                self.feed()
            }
            _ => self.refuse(job, "get_until"),
        }
    }

    /// Serves requests for input as far as there is some.
    fn feed(&mut self) -> Result<(), NodeError> {
        // A function on the node decides how much of the input it takes: nobody else may have it meanwhile.
        while !self.calls.iter().any(|(_, job)| matches!(job.waits_for, Waits::Input(_))) {
            let Some(reader) = self.readers.front() else { break };
            if self.input_buffer.is_at_end()
                && self.shell.as_ref().is_some_and(|shell| !shell.ends_with_input)
            {
                break;
            }
            let input = match reader.read.prompt.kind {
                ReadKind::Characters(count) => self.input_buffer.characters(count),
                ReadKind::Line | ReadKind::Password | ReadKind::Until => self.input_buffer.line(),
            };
            let Some(input) = input else {
                if let Some(reader) = self.readers.front_mut().filter(|reader| !reader.is_prompted) {
                    reader.is_prompted = true;
                    self.device.begin_read(&reader.read.prompt).map_err(NodeError::Output)?;
                }
                break;
            };
            let Some(Reader { mut job, mut read, .. }) = self.readers.pop_front() else { break };
            match read.until.take() {
                Some(until) => {
                    let arguments = until_arguments(&until, input);
                    let (module, function) = (until.module.clone(), until.function.clone());
                    read.until = Some(until);
                    job.waits_for = Waits::Input(read);
                    self.start(job, &module, &function, arguments)?;
                }
                None => {
                    let result = self.input_term(input, read.prompt.kind);
                    self.run_after(job, result)?;
                }
            }
        }
        Ok(())
    }

    fn input_term(&self, input: Option<Vec<u8>>, kind: ReadKind) -> Term {
        let Some(mut bytes) = input else { return Term::atom("eof") };
        if kind == ReadKind::Password && bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        if self.binary { Term::Binary(bytes) } else { Term::string(&String::from_utf8_lossy(&bytes)) }
    }
}

/// Continuation, input as a list (`eof` when there is none), and what the request wants to add.
fn until_arguments(until: &Until, input: Option<Vec<u8>>) -> Vec<Term> {
    let input = input.map_or(Term::atom("eof"), |bytes| Term::string(&String::from_utf8_lossy(&bytes)));
    [vec![until.continuation.clone(), input], until.extra.clone()].concat()
}

/// The texts among the matches of a completion: strings, `{String, _}`, or in OTP 26 and newer maps of groups of these.
fn match_texts(matches: &Term) -> Vec<String> {
    let text = |element: &Term| match element {
        Term::Map(_) => element.map_value("elems").map(match_texts).unwrap_or_default(),
        Term::Tuple(fields) => fields.first().and_then(Term::to_text).into_iter().collect(),
        other => other.to_text().into_iter().collect(),
    };
    matches.as_list().unwrap_or_default().iter().flat_map(text).collect()
}

fn error(reason: &str) -> Term {
    Term::pair(Term::atom("error"), Term::atom(reason))
}

fn is_error(result: &Term) -> bool {
    matches!(result.as_tuple(), Some([tag, _]) if tag.is_atom("error"))
}

#[cfg(test)]
mod tests;
