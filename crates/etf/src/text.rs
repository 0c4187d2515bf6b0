//! Erlang terms as text, as `.app`, `.rel`, `.script`, `.appup` and `sys.config` files hold them.
//!
//! Reading: [`consult`] is `file:consult/1`, [`parse`] gives the same terms with the place of each in the text, for
//! diagnostics. All of the syntax of OTP 29 is understood, older forms included.
//!
//! Writing: [`pretty`] writes the characters of `io_lib:format("~tp", [Term])`, [`plain`] those of `~tw`. Both are
//! exact, because files of a release are compared byte for byte with those that OTP writes. The little that differs
//! between releases of OTP is in [`Style`].

mod bits;
mod encoding;
mod error;
mod lexer;
mod literal;
mod number;
mod parser;
mod pretty;
mod spanned;
mod style;
mod token;
mod write;

pub use encoding::TextEncoding;
pub use error::SyntaxError;
pub use pretty::{pretty, pretty_with};
pub use spanned::{Node, Spanned};
pub use style::{PrintableRange, Style};
pub use write::{plain, plain_with};

use crate::term::Term;

/// Reads all terms of a file, each ended by a full stop: `file:consult/1`.
///
/// The text is UTF-8 unless a comment in its first two lines says `coding: latin-1`. Deliberate differences: a map keeps
/// the order of its entries; words that only some releases of OTP reserve (`maybe`, `else`) are taken as atoms; strings
/// that touch (`"a""b"`, refused since OTP 27) are one; floats of 16 bits in binaries are refused.
///
/// # Errors
///
/// [`SyntaxError`], for the first thing that is not a term.
pub fn consult(bytes: &[u8]) -> Result<Vec<Term>, SyntaxError> {
    consult_as(bytes, TextEncoding::Utf8)
}

/// [`consult`] for text whose encoding is `default` unless a comment says otherwise.
///
/// # Errors
///
/// As [`consult`].
pub fn consult_as(bytes: &[u8], default: TextEncoding) -> Result<Vec<Term>, SyntaxError> {
    let encoding = encoding::declared(bytes).unwrap_or(default);
    let text = encoding::decode(bytes, encoding)?;
    match parse(&text) {
        Ok(terms) => Ok(terms.into_iter().map(Spanned::into_term).collect()),
        Err(error) => Err(encoding::in_bytes(error, &text, encoding)),
    }
}

/// Reads all terms of a text, each with its place. Offsets and spans count bytes of `text`.
///
/// # Errors
///
/// As [`consult`].
pub fn parse(text: &str) -> Result<Vec<Spanned>, SyntaxError> {
    parser::Parser::new(text).terms()
}

#[cfg(test)]
mod tests;
