//! Terms that stay encoded.
//!
//! A message from a node is looked at only as far as it concerns us, and what it carries is often to be sent back
//! unchanged: a fun, the state of a parser, the identity of a request. [`RawTerm`] is a slice that holds exactly one
//! term. It can be taken apart level by level without building a [`Term`], so neither the depth nor the number of
//! elements of what a peer sends costs stack or memory.

use crate::decode::{DecodeError, DecodeLimits, DecodeProblem, Decoder};
use crate::tag;
use crate::term::{Atom, Term};

/// Elements that [`RawTerm::tuple`] takes apart at most. The tuples of protocols are small.
const TUPLE_ELEMENTS: usize = 64;

/// Exactly one term in the external format, without version byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawTerm<'a>(&'a [u8]);

impl<'a> RawTerm<'a> {
    /// Splits the first term off.
    ///
    /// # Errors
    ///
    /// When the bytes do not begin with a whole term.
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let end = Skipper { bytes, position: 0 }.term()?;
        let (term, rest) = bytes.split_at_checked(end).ok_or_else(|| truncated(bytes.len()))?;
        Ok((Self(term), rest))
    }

    /// Its bytes.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The same as a term that can be a part of another one, and is never looked into.
    pub fn opaque(self) -> Term {
        Term::Opaque(self.0.to_vec())
    }

    /// The whole term.
    ///
    /// # Errors
    ///
    /// As [`decode()`](crate::decode()).
    pub fn decode(self) -> Result<Term, DecodeError> {
        Decoder::new(self.0, &DecodeLimits::default()).term()
    }

    /// The elements of a small tuple.
    pub fn tuple(self) -> Option<Vec<Self>> {
        let (arity, content) = match self.0 {
            [tag::SMALL_TUPLE, arity, content @ ..] => (usize::from(*arity), content),
            _ => return None,
        };
        if arity > TUPLE_ELEMENTS {
            return None;
        }
        let mut elements = Vec::with_capacity(arity);
        let mut rest = content;
        for _ in 0..arity {
            let (element, after) = Self::split(rest).ok()?;
            elements.push(element);
            rest = after;
        }
        Some(elements)
    }

    /// The elements of a tuple of this size.
    pub fn tuple_of<const ARITY: usize>(self) -> Option<[Self; ARITY]> {
        self.tuple()?.try_into().ok()
    }

    /// Whether this is the atom with this text.
    pub fn is_atom(self, text: &str) -> bool {
        self.atom().is_some_and(|atom| atom == text)
    }

    /// The atom, if this is one.
    pub fn atom(self) -> Option<Atom> {
        match self.0.first()? {
            &(tag::ATOM | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8) => {
                match self.decode().ok()? {
                    Term::Atom(atom) => Some(atom),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The integer, if this is one of at most 32 bits.
    pub fn integer(self) -> Option<i64> {
        match self.0 {
            [tag::SMALL_INTEGER, value] => Some(i64::from(*value)),
            [tag::INTEGER, value @ ..] => Some(i64::from(i32::from_be_bytes(value.try_into().ok()?))),
            _ => None,
        }
    }

    /// The bytes, if this is a binary.
    pub fn binary(self) -> Option<&'a [u8]> {
        match self.0 {
            [tag::BINARY, _, _, _, _, content @ ..] => Some(content),
            _ => None,
        }
    }

    /// The elements of a proper list. A list that was written as a string has none here: it is a matter for
    /// [`RawTerm::characters`].
    pub fn list(self) -> Option<Elements<'a>> {
        match self.0 {
            [tag::NIL] => Some(Elements { left: 0, rest: &[] }),
            [tag::LIST, a, b, c, d, rest @ ..] => {
                let elements = Elements { left: u32::from_be_bytes([*a, *b, *c, *d]), rest };
                elements.clone().tail_is_nil().then_some(elements)
            }
            _ => None,
        }
    }

    /// What `chardata()` means: text as binaries, code points and lists of both, nested in any way. `sink` gets it as
    /// UTF-8, piece by piece.
    ///
    /// # Errors
    ///
    /// When this is something else, or the sink fails.
    pub fn characters<E>(
        self,
        encoding: CharacterEncoding,
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), CharactersError<E>> {
        let mut skipper = Skipper { bytes: self.0, position: 0 };
        let mut text = String::new();
        // Elements stand one after the other however they are nested, so their order is the order of the bytes.
        while skipper.position < self.0.len() {
            match skipper.byte()? {
                tag::NIL => {}
                tag::LIST => {
                    skipper.word()?;
                }
                tag::SMALL_INTEGER => {
                    let code = skipper.byte()?;
                    text.push(char::from(code));
                }
                tag::INTEGER => {
                    let code = skipper.word()?;
                    text.push(char::from_u32(code).ok_or(CharactersError::NotCharacters)?);
                }
                tag::STRING => {
                    let bytes = skipper.string()?;
                    text.extend(bytes.iter().copied().map(char::from));
                }
                tag::BINARY => {
                    let bytes = skipper.binary()?;
                    sink(text.as_bytes()).map_err(CharactersError::Sink)?;
                    text.clear();
                    match encoding {
                        CharacterEncoding::Unicode => sink(bytes).map_err(CharactersError::Sink)?,
                        CharacterEncoding::Latin1 => text.extend(bytes.iter().copied().map(char::from)),
                    }
                }
                _ => return Err(CharactersError::NotCharacters),
            }
            if text.len() >= PIECE {
                sink(text.as_bytes()).map_err(CharactersError::Sink)?;
                text.clear();
            }
        }
        sink(text.as_bytes()).map_err(CharactersError::Sink)
    }

    /// The text of `chardata()`.
    pub fn text(self, encoding: CharacterEncoding) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let collected = self.characters(encoding, |piece| {
            bytes.extend_from_slice(piece);
            Ok::<(), std::convert::Infallible>(())
        });
        collected.ok().map(|()| bytes)
    }
}

