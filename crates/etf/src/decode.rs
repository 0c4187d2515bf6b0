//! From the external term format to terms.
//!
//! The bytes may come from a broken file or a hostile peer. Three rules keep the decoder harmless:
//!
//! * Every length is compared with what is left of the input before anything is allocated for it, and all containers
//!   together may not claim more elements than the input has bytes (every element takes at least one).
//! * Nesting is limited ([`MAXIMUM_DEPTH`]), for this function and for everything that later walks the term.
//! * What a compressed term expands to is limited by the caller, not by the term.
//!
//! Unlike `binary_to_term/1`, [`decode()`] refuses bytes after the term: in a file they mean damage.

mod compressed;
mod decoder;
mod error;

pub use decoder::Decoder;
pub use error::{DecodeError, DecodeProblem};

use crate::term::Term;
use crate::{MAXIMUM_DEPTH, VERSION, tag};
use std::borrow::Cow;

/// What a term may cost at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Levels of nesting; anything above [`MAXIMUM_DEPTH`] counts as that.
    pub depth: usize,
    /// Elements of all tuples, lists, strings and maps together (a map entry counts twice).
    pub elements: usize,
    /// Bytes that a compressed term may expand to.
    pub uncompressed_bytes: usize,
}

impl Default for DecodeLimits {
    /// [`MAXIMUM_DEPTH`] levels, 16 Mi elements, 256 MiB.
    fn default() -> Self {
        Self { depth: MAXIMUM_DEPTH, elements: 16 << 20, uncompressed_bytes: 256 << 20 }
    }
}

/// Decodes one term that fills the whole input: version byte, term (possibly compressed), nothing after it.
///
/// # Errors
///
/// [`DecodeError`] says what is wrong and at which byte. Offsets inside a compressed term count from the start of the
/// expanded bytes.
pub fn decode(bytes: &[u8]) -> Result<Term, DecodeError> {
    decode_with(bytes, &DecodeLimits::default())
}

/// [`decode()`] with limits of the caller's choice.
///
/// # Errors
///
/// As [`decode()`].
pub fn decode_with(bytes: &[u8], limits: &DecodeLimits) -> Result<Term, DecodeError> {
    let (body, start) = body(bytes, limits)?;
    let mut decoder = Decoder::at(&body, start, limits);
    let term = decoder.whole_term()?;
    decoder.finish()?;
    Ok(term)
}

/// What follows the version byte, expanded if it is compressed, and the offset at which the term starts.
fn body<'a>(bytes: &'a [u8], limits: &DecodeLimits) -> Result<(Cow<'a, [u8]>, usize), DecodeError> {
    match bytes {
        [] => Err(DecodeError::new(0, DecodeProblem::Truncated)),
        [VERSION, tag::COMPRESSED, compressed @ ..] => {
            compressed::expand(compressed, limits.uncompressed_bytes)
                .map(|expanded| (Cow::Owned(expanded), 0))
                .map_err(|problem| DecodeError::new(2, problem))
        }
        [VERSION, ..] => Ok((Cow::Borrowed(bytes), 1)),
        [other, ..] => Err(DecodeError::new(0, DecodeProblem::Version(*other))),
    }
}

#[cfg(test)]
mod tests;
