//! Serves the requests of the I/O protocol: prints, reads, and asks the node where a request needs its functions.
//!
//! A request may have to wait: for input, for requests that came before it, or for a function on the node which formats
//! what is to be printed, or decides whether there is enough input. Meanwhile it is pending, and others are served.

use std::collections::VecDeque;

use etf::{CharacterEncoding, CharactersError, RawTerm, Term};

use super::Session;
use crate::connection::{Reply, TICK_INTERVAL, parsed, reply_in};
use crate::device::ReadKind;
use crate::error::{NodeError, Step};
use crate::io_request::{Read, Request, Until};
use crate::message::{Incoming, Outgoing};
use crate::wire::FRAME_LIMIT;

/// Requests that wait at one time. The processes of a call wait for their answers, so a program that has more of them
/// open is broken or hostile.
const MAX_PENDING: usize = 10_000;

/// Bytes of requests that wait at one time: two of the largest, so that one of them never is too many.
const MAX_PENDING_BYTES: usize = 2 * FRAME_LIMIT as usize;

/// A request that is being answered: what is left of it, if it is several.
#[derive(Debug)]
pub(super) struct PendingRequest {
    /// The bytes of the whole request.
    size: usize,
    from: Term,
    reply_as: Term,
    remaining: VecDeque<Vec<u8>>,
    awaited: AwaitedCall,
}

/// A call that a request waits for: what is done with its result.
#[derive(Debug)]
enum AwaitedCall {
    /// Nothing was called.
    Nothing,
    /// Print it.
    Print(CharacterEncoding),
    /// It decides whether there is enough input.
    Input(Read),
}

/// A request for input.
#[derive(Debug)]
pub(super) struct PendingRead {
    pub(super) pending: PendingRequest,
    read: Read,
    /// Whether the device was asked for it.
    pub(super) is_prompted: bool,
}