/// Text is handed on in pieces of about this many bytes.
const PIECE: usize = 8 << 10;

/// What the bytes of a binary mean in `chardata()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CharacterEncoding {
    /// UTF-8.
    Unicode,
    /// One byte is one code point.
    Latin1,
}

/// Why characters could not be handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CharactersError<E> {
    /// The term is not `chardata()`.
    NotCharacters,
    /// The sink has failed.
    Sink(E),
}

impl<E> From<DecodeError> for CharactersError<E> {
    fn from(_: DecodeError) -> Self {
        Self::NotCharacters
    }
}

/// The elements of a list, one after the other.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    left: u32,
    rest: &'a [u8],
}

impl Elements<'_> {
    fn tail_is_nil(mut self) -> bool {
        if self.by_ref().count() > 0 && self.left > 0 {
            return false;
        }
        self.rest == [tag::NIL]
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = RawTerm<'a>;

    fn next(&mut self) -> Option<RawTerm<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (element, rest) = RawTerm::split(self.rest).ok()?;
        self.rest = rest;
        Some(element)
    }
}

fn truncated(offset: usize) -> DecodeError {
    DecodeError::new(offset, DecodeProblem::Truncated)
}

type Skipped<T> = Result<T, DecodeError>;

/// Finds the end of a term.
struct Skipper<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Skipper<'a> {
    /// The position after one term.
    fn term(mut self) -> Skipped<usize> {
        // Terms that are still to come: every one takes at least a byte.
        let mut pending: usize = 1;
        while let Some(left) = pending.checked_sub(1) {
            pending = left.saturating_add(self.head()?);
            if pending > self.bytes.len() - self.position {
                return Err(truncated(self.bytes.len()));
            }
        }
        Ok(self.position)
    }

    /// Skips a term but for the terms that it contains; gives their number.
    fn head(&mut self) -> Skipped<usize> {
        let start = self.position;
        match self.byte()? {
            tag::SMALL_INTEGER => self.skip(1)?,
            tag::INTEGER => self.skip(4)?,
            tag::NEW_FLOAT => self.skip(8)?,
            tag::FLOAT => self.skip(31)?,
            tag::SMALL_BIG => {
                let length = usize::from(self.byte()?);
                self.skip(length + 1)?;
            }
            tag::LARGE_BIG => {
                let length = self.length()?;
                self.skip(length.saturating_add(1))?;
            }
            tag @ (tag::ATOM | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8) => {
                self.atom_of(tag)?;
            }
            tag::BINARY => {
                self.binary()?;
            }
            tag::BIT_BINARY => {
                let length = self.length()?;
                self.skip(length.saturating_add(1))?;
            }
            tag::STRING => {
                self.string()?;
            }
            tag::NIL => {}
            tag::SMALL_TUPLE => return self.byte().map(usize::from),
            tag::LARGE_TUPLE => return self.length(),
            tag::LIST => return self.length().map(|count| count.saturating_add(1)),
            tag::MAP => return self.length().map(|count| count.saturating_mul(2)),
            tag::EXPORT => {
                self.atom()?;
                self.atom()?;
                return Ok(1);
            }
            tag::NEW_PID => self.atom_and(12)?,
            tag::PID => self.atom_and(9)?,
            tag::V4_PORT => self.atom_and(12)?,
            tag::NEW_PORT => self.atom_and(8)?,
            tag::PORT => self.atom_and(5)?,
            tag::REFERENCE => self.atom_and(5)?,
            tag @ (tag::NEW_REFERENCE | tag::NEWER_REFERENCE) => {
                let words = usize::from(self.half()?);
                self.atom_and(4 * words + if tag == tag::NEW_REFERENCE { 1 } else { 4 })?;
            }
            tag::NEW_FUN => {
                let content = self.length()?.checked_sub(4).ok_or_else(|| truncated(start))?;
                self.skip(content)?;
            }
            tag::NATIVE_RECORD => {
                let fields = self.length()?;
                self.skip(1)?;
                self.atom()?;
                self.atom()?;
                // The names, then the values.
                for _ in 0..fields {
                    self.atom()?;
                }
                return Ok(fields);
            }
            other => return Err(DecodeError::new(start, DecodeProblem::Tag(other))),
        }
        Ok(0)
    }

    fn atom_and(&mut self, more: usize) -> Skipped<()> {
        self.atom()?;
        self.skip(more)
    }

    fn atom(&mut self) -> Skipped<()> {
        let tag = self.byte()?;
        self.atom_of(tag)
    }

    fn atom_of(&mut self, tag: u8) -> Skipped<()> {
        let length = match tag {
            tag::ATOM | tag::ATOM_UTF8 => usize::from(self.half()?),
            tag::SMALL_ATOM | tag::SMALL_ATOM_UTF8 => usize::from(self.byte()?),
            other => return Err(DecodeError::new(self.position - 1, DecodeProblem::AtomExpected(other))),
        };
        self.skip(length)
    }

    fn string(&mut self) -> Skipped<&'a [u8]> {
        let length = usize::from(self.half()?);
        self.take(length)
    }

    fn binary(&mut self) -> Skipped<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    fn length(&mut self) -> Skipped<usize> {
        self.word().map(|word| usize::try_from(word).unwrap_or(usize::MAX))
    }

    fn byte(&mut self) -> Skipped<u8> {
        self.take(1).map(|bytes| bytes.first().copied().unwrap_or_default())
    }

    fn half(&mut self) -> Skipped<u16> {
        let bytes = self.take(2)?.try_into().map_err(|_| truncated(self.position))?;
        Ok(u16::from_be_bytes(bytes))
    }

    fn word(&mut self) -> Skipped<u32> {
        let bytes = self.take(4)?.try_into().map_err(|_| truncated(self.position))?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn skip(&mut self, count: usize) -> Skipped<()> {
        self.take(count).map(|_| ())
    }

    fn take(&mut self, count: usize) -> Skipped<&'a [u8]> {
        let bytes = self.bytes.get(self.position..).and_then(|rest| rest.get(..count));
        let bytes = bytes.ok_or_else(|| truncated(self.bytes.len()))?;
        self.position += count;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AtomEncoding, encode_without_version};
    use proptest::prelude::*;

    fn encoded(term: &Term) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_without_version(term, AtomEncoding::Utf8, &mut bytes).unwrap();
        bytes
    }

    fn any_term() -> impl Strategy<Value = Term> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Term::Integer),
            (-1e300..1e300f64).prop_map(Term::Float),
            "[a-zé]{0,5}".prop_map(Term::atom),
            "[a-zé€]{0,5}".prop_map(Term::binary),
            "[a-zé€]{0,5}".prop_map(|text| Term::string(&text)),
            Just(Term::Bitstring(vec![0xa0], 3)),
            Just(Term::ExternalFun { module: "m".into(), function: "f".into(), arity: 2 }),
            any::<[u32; 3]>().prop_map(|[id, serial, creation]| Term::Pid {
                node: "a@b".into(),
                id,
                serial,
                creation
            }),
            any::<(u64, u32)>().prop_map(|(id, creation)| Term::Port { node: "a@b".into(), id, creation }),
            any::<(u32, [u32; 3])>().prop_map(|(creation, words)| Term::Reference {
                node: "a@b".into(),
                creation,
                words: words.to_vec()
            }),
        ];
        leaf.prop_recursive(4, 40, 5, |element| {
            prop_oneof![
                prop::collection::vec(element.clone(), 0..5).prop_map(Term::Tuple),
                prop::collection::vec(element.clone(), 0..5).prop_map(Term::List),
                prop::collection::vec((element.clone(), element), 0..4).prop_map(Term::map_from_entries),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_term_ends_where_the_decoder_finds_its_end(term in any_term(), rest in any::<Vec<u8>>()) {
            let mut bytes = encoded(&term);
            let length = bytes.len();
            bytes.extend(&rest);
            let (raw, left) = RawTerm::split(&bytes).unwrap();
            prop_assert_eq!(raw.bytes().len(), length);
            prop_assert_eq!(left, &rest[..]);
            prop_assert_eq!(raw.decode().unwrap(), term);
        }

        #[test]
        fn any_bytes_are_a_term_or_an_error(bytes in any::<Vec<u8>>()) {
            if let Ok((raw, rest)) = RawTerm::split(&bytes) {
                prop_assert_eq!(raw.bytes().len() + rest.len(), bytes.len());
                let _ = (raw.tuple(), raw.list().map(Iterator::count), raw.text(CharacterEncoding::Unicode));
            }
        }
    }

    #[test]
    fn tuples_and_lists_come_apart() {
        let bytes = encoded(&Term::Tuple(vec![
            Term::atom("ok"),
            Term::List(vec![Term::Integer(1), Term::atom("a")]),
        ]));
        let (raw, _) = RawTerm::split(&bytes).unwrap();
        let [first, second] = raw.tuple_of().unwrap();
        assert!(first.is_atom("ok"));
        let elements: Vec<RawTerm<'_>> = second.list().unwrap().collect();
        assert_eq!((elements[0].integer(), elements[1].is_atom("a")), (Some(1), true));
        assert_eq!(raw.tuple_of::<3>(), None);
    }

    #[test]
    fn characters_come_out_however_they_are_nested() {
        let list = Term::List(vec![
            Term::string("aé"),
            Term::Integer(0x20ac),
            Term::List(vec![Term::binary("€"), Term::List(vec![Term::Integer(98)])]),
        ]);
        let bytes = encoded(&list);
        let (raw, _) = RawTerm::split(&bytes).unwrap();
        assert_eq!(raw.text(CharacterEncoding::Unicode).unwrap(), "aé€€b".as_bytes());
        let bytes = encoded(&Term::Binary(vec![0xe9]));
        let (raw, _) = RawTerm::split(&bytes).unwrap();
        assert_eq!(raw.text(CharacterEncoding::Latin1).unwrap(), "é".as_bytes());
        let bytes = encoded(&Term::atom("no"));
        assert_eq!(RawTerm::split(&bytes).unwrap().0.text(CharacterEncoding::Unicode), None);
    }

    #[test]
    fn depth_costs_nothing() {
        let mut bytes = Vec::new();
        for _ in 0..1_000_000 {
            bytes.extend([tag::LIST, 0, 0, 0, 1]);
        }
        bytes.extend([tag::SMALL_INTEGER, b'x']);
        bytes.resize(bytes.len() + 1_000_000, tag::NIL);
        let (raw, rest) = RawTerm::split(&bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!(raw.text(CharacterEncoding::Unicode).unwrap(), b"x");
        assert!(raw.decode().is_err());
    }

    #[test]
    fn announced_elements_that_never_come_are_an_error() {
        assert!(RawTerm::split(&[tag::LARGE_TUPLE, 255, 255, 255, 255, 106]).is_err());
        assert!(RawTerm::split(&[tag::MAP, 255, 255, 255, 255]).is_err());
    }
}
