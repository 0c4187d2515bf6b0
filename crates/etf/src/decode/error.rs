//! Why bytes are not a term.

use crate::MAXIMUM_DEPTH;

/// Bytes that are not a term, and where that shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a term in the external format: {problem} (at byte {offset})")]
pub struct DecodeError {
    /// The byte at which it was noticed, counted from the start of the input (or of the expanded term).
    pub offset: usize,
    /// What is wrong.
    pub problem: DecodeProblem,
}

impl DecodeError {
    pub(crate) fn new(offset: usize, problem: DecodeProblem) -> Self {
        Self { offset, problem }
    }
}

/// What can be wrong with bytes that ought to be a term.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeProblem {
    /// The input ends inside a term, or a length is larger than what is left.
    #[error("the input ends before the term does")]
    Truncated,
    /// The first byte is not 131.
    #[error("the first byte is {0}, and every term starts with 131")]
    Version(u8),
    /// A tag that no OTP release writes here.
    #[error("{0} is not the tag of a term")]
    Tag(u8),
    /// Bytes after the term.
    #[error("{0} bytes follow after the end of the term")]
    TrailingBytes(usize),
    /// Nested more deeply than the limit.
    #[error("the term is nested more deeply than {0} levels")]
    Depth(usize),
    /// More elements than the limit.
    #[error("the term has more elements than the limit of {0}")]
    Elements(usize),
    /// The compressed term says, or turns out, to be larger than the limit.
    #[error("the compressed term expands to more than the limit of {0} bytes")]
    UncompressedSize(usize),
    /// The zlib stream is broken or has another length than announced.
    #[error("the compressed term cannot be expanded")]
    Compression,
    /// Atom text that is not UTF-8, or longer than 255 characters.
    #[error("an atom is not UTF-8 or has more than 255 characters")]
    Atom,
    /// Something other than an atom where the format demands one.
    #[error("an atom was expected, and the tag is {0}")]
    AtomExpected(u8),
    /// An integer of more than 16,384 bytes. Erlang has such numbers, and none is ever sent in earnest.
    #[error("an integer has {0} bytes, which is more than 16384")]
    Integer(usize),
    /// Not a number.
    #[error("a float is not a finite number")]
    Float,
    /// A sign byte other than 0 and 1, an arity out of range, and the like.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// A map with the same key twice.
    #[error("a map has the same key twice")]
    DuplicateKey,
}

impl DecodeProblem {
    pub(super) fn depth(limit: usize) -> Self {
        Self::Depth(limit.min(MAXIMUM_DEPTH))
    }
}
