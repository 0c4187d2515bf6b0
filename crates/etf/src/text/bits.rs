//! Binaries: `<<"text">>`, `<<"text"/utf8>>`, `<<1, 2:16/little, 3:4>>`.
//!
//! What `erl_parse:normalise/1` evaluates with `eval_bits`: each element is a value, an optional size and optional type
//! specifiers. Strings stand for their characters, each with the size and type of the element.

use super::error::SyntaxError;
use super::parser::Parser;
use super::spanned::{Node, Spanned};
use super::token::TokenKind;
use crate::term::Term;

/// The kind of an element (`erl_bits.erl`).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Integer,
    Float,
    Binary,
    Utf8,
    Utf16,
    Utf32,
}

/// The size and type of an element, as far as they are written.
#[derive(Default)]
struct Specifiers {
    kind: Option<Kind>,
    size: Option<usize>,
    unit: Option<usize>,
    little: Option<bool>,
    /// For matching only, but two that contradict each other are an error here too.
    signed: Option<bool>,
}

impl Specifiers {
    /// Bits of a number; the default has no unit.
    fn size_or(&self, default: usize) -> Result<usize, String> {
        match (self.size, self.unit) {
            (Some(_), _) => Ok(self.written_size()),
            (None, Some(_)) => Err("a unit needs a size".to_owned()),
            (None, None) => Ok(default),
        }
    }

    /// Bits of a number whose size is written.
    fn written_size(&self) -> usize {
        self.size.unwrap_or_default().saturating_mul(self.unit.unwrap_or(1))
    }

    /// Notes a specifier other than a unit. `None` if there is none of this name; `false` if it contradicts another.
    fn set(&mut self, name: &str) -> Option<bool> {
        fn agree<T: PartialEq + Copy>(place: &mut Option<T>, value: T) -> bool {
            *place.get_or_insert(value) == value
        }
        Some(match name {
            "integer" => agree(&mut self.kind, Kind::Integer),
            "float" => agree(&mut self.kind, Kind::Float),
            "binary" | "bytes" => agree(&mut self.kind, Kind::Binary),
            "bitstring" | "bits" => agree(&mut self.kind, Kind::Binary) && agree(&mut self.unit, 1),
            "utf8" => agree(&mut self.kind, Kind::Utf8),
            "utf16" => agree(&mut self.kind, Kind::Utf16),
            "utf32" => agree(&mut self.kind, Kind::Utf32),
            "signed" => agree(&mut self.signed, true),
            "unsigned" => agree(&mut self.signed, false),
            "big" => agree(&mut self.little, false),
            "little" => agree(&mut self.little, true),
            "native" => agree(&mut self.little, cfg!(target_endian = "little")),
            _ => return None,
        })
    }
}

/// Reads a binary, after `<<`.
pub(super) fn binary(parser: &mut Parser<'_>) -> Result<Node, SyntaxError> {
    let mut bits = Bits::default();
    if !parser.next_if(">>")? {
        loop {
            element(parser, &mut bits)?;
            if parser.separator(&[",", ">>"])? == ">>" {
                break;
            }
        }
    }
    Ok(Node::Leaf(bits.into_term()))
}

fn element(parser: &mut Parser<'_>, bits: &mut Bits) -> Result<(), SyntaxError> {
    let start = parser.peek()?.span.start;
    let values = match parser.string()? {
        Some(text) => text.chars().map(|character| Term::Integer(i64::from(u32::from(character)))).collect(),
        None => vec![parser.term().map(Spanned::into_term)?],
    };
    let specifiers = specifiers(parser)?;
    // A size is a few digits, and what it asks for is not.
    if !parser.claim_bits(specifiers.written_size().saturating_mul(values.len())) {
        return Err(parser.error(start, "the binaries of this text are too large"));
    }
    let append = |value| bits.append(value, &specifiers).map_err(|message| parser.error(start, message));
    values.iter().try_for_each(append)
}

fn specifiers(parser: &mut Parser<'_>) -> Result<Specifiers, SyntaxError> {
    let mut specifiers = Specifiers::default();
    if parser.next_if(":")? {
        let size = parser.term()?;
        let start = size.span.start;
        let bits = size.into_term().as_integer().and_then(|size| usize::try_from(size).ok());
        specifiers.size = match bits {
            Some(bits) => Some(bits),
            None => return Err(parser.error(start, "the size must be an integer, 0 or larger")),
        };
    }
    if !parser.next_if("/")? {
        return Ok(specifiers);
    }
    loop {
        let token = parser.next()?;
        let TokenKind::Atom(name) = &token.kind else {
            return Err(parser.unexpected(&token, "a type after “/”, such as utf8, binary or little"));
        };
        let at = token.span.start;
        let agrees = if name == "unit" {
            parser.expect(":", "“:” after unit")?;
            let unit = unit(parser)?;
            *specifiers.unit.get_or_insert(unit) == unit
        } else {
            let agrees = specifiers.set(name);
            agrees.ok_or_else(|| parser.error(at, format!("there is no type {name} in a binary")))?
        };
        if !agrees {
            return Err(parser.error(at, format!("{name} contradicts another type of the same element")));
        }
        if !parser.next_if("-")? {
            return Ok(specifiers);
        }
    }
}

