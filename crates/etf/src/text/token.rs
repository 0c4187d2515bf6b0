//! The pieces of the text.

use crate::term::Term;
use std::ops::Range;

/// A token and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) span: Range<usize>,
    pub(super) kind: TokenKind,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// An atom, quoted or not.
    Atom(String),
    /// A reserved word that is not quoted.
    Reserved(String),
    /// A variable.
    Variable(String),
    /// An integer.
    Integer(Term),
    /// A float.
    Float(f64),
    /// `$c`.
    Character(char),
    /// `"…"` and `"""…"""`.
    String(String),
    /// `~s"…"`: a string that others cannot be joined to.
    StringSigil(String),
    /// `~"…"` and `~b"…"`: a UTF-8 binary.
    BinarySigil(String),
    /// Punctuation.
    Symbol(&'static str),
    /// The full stop at the end of a term.
    Dot,
    /// The end of the text.
    End,
}

impl TokenKind {
    /// What a reader would call it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Atom(text) => format!("the atom {text}"),
            Self::Reserved(text) => {
                format!("the reserved word {text} (an atom of this name must be quoted: '{text}')")
            }
            Self::Variable(text) => format!("the variable {text} (only values may stand here)"),
            Self::Integer(_) | Self::Float(_) => "a number".to_owned(),
            Self::Character(_) => "a character".to_owned(),
            Self::String(_) | Self::StringSigil(_) => "a string".to_owned(),
            Self::BinarySigil(_) => "a binary".to_owned(),
            Self::Symbol(text) => format!("“{text}”"),
            Self::Dot => "the full stop that ends a term".to_owned(),
            Self::End => "the end of the file".to_owned(),
        }
    }
}
