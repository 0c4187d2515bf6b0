//! Requests of the I/O protocol ("The Erlang I/O Protocol" in the user's guide of STDLIB), as they arrive.
//!
//! Whatever a called function prints and reads goes to its group leader, which is this side. This module knows what is
//! asked for; [`Session`](crate::Session) answers.

use etf::{CharacterEncoding, RawTerm, Term};

use crate::device::{Prompt, ReadKind};

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

    proptest! {
        #[test]
        fn any_term_is_a_request_or_none(bytes in any::<Vec<u8>>()) {
            if let Ok((raw, _)) = RawTerm::split(&bytes) {
                let _ = Request::parse(raw);
            }
        }
    }
}
