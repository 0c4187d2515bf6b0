//! From terms to the external term format.
//!
//! Byte-identical to `term_to_binary/2`, because releases are compared byte for byte with those that Mix builds: a
//! list of bytes becomes `STRING_EXT`, a small tuple has a small header, and so on, exactly as
//! `erts/emulator/beam/external.c` chooses. The one thing that differs between releases of OTP is how atoms are
//! written, and that is a parameter. Map entries are written in the order in which the term holds them: OTP's own order
//! is not defined.

use crate::term::{Atom, BigInteger, Term};
use crate::{MAXIMUM_DEPTH, VERSION, tag};

/// Longest list that may be written as `STRING_EXT`.
const STRING_LENGTH: usize = 0xffff;

/// Port numbers from here on need `V4_PORT_EXT`.
const FIRST_LARGE_PORT: u64 = 1 << 28;

/// How atoms are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomEncoding {
    /// As Latin-1 where that is possible, else as UTF-8: what `term_to_binary/1` does up to OTP 25.
    Latin1,
    /// As UTF-8: OTP 26 and newer, and the distribution protocol of all supported releases.
    Utf8,
}

/// A term that the external format cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Erlang's limit is 255 characters.
    #[error("an atom has {0} characters, and Erlang permits 255")]
    AtomTooLong(usize),
    /// More than 2³²-1 elements or bytes.
    #[error("{0} elements or bytes are more than the external term format can count")]
    TooLarge(usize),
    /// Nested more deeply than [`MAXIMUM_DEPTH`].
    #[error("the term is nested more deeply than {MAXIMUM_DEPTH} levels")]
    TooDeep,
    /// NaN or infinity.
    #[error("a float is not a finite number, and Erlang has no other")]
    Float,
    /// A reference without words, or with more than five.
    #[error("a reference has {0} words, and one to five are possible")]
    Reference(usize),
    /// A bit string whose last byte has no bits, or all.
    #[error("a bit string has {0} bits in its last byte, and one to seven are possible")]
    Bits(u8),
}

/// The bytes of `term_to_binary/1`: version byte and term, not compressed.
///
/// # Errors
///
/// [`EncodeError`], for terms that Erlang could not hold either, or that are nested too deeply.
pub fn encode(term: &Term, atoms: AtomEncoding) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = vec![VERSION];
    encode_without_version(term, atoms, &mut bytes)?;
    Ok(bytes)
}

/// Appends the term alone, as the distribution protocol needs it after a header.
///
/// # Errors
///
/// As [`encode()`]; `output` then ends in an unfinished term.
pub fn encode_without_version(
    term: &Term,
    atoms: AtomEncoding,
    output: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    Encoder { atoms, output, depth: 0 }.term(term)
}

type Encoded = Result<(), EncodeError>;

struct Encoder<'a> {
    atoms: AtomEncoding,
    output: &'a mut Vec<u8>,
    depth: usize,
}

