//! The term itself.
//!
//! Decisions that shape everything else:
//!
//! * **One representation for lists.** Erlang strings are lists of integers; whether a list is written as `STRING_EXT`
//!   or between double quotes is decided when it is written.
//! * **Maps keep the order of their entries**, so that decoding and encoding again gives the same bytes. Whoever needs
//!   a canonical order sorts.
//! * **Atoms are text** (UTF-8 here), however they were encoded on the wire.
//! * Things that only the node which made them can interpret (local funs, `LOCAL_EXT`) are kept as the bytes they came
//!   in, so that they can be sent back unharmed.

use crate::order;
use std::fmt;
use std::sync::Arc;

/// An Erlang atom: at most 255 characters, any of them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Atom(Arc<str>);

impl Atom {
    /// The atom with this text. The length limit is checked where atoms come from outside.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(Arc::from(text.as_ref()))
    }

    /// Its text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, ":{}", self.0)
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for Atom {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl PartialEq<str> for Atom {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Atom {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

/// An integer that does not fit into an `i64`: sign and magnitude, least significant byte first, no trailing zeros.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BigInteger {
    /// Whether the number is below zero.
    pub negative: bool,
    /// The magnitude, little endian, without leading (most significant) zero bytes.
    pub magnitude: Vec<u8>,
}

/// Any Erlang term.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// An integer that fits into 64 bits.
    Integer(i64),
    /// An integer that does not.
    BigInteger(BigInteger),
    /// A float; Erlang has no NaN and no infinity.
    Float(f64),
    /// An atom.
    Atom(Atom),
    /// A binary.
    Binary(Vec<u8>),
    /// A bit string whose length is not a multiple of eight: the bytes, and how many bits of the last byte count
    /// (1 to 7, the most significant ones).
    Bitstring(Vec<u8>, u8),
    /// A tuple.
    Tuple(Vec<Term>),
    /// A proper list; empty for `[]`. Strings are lists of code points.
    List(Vec<Term>),
    /// An improper list: at least one element and a tail that is not a list.
    ImproperList(Vec<Term>, Box<Term>),
    /// A map, in the order in which it was built or decoded.
    Map(Vec<(Term, Term)>),
    /// `fun Module:Function/Arity`.
    ExternalFun {
        /// The module.
        module: Atom,
        /// The function.
        function: Atom,
        /// Its number of arguments.
        arity: u8,
    },
    /// A process identifier.
    Pid {
        /// The node it lives on.
        node: Atom,
        /// Its number.
        id: u32,
        /// Its serial.
        serial: u32,
        /// The incarnation of the node.
        creation: u32,
    },
    /// A port identifier.
    Port {
        /// The node it lives on.
        node: Atom,
        /// Its number.
        id: u64,
        /// The incarnation of the node.
        creation: u32,
    },
    /// A reference.
    Reference {
        /// The node that made it.
        node: Atom,
        /// The incarnation of the node.
        creation: u32,
        /// One to five words.
        words: Vec<u32>,
    },
    /// A term that only its node can interpret (a local fun, `LOCAL_EXT`): its external format, tag included, without
    /// the version byte.
    Opaque(Vec<u8>),
}

impl Term {
    /// The atom with this text.
    pub fn atom(text: impl AsRef<str>) -> Self {
        Self::Atom(Atom::new(text))
    }

    /// A list of code points: what Erlang calls a string.
    pub fn string(text: &str) -> Self {
        Self::List(text.chars().map(|character| Self::Integer(i64::from(u32::from(character)))).collect())
    }

    /// A binary that holds this text.
    pub fn binary(text: impl AsRef<[u8]>) -> Self {
        Self::Binary(text.as_ref().to_vec())
    }

    /// The empty list.
    pub fn nil() -> Self {
        Self::List(Vec::new())
    }

    /// `true` or `false`.
    pub fn boolean(value: bool) -> Self {
        Self::atom(if value { "true" } else { "false" })
    }

    /// A pair.
    pub fn pair(first: Self, second: Self) -> Self {
        Self::Tuple(vec![first, second])
    }

    /// The text of the atom, if this is one.
    pub fn as_atom(&self) -> Option<&Atom> {
        match self {
            Self::Atom(atom) => Some(atom),
            _ => None,
        }
    }

    /// Whether this is the atom with this text.
    pub fn is_atom(&self, text: &str) -> bool {
        self.as_atom().is_some_and(|atom| atom == text)
    }

    /// The integer, if this is one of at most 64 bits.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements, if this is a proper list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements, if this is a tuple.
    pub fn as_tuple(&self) -> Option<&[Self]> {
        match self {
            Self::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The bytes, if this is a binary.
    pub fn as_binary(&self) -> Option<&[u8]> {
        match self {
            Self::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text of an Erlang string (a list of code points) or of a UTF-8 binary; `None` for anything else.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::List(elements) => elements
                .iter()
                .map(|element| {
                    element.as_integer().and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32)
                })
                .collect(),
            Self::Binary(bytes) => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        }
    }

    /// The value of `key` in a property or keyword list: the second element of the first pair whose first element is
    /// that atom.
    pub fn property(&self, key: &str) -> Option<&Self> {
        self.as_list()?.iter().find_map(|element| match element.as_tuple() {
            Some([name, value]) if name.is_atom(key) => Some(value),
            _ => None,
        })
    }

    /// The value of the atom `key` in a map.
    pub fn map_value(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name.is_atom(key)).map(|(_, value)| value),
            _ => None,
        }
    }

    /// `[Elements… | Tail]`: a proper list if the tail is one.
    pub fn list_with_tail(mut elements: Vec<Self>, tail: Self) -> Self {
        match tail {
            Self::List(more) => {
                elements.extend(more);
                Self::List(elements)
            }
            Self::ImproperList(more, tail) => {
                elements.extend(more);
                Self::ImproperList(elements, tail)
            }
            tail if elements.is_empty() => tail,
            tail => Self::ImproperList(elements, Box::new(tail)),
        }
    }

    /// A map of these entries: of several with the same key, the last one counts (`maps:from_list/1`), in the place of
    /// the first.
    pub fn map_from_entries(entries: Vec<(Self, Self)>) -> Self {
        if !order::has_duplicate_key(&entries) {
            return Self::Map(entries);
        }
        let mut unique: Vec<(Self, Self)> = Vec::new();
        for (key, value) in entries {
            match unique.iter_mut().find(|(known, _)| known.compare_as_keys(&key).is_eq()) {
                Some(entry) => entry.1 = value,
                None => unique.push((key, value)),
            }
        }
        Self::Map(unique)
    }
}