fn unit(parser: &mut Parser<'_>) -> Result<usize, SyntaxError> {
    let token = parser.next()?;
    match token.kind {
        TokenKind::Integer(Term::Integer(unit @ 1..=256)) => Ok(usize::try_from(unit).unwrap_or(1)),
        _ => Err(parser.unexpected(&token, "a unit from 1 to 256")),
    }
}

/// Bits, the most significant one first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    fn append(&mut self, value: &Term, specifiers: &Specifiers) -> Result<(), String> {
        let kind = specifiers.kind.unwrap_or_default();
        let little = specifiers.little.unwrap_or_default();
        match kind {
            Kind::Integer => {
                let size = specifiers.size_or(8)?;
                let bytes = value
                    .twos_complement()
                    .ok_or("only integers, strings and (with a type) binaries may stand here")?;
                self.integer(bytes, size, little);
            }
            Kind::Float => {
                let number = value.as_number().ok_or("only a number can be written as a float")?;
                self.float(number, specifiers.size_or(64)?, little)?;
            }
            Kind::Binary => {
                let (bytes, available) = match value {
                    Term::Binary(bytes) => (bytes, bytes.len() * 8),
                    Term::Bitstring(bytes, bits) => {
                        (bytes, bytes.len().saturating_sub(1) * 8 + usize::from(*bits))
                    }
                    _ => return Err("only a binary can be written with the type binary".to_owned()),
                };
                let unit = specifiers.unit.unwrap_or(8);
                let size = match specifiers.size {
                    Some(size) => size.saturating_mul(unit),
                    None if available % unit == 0 => available,
                    None => return Err(format!("the binary is not a multiple of {unit} bits")),
                };
                if size > available {
                    return Err("the binary is shorter than the size".to_owned());
                }
                self.prefix(bytes, size);
            }
            Kind::Utf8 | Kind::Utf16 | Kind::Utf32 => {
                if specifiers.size.is_some() || specifiers.unit.is_some() {
                    return Err("a character has no size of its own".to_owned());
                }
                let character = value
                    .as_integer()
                    .and_then(|code| u32::try_from(code).ok())
                    .and_then(char::from_u32)
                    .ok_or("only a character can be written as UTF")?;
                self.character(character, kind, little);
            }
        }
        Ok(())
    }

    /// The lowest `size` bits of an integer in two's complement, given least significant byte first and with the
    /// byte that continues it.
    fn integer(&mut self, (magnitude, sign): (Vec<u8>, u8), size: usize, little: bool) {
        let byte = |index: usize| magnitude.get(index).copied().unwrap_or(sign);
        let (whole, rest) = (size / 8, size % 8);
        if little {
            (0..whole).for_each(|index| self.push(byte(index), 8));
            self.push(byte(whole), rest);
        } else {
            self.push(byte(whole), rest);
            (0..whole).rev().for_each(|index| self.push(byte(index), 8));
        }
    }

    fn float(&mut self, number: f64, size: usize, little: bool) -> Result<(), String> {
        let mut bytes = match size {
            64 => number.to_be_bytes().to_vec(),
            32 if (number as f32).is_finite() => (number as f32).to_be_bytes().to_vec(),
            32 => return Err("this number is too large for a float of 32 bits".to_owned()),
            _ => return Err("a float has 32 or 64 bits".to_owned()),
        };
        if little {
            bytes.reverse();
        }
        self.prefix(&bytes, size);
        Ok(())
    }

    fn character(&mut self, character: char, kind: Kind, little: bool) {
        let bytes: Vec<u8> = match kind {
            Kind::Utf16 => {
                let units = |unit: &u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
                character.encode_utf16(&mut [0; 2]).iter().flat_map(units).collect()
            }
            Kind::Utf32 if little => u32::from(character).to_le_bytes().to_vec(),
            Kind::Utf32 => u32::from(character).to_be_bytes().to_vec(),
            _ => character.encode_utf8(&mut [0; 4]).as_bytes().to_vec(),
        };
        self.prefix(&bytes, bytes.len() * 8);
    }

    /// The first `size` bits of these bytes.
    fn prefix(&mut self, bytes: &[u8], size: usize) {
        bytes.iter().take(size / 8).for_each(|byte| self.push(*byte, 8));
        if let (Some(byte), rest @ 1..) = (bytes.get(size / 8), size % 8) {
            self.push(byte >> (8 - rest), rest);
        }
    }

    /// The lowest `count` (at most 8) bits of a byte.
    fn push(&mut self, byte: u8, count: usize) {
        if count == 8 && self.length.is_multiple_of(8) {
            self.bytes.push(byte);
            self.length += 8;
            return;
        }
        for bit in (0..count).rev() {
            if self.length.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((byte >> bit) & 1) << (7 - self.length % 8);
            }
            self.length += 1;
        }
    }

    fn into_term(self) -> Term {
        match u8::try_from(self.length % 8) {
            Ok(bits @ 1..) => Term::Bitstring(self.bytes, bits),
            _ => Term::Binary(self.bytes),
        }
    }
}
