//! The decoder proper: one term after the other from a slice.

use super::DecodeLimits;
use super::error::{DecodeError, DecodeProblem};
use crate::order;
use crate::term::{Atom, BigInteger, Term};
use crate::{MAXIMUM_DEPTH, VERSION, tag};

/// Characters that an atom may have (`MAX_ATOM_CHARACTERS` in `atom.h`).
const ATOM_CHARACTERS: usize = 255;

type Decoded<T> = Result<T, DecodeError>;

/// Reads terms from a slice, one after the other.
///
/// This is the lower level, for the distribution protocol and other places where terms stand in a row; whole inputs go
/// through [`decode()`](super::decode()).
///
/// ```
/// # use beamship_etf::{DecodeLimits, Decoder, Term};
/// let limits = DecodeLimits::default();
/// let mut decoder = Decoder::new(&[97, 1, 106, 255], &limits);
/// assert_eq!(decoder.term(), Ok(Term::Integer(1)));
/// assert_eq!(decoder.term(), Ok(Term::nil()));
/// assert_eq!(decoder.position(), 3);
/// assert_eq!(decoder.rest(), [255]);
/// ```
#[derive(Debug)]
pub struct Decoder<'a> {
    input: &'a [u8],
    position: usize,
    limits: &'a DecodeLimits,
    depth: usize,
    /// How many elements may still be claimed by containers. At most one per byte of input, which also bounds what is
    /// allocated for containers whose elements never come.
    elements_left: usize,
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of this input.
    pub fn new(input: &'a [u8], limits: &'a DecodeLimits) -> Self {
        Self::at(input, 0, limits)
    }

    pub(super) fn at(input: &'a [u8], position: usize, limits: &'a DecodeLimits) -> Self {
        Self { input, position, limits, depth: 0, elements_left: limits.elements.min(input.len()) }
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The bytes that have not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    /// Reads a version byte, as it stands before each term of a distribution message that has no header.
    ///
    /// # Errors
    ///
    /// When the next byte is another one, or there is none.
    pub fn version(&mut self) -> Decoded<()> {
        match self.byte()? {
            VERSION => Ok(()),
            other => Err(self.error_before(1, DecodeProblem::Version(other))),
        }
    }

    /// Reads one term, without version byte and not compressed.
    ///
    /// # Errors
    ///
    /// As [`decode()`](super::decode()). The position is then somewhere inside the broken term.
    pub fn term(&mut self) -> Decoded<Term> {
        let tag = self.byte()?;
        match tag {
            tag::SMALL_INTEGER => Ok(Term::Integer(i64::from(self.byte()?))),
            tag::INTEGER => Ok(Term::Integer(i64::from(i32::from_be_bytes(self.array()?)))),
            tag::SMALL_BIG | tag::LARGE_BIG => self.big_integer(tag),
            tag::NEW_FLOAT => self.float(),
            tag::FLOAT => self.text_float(),
            tag::ATOM | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8 => {
                self.atom_of(tag).map(Term::Atom)
            }
            tag::BINARY => {
                let length = self.length()?;
                Ok(Term::Binary(self.take(length)?.to_vec()))
            }
            tag::BIT_BINARY => self.bitstring(),
            tag::STRING => self.string(),
            tag::NIL => Ok(Term::nil()),
            tag::SMALL_TUPLE => {
                let arity = usize::from(self.byte()?);
                self.elements(arity).map(Term::Tuple)
            }
            tag::LARGE_TUPLE => {
                let arity = self.length()?;
                self.elements(arity).map(Term::Tuple)
            }
            tag::LIST => self.list(),
            tag::MAP => self.map(),
            tag::EXPORT => self.external_fun(),
            tag::NEW_PID | tag::PID => self.pid(tag),
            tag::PORT | tag::NEW_PORT | tag::V4_PORT => self.port(tag),
            tag::REFERENCE | tag::NEW_REFERENCE | tag::NEWER_REFERENCE => self.reference(tag),
            tag::NEW_FUN => self.local_fun(),
            tag::NATIVE_RECORD => self.native_record(),
            other => Err(self.error_before(1, DecodeProblem::Tag(other))),
        }
    }

    /// A term that fills the rest of the input. Only such a one may be in a node's local format, whose end nobody else
    /// can find.
    pub(super) fn whole_term(&mut self) -> Decoded<Term> {
        match self.rest() {
            [tag::LOCAL, _, ..] => {
                let bytes = self.rest();
                self.position = self.input.len();
                Ok(Term::Opaque(bytes.to_vec()))
            }
            _ => self.term(),
        }
    }

    /// Nothing may be left.
    pub(super) fn finish(&self) -> Decoded<()> {
        match self.rest().len() {
            0 => Ok(()),
            count => Err(self.error(DecodeProblem::TrailingBytes(count))),
        }
    }

    // Numbers.

    fn big_integer(&mut self, tag: u8) -> Decoded<Term> {
        let length = if tag == tag::SMALL_BIG { usize::from(self.byte()?) } else { self.length()? };
        let negative = match self.byte()? {
            0 => false,
            1 => true,
            _ => return Err(self.error_before(1, DecodeProblem::Range("the sign of an integer"))),
        };
        if length > BigInteger::MAXIMUM_BYTES {
            return Err(self.error(DecodeProblem::Integer(length)));
        }
        let magnitude = self.take(length)?;
        Ok(Term::from_magnitude(negative, magnitude))
    }

    fn float(&mut self) -> Decoded<Term> {
        let value = f64::from_be_bytes(self.array()?);
        if value.is_finite() {
            Ok(Term::Float(value))
        } else {
            Err(self.error_before(8, DecodeProblem::Float))
        }
    }

    /// The old format: 31 bytes as `sprintf("%.20e")` writes them, filled with zeros.
    fn text_float(&mut self) -> Decoded<Term> {
        let bytes = self.take(31)?;
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.trim_start().parse::<f64>().ok())
            .filter(|value| value.is_finite())
            .map(Term::Float)
            .ok_or_else(|| self.error_before(31, DecodeProblem::Float))
    }

    // Atoms, and what carries them.

    fn atom(&mut self) -> Decoded<Atom> {
        let tag = self.byte()?;
        self.atom_of(tag)
    }

    fn atom_of(&mut self, tag: u8) -> Decoded<Atom> {
        let length = match tag {
            tag::ATOM | tag::ATOM_UTF8 => usize::from(u16::from_be_bytes(self.array()?)),
            tag::SMALL_ATOM | tag::SMALL_ATOM_UTF8 => usize::from(self.byte()?),
            other => return Err(self.error_before(1, DecodeProblem::AtomExpected(other))),
        };
        let bytes = self.take(length)?;
        let text = match tag {
            // Latin-1 is the first 256 code points.
            tag::ATOM | tag::SMALL_ATOM => Some(bytes.iter().copied().map(char::from).collect::<String>()),
            _ => std::str::from_utf8(bytes).ok().map(str::to_owned),
        };
        text.filter(|text| text.chars().count() <= ATOM_CHARACTERS)
            .map(Atom::new)
            .ok_or_else(|| self.error_before(length, DecodeProblem::Atom))
    }

    fn external_fun(&mut self) -> Decoded<Term> {
        let module = self.atom()?;
        let function = self.atom()?;
        match (self.byte()?, self.byte()?) {
            (tag::SMALL_INTEGER, arity) => Ok(Term::ExternalFun { module, function, arity }),
            _ => Err(self.error_before(2, DecodeProblem::Range("the arity of a fun"))),
        }
    }

    fn pid(&mut self, tag: u8) -> Decoded<Term> {
        let node = self.atom()?;
        let id = self.word()?;
        let serial = self.word()?;
        let creation = self.creation(tag == tag::PID)?;
        Ok(Term::Pid { node, id, serial, creation })
    }

    fn port(&mut self, tag: u8) -> Decoded<Term> {
        let node = self.atom()?;
        let id =
            if tag == tag::V4_PORT { u64::from_be_bytes(self.array()?) } else { u64::from(self.word()?) };
        let creation = self.creation(tag == tag::PORT)?;
        Ok(Term::Port { node, id, creation })
    }

    fn reference(&mut self, tag: u8) -> Decoded<Term> {
        if tag == tag::REFERENCE {
            let node = self.atom()?;
            let word = self.word()?;
            let creation = self.creation(true)?;
            return Ok(Term::Reference { node, creation, words: vec![word] });
        }
        let count = u16::from_be_bytes(self.array()?);
        if !(1..=5).contains(&count) {
            return Err(self.error_before(2, DecodeProblem::Range("the length of a reference")));
        }
        let node = self.atom()?;
        let creation = self.creation(tag == tag::NEW_REFERENCE)?;
        let words = (0..count).map(|_| self.word()).collect::<Decoded<Vec<u32>>>()?;
        Ok(Term::Reference { node, creation, words })
    }

    /// The incarnation of a node: one byte in the old formats, four in the new ones.
    fn creation(&mut self, old: bool) -> Decoded<u32> {
        if old { self.byte().map(u32::from) } else { self.word() }
    }

    /// Kept as the bytes it came in; they begin with their own length.
    fn local_fun(&mut self) -> Decoded<Term> {
        let start = self.position - 1;
        let size = self.length()?;
        let Some(content) = size.checked_sub(4) else {
            return Err(self.error_before(4, DecodeProblem::Range("the size of a fun")));
        };
        self.take(content)?;
        Ok(self.opaque_since(start))
    }

    /// `#module:name{…}` of OTP 29: number of fields, a byte of flags, module, name, all names, all values.
    /// Kept as the bytes it came in.
    fn native_record(&mut self) -> Decoded<Term> {
        let start = self.position - 1;
        let fields = self.length()?;
        let _flags = self.byte()?;
        self.atom()?;
        self.atom()?;
        self.claim(fields)?;
        for _ in 0..fields {
            self.atom()?;
        }
        self.elements(fields)?;
        Ok(self.opaque_since(start))
    }

    fn opaque_since(&self, start: usize) -> Term {
        Term::Opaque(self.input.get(start..self.position).unwrap_or_default().to_vec())
    }

    // Bits and bytes.

    fn bitstring(&mut self) -> Decoded<Term> {
        let length = self.length()?;
        let bits = self.byte()?;
        if bits > 8 || (bits == 0) != (length == 0) {
            return Err(self.error_before(1, DecodeProblem::Range("the number of bits in the last byte")));
        }
        let mut bytes = self.take(length)?.to_vec();
        if bits == 0 || bits == 8 {
            return Ok(Term::Binary(bytes));
        }
        // The bits that do not count may be anything; equal terms have equal bytes here.
        if let Some(last) = bytes.last_mut() {
            *last &= 0xff << (8 - bits);
        }
        Ok(Term::Bitstring(bytes, bits))
    }

    fn string(&mut self) -> Decoded<Term> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        self.claim(length)?;
        let bytes = self.take(length)?;
        Ok(Term::List(bytes.iter().map(|byte| Term::Integer(i64::from(*byte))).collect()))
    }

    // Containers.

    fn list(&mut self) -> Decoded<Term> {
        let count = self.length()?;
        let elements = self.elements(count)?;
        // The tail is nearly always `[]`, for which nothing has to be nested.
        if self.rest().first() == Some(&tag::NIL) {
            self.position += 1;
            return Ok(Term::List(elements));
        }
        let tail = self.nested(Self::term)?;
        Ok(Term::list_with_tail(elements, tail))
    }

    fn map(&mut self) -> Decoded<Term> {
        let count = self.length()?;
        self.claim(count)?;
        self.claim(count)?;
        let entries = self.nested(|decoder| {
            let mut entries = Vec::with_capacity(count);
            for _ in 0..count {
                entries.push((decoder.term()?, decoder.term()?));
            }
            Ok(entries)
        })?;
        if order::has_duplicate_key(&entries) {
            return Err(self.error(DecodeProblem::DuplicateKey));
        }
        Ok(Term::Map(entries))
    }

    fn elements(&mut self, count: usize) -> Decoded<Vec<Term>> {
        self.claim(count)?;
        self.nested(|decoder| {
            let mut elements = Vec::with_capacity(count);
            for _ in 0..count {
                elements.push(decoder.term()?);
            }
            Ok(elements)
        })
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Decoded<T>) -> Decoded<T> {
        if self.depth >= self.limits.depth.min(MAXIMUM_DEPTH) {
            return Err(self.error(DecodeProblem::depth(self.limits.depth)));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Notes that a container wants this many elements, before room is made for them.
    fn claim(&mut self, count: usize) -> Decoded<()> {
        if count > self.rest().len() && count > 0 {
            return Err(self.error(DecodeProblem::Truncated));
        }
        match self.elements_left.checked_sub(count) {
            Some(left) => {
                self.elements_left = left;
                Ok(())
            }
            None if self.limits.elements > self.input.len() => Err(self.error(DecodeProblem::Truncated)),
            None => Err(self.error(DecodeProblem::Elements(self.limits.elements))),
        }
    }

    // Bytes.

    fn take(&mut self, count: usize) -> Decoded<&'a [u8]> {
        match self.rest().get(..count) {
            Some(bytes) => {
                self.position += count;
                Ok(bytes)
            }
            None => Err(self.error(DecodeProblem::Truncated)),
        }
    }

    fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        match self.rest().first_chunk::<N>() {
            Some(bytes) => {
                self.position += N;
                Ok(*bytes)
            }
            None => Err(self.error(DecodeProblem::Truncated)),
        }
    }

    fn byte(&mut self) -> Decoded<u8> {
        self.array().map(|[byte]| byte)
    }

    fn word(&mut self) -> Decoded<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A length of four bytes.
    fn length(&mut self) -> Decoded<usize> {
        let word = self.word()?;
        usize::try_from(word).map_err(|_| self.error_before(4, DecodeProblem::Truncated))
    }

    fn error(&self, problem: DecodeProblem) -> DecodeError {
        DecodeError::new(self.position, problem)
    }

    /// An error about something that has already been read.
    fn error_before(&self, bytes: usize, problem: DecodeProblem) -> DecodeError {
        DecodeError::new(self.position.saturating_sub(bytes), problem)
    }
}
