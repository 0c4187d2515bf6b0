//! Which encoding a file is in, and its text.
//!
//! The rules of `epp:read_encoding/1`: a comment in one of the first two lines may contain `coding`, then `:` or `=`,
//! then the name of the encoding. Emacs writes such comments, and OTP took them over.

use super::error::SyntaxError;
use std::borrow::Cow;

/// How the characters of a term file are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// What everything is by default since OTP 17.
    Utf8,
    /// One byte is one character.
    Latin1,
}

/// OTP looks at this many bytes.
const EXAMINED: usize = 512;

/// The encoding that a comment in the first two lines names, if one does.
pub(super) fn declared(bytes: &[u8]) -> Option<TextEncoding> {
    bytes.get(..EXAMINED).unwrap_or(bytes).split(|byte| *byte == b'\n').take(2).find_map(|line| {
        let comment = line.iter().position(|byte| *byte == b'%')?;
        declared_in(line.get(comment..)?)
    })
}

fn declared_in(comment: &[u8]) -> Option<TextEncoding> {
    const KEYWORD: &[u8] = b"coding";
    let mut rest = comment;
    loop {
        let at = rest.windows(KEYWORD.len()).position(|window| window == KEYWORD)?;
        rest = rest.get(at + KEYWORD.len()..)?;
        if let [b':' | b'=', name @ ..] = rest.trim_ascii_start() {
            return named(name.trim_ascii_start());
        }
    }
}

fn named(name: &[u8]) -> Option<TextEncoding> {
    let end =
        name.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-').unwrap_or(name.len());
    let name = name.get(..end)?.to_ascii_lowercase();
    let mut parts = name.split(|byte| *byte == b'-');
    match (parts.next()?, parts.next()?) {
        (b"utf", b"8") => Some(TextEncoding::Utf8),
        (b"latin", b"1") => Some(TextEncoding::Latin1),
        _ => None,
    }
}

/// The text in this encoding.
pub(super) fn decode(bytes: &[u8], encoding: TextEncoding) -> Result<Cow<'_, str>, SyntaxError> {
    match encoding {
        TextEncoding::Latin1 => Ok(bytes.iter().copied().map(char::from).collect::<String>().into()),
        TextEncoding::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let text = String::from_utf8_lossy(valid);
                Err(SyntaxError::new(
                    &text,
                    text.len(),
                    "this is not UTF-8; save the file as UTF-8, or begin it with the comment %% coding: latin-1",
                ))
            }
        },
    }
}

/// An error in decoded text, with its offset counted in bytes of the file again.
pub(super) fn in_bytes(error: SyntaxError, text: &str, encoding: TextEncoding) -> SyntaxError {
    match encoding {
        TextEncoding::Utf8 => error,
        TextEncoding::Latin1 => {
            let offset = text.get(..error.offset).map_or(error.offset, |before| before.chars().count());
            SyntaxError { offset, ..error }
        }
    }
}