impl Session<'_> {
    /// Answers a frame that is a request, or brings the result of a call that was made for one.
    pub(super) fn serve(&mut self, frame: &[u8]) -> Result<(), NodeError> {
        if let Incoming::Sent { message, .. } = parsed(frame)? {
            let Some([tag, from, reply_as, request]) = message.tuple_of() else { return Ok(()) };
            if !tag.is_atom("io_request") {
                return Ok(());
            }
            let waiting = self
                .reads
                .iter()
                .map(|reader| &reader.pending)
                .chain(self.calls.iter().map(|(_, pending)| pending));
            let (count, bytes) =
                waiting.fold((0, 0), |(count, bytes), pending| (count + 1, bytes + pending.size));
            if count >= MAX_PENDING || bytes > MAX_PENDING_BYTES {
                return Err(NodeError::Protocol { step: Step::Call, what: "too many requests at once" });
            }
            self.run(PendingRequest {
                size: frame.len(),
                from: from.opaque(),
                reply_as: reply_as.opaque(),
                remaining: VecDeque::from([request.bytes().to_vec()]),
                awaited: AwaitedCall::Nothing,
            })?;
            return self.serve_reads();
        }
        if let Some(reference) = &self.completion
            && let Some(reply) = reply_in(frame, reference)?
        {
            return self.completed(&reply);
        }
        for index in 0..self.calls.len() {
            let Some((reference, _)) = self.calls.get(index) else { break };
            if let Some(reply) = reply_in(frame, reference)? {
                let (_, pending) = self.calls.swap_remove(index);
                return self.resume(pending, &reply);
            }
        }
        Ok(())
    }

    /// Goes on with a request until it waits for something, or is done. A request for input is only put behind the others:
    /// were it served here, a peer that sends many in one would decide how deep this recurses. [`Session::serve_reads`]
    /// has to follow.
    fn run(&mut self, mut pending: PendingRequest) -> Result<(), NodeError> {
        let mut result = Term::atom("ok");
        while let Some(bytes) = pending.remaining.pop_front() {
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
                        pending.remaining.push_front(request.bytes().to_vec());
                    }
                    Term::atom("ok")
                }
                Some(Request::PutResult { encoding, module, function, arguments }) => {
                    pending.awaited = AwaitedCall::Print(encoding);
                    return self.start(pending, &module, &function, arguments);
                }
                Some(Request::Read(read))
                    if read.prompt.kind == ReadKind::Password && !self.device.can_hide_input() =>
                {
                    error("enotsup")
                }
                Some(Request::Read(read)) => {
                    self.reads.push_back(PendingRead { pending, read, is_prompted: false });
                    return Ok(());
                }
            };
            if is_error(&result) {
                break;
            }
        }
        self.answer(pending, result)
    }

    fn answer(&mut self, pending: PendingRequest, result: Term) -> Result<(), NodeError> {
        let from = self.connection.own_pid();
        let message = Term::Tuple(vec![Term::atom("io_reply"), pending.reply_as, result]);
        self.connection.send(Outgoing::Send { from, to: pending.from, message })
    }

    /// Answers a request with an error, and serves the reads behind it.
    pub(super) fn refuse(&mut self, pending: PendingRequest, reason: &str) -> Result<(), NodeError> {
        self.answer(pending, error(reason))?;
        self.serve_reads()
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
        pending: PendingRequest,
        module: &str,
        function: &str,
        arguments: Vec<Term>,
    ) -> Result<(), NodeError> {
        let reference = self.connection.start_call(module, function, arguments)?;
        self.calls.push((reference, pending));
        Ok(())
    }

    /// Goes on with a request whose call has ended.
    fn resume(&mut self, mut pending: PendingRequest, reply: &Reply) -> Result<(), NodeError> {
        let awaited = std::mem::replace(&mut pending.awaited, AwaitedCall::Nothing);
        let Some(value) = reply.returned() else {
            return self.refuse(pending, "call");
        };
        match awaited {
            AwaitedCall::Nothing => Ok(()),
            AwaitedCall::Print(encoding) => {
                let result = self.print(encoding, value)?;
                if is_error(&result) {
                    return self.answer(pending, result);
                }
                self.run_after(pending, result)?;
                self.serve_reads()
            }
            AwaitedCall::Input(read) => self.continue_read(pending, read, value),
        }
    }

    /// A sub-request is done: the next one, or the answer. [`Session::serve_reads`] has to follow here, too.
    fn run_after(&mut self, pending: PendingRequest, result: Term) -> Result<(), NodeError> {
        if pending.remaining.is_empty() { self.answer(pending, result) } else { self.run(pending) }
    }

    /// What the function of a `get_until` says: enough, or more.
    fn continue_read(
        &mut self,
        pending: PendingRequest,
        mut read: Read,
        value: RawTerm<'_>,
    ) -> Result<(), NodeError> {
        let fields = value.tuple().unwrap_or_default();
        match &fields[..] {
            [tag, result, rest] if tag.is_atom("done") => {
                self.input_buffer.push_front(&rest.text(CharacterEncoding::Unicode).unwrap_or_default());
                let result = result.opaque();
                self.run_after(pending, result)?;
                self.serve_reads()
            }
            [tag, continuation] if tag.is_atom("more") => {
                read.prompt.is_continuation = true;
                if let Some(until) = &mut read.until {
                    until.continuation = continuation.opaque();
                }
                self.reads.push_front(PendingRead { pending, read, is_prompted: false });
                self.serve_reads()
            }
            _ => self.refuse(pending, "get_until"),
        }
    }

    /// Serves requests for input as far as there is some, also those that come up meanwhile.
    pub(super) fn serve_reads(&mut self) -> Result<(), NodeError> {
        // A function on the node decides how much of the input it takes: no other request may have it meanwhile.
        while !self.calls.iter().any(|(_, pending)| matches!(pending.awaited, AwaitedCall::Input(_))) {
            let Some(reader) = self.reads.front() else { break };
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
                if let Some(reader) = self.reads.front_mut().filter(|reader| !reader.is_prompted) {
                    reader.is_prompted = true;
                    self.device.begin_read(&reader.read.prompt).map_err(NodeError::Output)?;
                }
                break;
            };
            let Some(PendingRead { mut pending, mut read, .. }) = self.reads.pop_front() else { break };
            match read.until.take() {
                Some(until) => {
                    let arguments = until_arguments(&until, input);
                    let (module, function) = (until.module.clone(), until.function.clone());
                    read.until = Some(until);
                    pending.awaited = AwaitedCall::Input(read);
                    self.start(pending, &module, &function, arguments)?;
                }
                None => {
                    let result = self.input_as_term(input, read.prompt.kind);
                    self.run_after(pending, result)?;
                }
            }
        }
        Ok(())
    }

    fn input_as_term(&self, input: Option<Vec<u8>>, kind: ReadKind) -> Term {
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

fn error(reason: &str) -> Term {
    Term::pair(Term::atom("error"), Term::atom(reason))
}

fn is_error(result: &Term) -> bool {
    matches!(result.as_tuple(), Some([tag, _]) if tag.is_atom("error"))
}
