//! Requests of the I/O protocol ("The Erlang I/O Protocol" in the user's guide of STDLIB), and the device that serves them.
//!
//! Whatever a called function prints and reads goes to its group leader, which is us. This module knows what is asked
//! for; [`Session`](crate::Session) answers.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use etf::{CharacterEncoding, RawTerm, Term};

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

/// One request, as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request<'a> {
    /// `{put_chars, Encoding, Characters}`.
    Put { encoding: CharacterEncoding, characters: RawTerm<'a> },
    /// `{put_chars, Encoding, M, F, A}`: the characters are what a function on the node returns.
    PutResult { encoding: CharacterEncoding, module: String, function: String, arguments: Vec<Term> },
    /// One that waits for input.
    Read(Read),
    /// `{get_geometry, columns | rows}`.
    Geometry { columns: bool },
    /// `getopts`.
    Options,
    /// `{setopts, Options}`.
    SetOptions(RawTerm<'a>),
    /// `{requests, Requests}`.
    Many(Vec<RawTerm<'a>>),
}

/// A request for input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) prompt: Prompt,
    /// For [`ReadKind::Until`]: the function.
    pub(crate) until: Option<Until>,
}

/// The function of a `get_until`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Until {
    pub(crate) module: String,
    pub(crate) function: String,
    /// Its first argument: what it returned the last time, or `[]`.
    pub(crate) continuation: Term,
    pub(crate) extra: Vec<Term>,
}

impl<'a> Request<'a> {
    /// Reads a request; `None` when there is no such request.
    pub(crate) fn parse(raw: RawTerm<'a>) -> Option<Self> {
        if raw.is_atom("getopts") {
            return Some(Self::Options);
        }
        let fields = raw.tuple()?;
        let (tag, fields) = fields.split_first()?;
        match (tag.atom()?.as_str(), fields) {
            ("put_chars", [encoding, characters]) => {
                Some(Self::Put { encoding: encoding_of(*encoding)?, characters: *characters })
            }
            ("put_chars", [characters]) => {
                Some(Self::Put { encoding: CharacterEncoding::Latin1, characters: *characters })
            }
            ("put_chars", [encoding, module, function, arguments]) => Some(Self::PutResult {
                encoding: encoding_of(*encoding)?,
                module: module.atom()?.to_string(),
                function: function.atom()?.to_string(),
                arguments: opaque_list(*arguments)?,
            }),
            ("get_line", [_, prompt]) => Some(Self::read(ReadKind::Line, *prompt)),
            ("get_line", [prompt]) => Some(Self::read(ReadKind::Line, *prompt)),
            ("get_password", [_, prompt]) => Some(Self::read(ReadKind::Password, *prompt)),
            ("get_password", [_]) => Some(Self::Read(Read {
                prompt: Prompt { text: Vec::new(), kind: ReadKind::Password, is_continuation: false },
                until: None,
            })),
            ("get_chars", [_, prompt, count] | [prompt, count]) => {
                let count = usize::try_from(count.integer()?).ok()?;
                Some(Self::read(ReadKind::Characters(count), *prompt))
            }
            ("get_until", [_, prompt, module, function, extra] | [prompt, module, function, extra]) => {
                let until = Until {
                    module: module.atom()?.to_string(),
                    function: function.atom()?.to_string(),
                    continuation: Term::nil(),
                    extra: opaque_list(*extra)?,
                };
                let prompt =
                    Prompt { text: prompt_text(*prompt), kind: ReadKind::Until, is_continuation: false };
                Some(Self::Read(Read { prompt, until: Some(until) }))
            }
            ("get_geometry", [what]) if what.is_atom("columns") => Some(Self::Geometry { columns: true }),
            ("get_geometry", [what]) if what.is_atom("rows") => Some(Self::Geometry { columns: false }),
            ("setopts", [options]) => Some(Self::SetOptions(*options)),
            ("requests", [requests]) => Some(Self::Many(requests.list()?.collect())),
            _ => None,
        }
    }

    fn read(kind: ReadKind, prompt: RawTerm<'a>) -> Self {
        Self::Read(Read {
            prompt: Prompt { text: prompt_text(prompt), kind, is_continuation: false },
            until: None,
        })
    }
}

fn encoding_of(raw: RawTerm<'_>) -> Option<CharacterEncoding> {
    match raw.atom()?.as_str() {
        "unicode" => Some(CharacterEncoding::Unicode),
        "latin1" => Some(CharacterEncoding::Latin1),
        _ => None,
    }
}

/// A prompt is text, or an atom to be shown as its text.
fn prompt_text(raw: RawTerm<'_>) -> Vec<u8> {
    match raw.atom() {
        Some(atom) => atom.as_str().as_bytes().to_vec(),
        None => raw.text(CharacterEncoding::Unicode).unwrap_or_default(),
    }
}