impl Encoder<'_> {
    fn term(&mut self, term: &Term) -> Encoded {
        match term {
            Term::Integer(value) => self.integer(*value),
            Term::BigInteger(number) => self.big_integer(number)?,
            Term::Float(value) => {
                if !value.is_finite() {
                    return Err(EncodeError::Float);
                }
                self.output.push(tag::NEW_FLOAT);
                self.output.extend_from_slice(&value.to_be_bytes());
            }
            Term::Atom(atom) => self.atom(atom)?,
            Term::Binary(bytes) => {
                self.counted(tag::BINARY, bytes.len())?;
                self.output.extend_from_slice(bytes);
            }
            Term::Bitstring(bytes, bits) => self.bitstring(bytes, *bits)?,
            Term::Tuple(elements) => {
                match u8::try_from(elements.len()) {
                    Ok(arity) => self.output.extend_from_slice(&[tag::SMALL_TUPLE, arity]),
                    Err(_) => self.counted(tag::LARGE_TUPLE, elements.len())?,
                }
                self.elements(elements)?;
            }
            Term::List(elements) => self.list(elements)?,
            Term::ImproperList(elements, tail) => {
                self.counted(tag::LIST, elements.len())?;
                self.elements(elements)?;
                self.nested(|encoder| encoder.term(tail))?;
            }
            Term::Map(entries) => {
                self.counted(tag::MAP, entries.len())?;
                self.nested(|encoder| {
                    entries.iter().try_for_each(|(key, value)| {
                        encoder.term(key)?;
                        encoder.term(value)
                    })
                })?;
            }
            Term::ExternalFun { module, function, arity } => {
                self.output.push(tag::EXPORT);
                self.atom(module)?;
                self.atom(function)?;
                self.output.extend_from_slice(&[tag::SMALL_INTEGER, *arity]);
            }
            Term::Pid { node, id, serial, creation } => {
                self.output.push(tag::NEW_PID);
                self.atom(node)?;
                self.words(&[*id, *serial, *creation]);
            }
            Term::Port { node, id, creation } => self.port(node, *id, *creation)?,
            Term::Reference { node, creation, words } => self.reference(node, *creation, words)?,
            Term::Opaque(bytes) => self.output.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn integer(&mut self, value: i64) {
        if let Ok(byte) = u8::try_from(value) {
            self.output.extend_from_slice(&[tag::SMALL_INTEGER, byte]);
        } else if let Ok(word) = i32::try_from(value) {
            self.output.push(tag::INTEGER);
            self.output.extend_from_slice(&word.to_be_bytes());
        } else {
            let magnitude = value.unsigned_abs().to_le_bytes();
            let zeros = magnitude.iter().rev().take_while(|byte| **byte == 0).count();
            let (significant, _) = magnitude.split_at(magnitude.len() - zeros);
            // At most eight bytes.
            let length = u8::try_from(significant.len()).unwrap_or(8);
            self.output.extend_from_slice(&[tag::SMALL_BIG, length, u8::from(value < 0)]);
            self.output.extend_from_slice(significant);
        }
    }

    fn big_integer(&mut self, number: &BigInteger) -> Encoded {
        match u8::try_from(number.magnitude.len()) {
            Ok(length) => self.output.extend_from_slice(&[tag::SMALL_BIG, length]),
            Err(_) => self.counted(tag::LARGE_BIG, number.magnitude.len())?,
        }
        self.output.push(u8::from(number.negative));
        self.output.extend_from_slice(&number.magnitude);
        Ok(())
    }

    fn atom(&mut self, atom: &Atom) -> Encoded {
        let text = atom.as_str();
        let characters = text.chars().count();
        if characters > 255 {
            return Err(EncodeError::AtomTooLong(characters));
        }
        let latin1 = match self.atoms {
            AtomEncoding::Latin1 => text.chars().map(|character| u8::try_from(character).ok()).collect(),
            AtomEncoding::Utf8 => None,
        };
        let (wide_tag, bytes) = match &latin1 {
            Some(bytes) => (tag::ATOM, Vec::as_slice(bytes)),
            None => (tag::ATOM_UTF8, text.as_bytes()),
        };
        match u8::try_from(bytes.len()) {
            Ok(length) if wide_tag == tag::ATOM_UTF8 => {
                self.output.extend_from_slice(&[tag::SMALL_ATOM_UTF8, length]);
            }
            _ => {
                let length = u16::try_from(bytes.len()).map_err(|_| EncodeError::AtomTooLong(characters))?;
                self.output.push(wide_tag);
                self.output.extend_from_slice(&length.to_be_bytes());
            }
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn bitstring(&mut self, bytes: &[u8], bits: u8) -> Encoded {
        if !(1..=7).contains(&bits) || bytes.is_empty() {
            return Err(EncodeError::Bits(bits));
        }
        self.counted(tag::BIT_BINARY, bytes.len())?;
        self.output.push(bits);
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn list(&mut self, elements: &[Term]) -> Encoded {
        if elements.is_empty() {
            self.output.push(tag::NIL);
            return Ok(());
        }
        if let Some(bytes) = string_bytes(elements)
            && let Ok(length) = u16::try_from(bytes.len())
        {
            self.output.push(tag::STRING);
            self.output.extend_from_slice(&length.to_be_bytes());
            self.output.extend_from_slice(&bytes);
            return Ok(());
        }
        self.counted(tag::LIST, elements.len())?;
        self.elements(elements)?;
        self.output.push(tag::NIL);
        Ok(())
    }

    fn port(&mut self, node: &Atom, id: u64, creation: u32) -> Encoded {
        if id < FIRST_LARGE_PORT {
            self.output.push(tag::NEW_PORT);
            self.atom(node)?;
            // The high half is zero.
            self.output.extend_from_slice(&id.to_be_bytes()[4..]);
        } else {
            self.output.push(tag::V4_PORT);
            self.atom(node)?;
            self.output.extend_from_slice(&id.to_be_bytes());
        }
        self.words(&[creation]);
        Ok(())
    }

    fn reference(&mut self, node: &Atom, creation: u32, words: &[u32]) -> Encoded {
        let count = u16::try_from(words.len()).unwrap_or(u16::MAX);
        if !(1..=5).contains(&count) {
            return Err(EncodeError::Reference(words.len()));
        }
        self.output.push(tag::NEWER_REFERENCE);
        self.output.extend_from_slice(&count.to_be_bytes());
        self.atom(node)?;
        self.words(&[creation]);
        self.words(words);
        Ok(())
    }

    fn elements(&mut self, elements: &[Term]) -> Encoded {
        self.nested(|encoder| elements.iter().try_for_each(|element| encoder.term(element)))
    }

    fn nested(&mut self, write: impl FnOnce(&mut Self) -> Encoded) -> Encoded {
        if self.depth >= MAXIMUM_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        self.depth += 1;
        let result = write(self);
        self.depth -= 1;
        result
    }

    fn counted(&mut self, tag: u8, count: usize) -> Encoded {
        let word = u32::try_from(count).map_err(|_| EncodeError::TooLarge(count))?;
        self.output.push(tag);
        self.words(&[word]);
        Ok(())
    }

    fn words(&mut self, words: &[u32]) {
        for word in words {
            self.output.extend_from_slice(&word.to_be_bytes());
        }
    }
}

/// The list as bytes, if OTP would write it as a string.
fn string_bytes(elements: &[Term]) -> Option<Vec<u8>> {
    if elements.len() > STRING_LENGTH {
        return None;
    }
    elements.iter().map(|element| element.as_integer().and_then(|value| u8::try_from(value).ok())).collect()
}

#[cfg(test)]
mod tests;
