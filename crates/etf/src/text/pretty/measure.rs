//! The parts of a term and their lengths on one line (`io_lib_pretty:print_length`).

use crate::term::Term;
use crate::text::style::Style;
use crate::text::write::{quoted, segments, simple_text};

/// A part of the text.
pub(super) struct Item {
    pub(super) shape: Shape,
    /// Characters on one line.
    pub(super) length: usize,
}

/// What a part consists of.
pub(super) enum Shape {
    /// Something that is never broken.
    Text(String),
    /// A binary that is not text.
    Binary(Vec<String>),
    /// A list, and what follows the bar of an improper one.
    List(Vec<Item>, Option<Box<Item>>),
    /// A tuple.
    Tuple(Vec<Item>),
    /// A tuple that begins with an atom and has more elements: it is indented by that atom.
    Tagged(Vec<Item>),
    /// A map.
    Map(Vec<Pair>),
}

/// An entry of a map.
pub(super) struct Pair {
    pub(super) key: Item,
    pub(super) value: Item,
    pub(super) length: usize,
}

impl Item {
    fn text(text: String) -> Self {
        Self { length: text.chars().count(), shape: Shape::Text(text) }
    }

    /// Whether other elements may stand on the same line: only those that have no parts share one.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.shape, Shape::Text(_))
    }
}

impl Pair {
    pub(super) fn is_text(&self) -> bool {
        self.key.is_text() && self.value.is_text()
    }
}

/// Measures a term.
pub(super) fn item(term: &Term, style: &Style) -> Item {
    match term {
        Term::Tuple(elements) if elements.is_empty() => Item::text("{}".to_owned()),
        Term::Tuple(elements) => {
            let tagged = elements.len() > 1 && matches!(elements.first(), Some(Term::Atom(_)));
            let items = items(elements, style);
            let length = 2 + joined(items.iter().map(|item| item.length));
            let shape = if tagged { Shape::Tagged(items) } else { Shape::Tuple(items) };
            Item { shape, length }
        }
        Term::List(elements) if elements.is_empty() => Item::text("[]".to_owned()),
        Term::List(elements) => match string(elements, style) {
            Some(text) => Item::text(text),
            None => {
                let items = items(elements, style);
                let length = 2 + joined(items.iter().map(|item| item.length));
                Item { shape: Shape::List(items, None), length }
            }
        },
        Term::ImproperList(elements, tail) => {
            let items = items(elements, style);
            let tail = item(tail, style);
            let length = 2 + joined(items.iter().map(|item| item.length)) + 1 + tail.length;
            Item { shape: Shape::List(items, Some(Box::new(tail))), length }
        }
        Term::Map(entries) if entries.is_empty() => Item::text("#{}".to_owned()),
        Term::Map(entries) => {
            let pairs: Vec<Pair> = entries.iter().map(|(key, value)| pair(key, value, style)).collect();
            let length = 3 + joined(pairs.iter().map(|pair| pair.length));
            Item { shape: Shape::Map(pairs), length }
        }
        Term::Binary(bytes) => match binary_text(bytes, style) {
            Some(text) => Item::text(text),
            None => binary(segments(bytes, 8)),
        },
        Term::Bitstring(bytes, bits) => binary(segments(bytes, *bits)),
        simple => Item::text(simple_text(simple, style)),
    }
}

fn items(terms: &[Term], style: &Style) -> Vec<Item> {
    terms.iter().map(|term| item(term, style)).collect()
}

fn pair(key: &Term, value: &Term, style: &Style) -> Pair {
    let (key, value) = (item(key, style), item(value, style));
    let length = key.length + " => ".len() + value.length;
    Pair { key, value, length }
}

/// The length of parts with commas between them.
fn joined(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.map(|length| length + 1).sum::<usize>().saturating_sub(1)
}

fn binary(segments: Vec<String>) -> Item {
    let length = 4 + joined(segments.iter().map(String::len));
    Item { shape: Shape::Binary(segments), length }
}

/// The list between double quotes, if all elements are printable characters.
fn string(elements: &[Term], style: &Style) -> Option<String> {
    let characters: Option<Vec<char>> = elements
        .iter()
        .map(|element| match element {
            Term::Integer(code) => u32::try_from(*code)
                .ok()
                .filter(|code| style.printable.contains(*code))
                .and_then(char::from_u32),
            _ => None,
        })
        .collect();
    characters.map(|characters| quoted(characters, '"'))
}

/// The binary as text, if it is: as UTF-8 where it is valid, else as Latin-1.
fn binary_text(bytes: &[u8], style: &Style) -> Option<String> {
    if bytes.is_empty() {
        return Some("<<>>".to_owned());
    }
    let printable = |character: char| style.printable.contains(u32::from(character));
    let invalid_from = match std::str::from_utf8(bytes) {
        Ok(text) => {
            let encoding = if text.is_ascii() { "" } else { "/utf8" };
            return text
                .chars()
                .all(printable)
                .then(|| format!("<<{}{encoding}>>", quoted(text.chars(), '"')));
        }
        Err(error) => error.valid_up_to(),
    };
    let valid = bytes.get(..invalid_from).map(String::from_utf8_lossy).unwrap_or_default();
    if style.strict_binaries && !valid.chars().all(printable) {
        return None;
    }
    let characters = || bytes.iter().copied().map(char::from);
    characters().all(printable).then(|| format!("<<{}>>", quoted(characters(), '"')))
}