/// A list of arguments, which are not decoded. One that looks like a string is a list of small integers.
fn opaque_list(raw: RawTerm<'_>) -> Option<Vec<Term>> {
    match raw.list() {
        Some(elements) => Some(elements.map(RawTerm::opaque).collect()),
        None => match raw.decode().ok()? {
            Term::List(elements) => Some(elements),
            _ => None,
        },
    }
}

/// Input that has come and was not read yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputBuffer {
    bytes: VecDeque<u8>,
    has_ended: bool,
}

impl InputBuffer {
    pub(crate) fn push(&mut self, input: Input) {
        match input {
            Input::Data(bytes) => self.bytes.extend(bytes),
            Input::End => self.has_ended = true,
        }
    }

    /// Whether everything has been read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.has_ended && self.bytes.is_empty()
    }

    /// What a function on the node has left over.
    pub(crate) fn push_front(&mut self, text: &[u8]) {
        for byte in text.iter().rev() {
            self.bytes.push_front(*byte);
        }
    }

    /// A line with its end, or the last bytes; `Some(None)` at the end of the input, `None` when there is not enough.
    pub(crate) fn line(&mut self) -> Option<Option<Vec<u8>>> {
        match self.bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => Some(Some(self.bytes.drain(..=end).collect())),
            None => self.rest(),
        }
    }

    /// This many characters, likewise.
    pub(crate) fn characters(&mut self, count: usize) -> Option<Option<Vec<u8>>> {
        // A character begins at every byte that does not continue one.
        let starts = self.bytes.iter().enumerate().filter(|(_, byte)| **byte & 0xc0 != 0x80);
        match starts.map(|(index, _)| index).nth(count) {
            Some(end) => Some(Some(self.bytes.drain(..end).collect())),
            None if self.bytes.len() == count && self.bytes.iter().all(u8::is_ascii) => {
                Some(Some(self.bytes.drain(..).collect()))
            }
            None => self.rest(),
        }
    }

    fn rest(&mut self) -> Option<Option<Vec<u8>>> {
        match (self.has_ended, self.bytes.is_empty()) {
            (false, _) => None,
            (true, true) => Some(None),
            (true, false) => Some(Some(self.bytes.drain(..).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etf::AtomEncoding;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Option<String> {
        let term = etf::text::consult(format!("{text}.").as_bytes()).unwrap().remove(0);
        let mut bytes = Vec::new();
        etf::encode_without_version(&term, AtomEncoding::Utf8, &mut bytes).unwrap();
        Request::parse(RawTerm::split(&bytes).unwrap().0).map(|request| format!("{request:?}"))
    }

    #[test]
    fn requests_are_known_in_all_their_forms() {
        for known in [
            "{put_chars, unicode, <<\"text\">>}",
            "{put_chars, \"text\"}",
            "{put_chars, unicode, io_lib, format, [\"~p\", [1]]}",
            "{get_line, unicode, \"> \"}",
            "{get_line, latin1, prompt}",
            "{get_chars, unicode, \"> \", 3}",
            "{get_until, unicode, \"> \", io_lib, fread, [\"~d\"]}",
            "{get_password, unicode}",
            "getopts",
            "{setopts, [binary]}",
            "{get_geometry, columns}",
            "{requests, [getopts, {put_chars, latin1, \"x\"}]}",
        ] {
            assert!(parsed(known).is_some(), "{known}");
        }
        for unknown in
            ["{put_chars, ebcdic, \"x\"}", "{get_chars, unicode, \"\", -1}", "{beep}", "x", "[]", "{}"]
        {
            assert_eq!(parsed(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn input_comes_in_lines_and_in_characters() {
        let mut input_buffer = InputBuffer::default();
        input_buffer.push(Input::Data("añb\nrest".into()));
        assert_eq!(input_buffer.characters(2), Some(Some("añ".into())));
        assert_eq!(input_buffer.line(), Some(Some("b\n".into())));
        assert_eq!(input_buffer.line(), None);
        assert_eq!(input_buffer.characters(4), Some(Some("rest".into())));
        input_buffer.push_front(b"again");
        input_buffer.push(Input::End);
        assert_eq!(input_buffer.line(), Some(Some("again".into())));
        assert_eq!(input_buffer.line(), Some(None));
    }

    proptest! {
        #[test]
        fn any_term_is_a_request_or_none(bytes in any::<Vec<u8>>()) {
            if let Ok((raw, _)) = RawTerm::split(&bytes) {
                let _ = Request::parse(raw);
            }
        }
    }
}
