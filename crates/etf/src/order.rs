//! The order of terms.
//!
//! Erlang orders all terms: `number < atom < reference < fun < port < pid < tuple < map < nil < list < bit string`.
//! Numbers are compared by value, integers with floats too, except among the keys of maps, where all integers come
//! before all floats (`1` and `1.0` are different keys). Lists are compared element by element, tuples and maps by size
//! first.
//!
//! See "Term Comparisons" in the Erlang reference manual and `erts_cmp_compound` in `erts/emulator/beam/utils.c`.

use crate::term::{Atom, BigInteger, Term};
use std::cmp::Ordering;

impl Term {
    /// Erlang's standard order, as `<` and `lists:sort/1` use it: `1` and `1.0` are equal.
    pub fn compare(&self, other: &Self) -> Ordering {
        compare(self, other, Numbers::ByValue)
    }

    /// The order of map keys, in which different terms are never equal: integers come before floats.
    pub fn compare_as_keys(&self, other: &Self) -> Ordering {
        compare(self, other, Numbers::ByType)
    }
}

/// Whether two entries have the same key (as `=:=` sees it).
pub(crate) fn has_duplicate_key(entries: &[(Term, Term)]) -> bool {
    let mut keys: Vec<&Term> = entries.iter().map(|(key, _)| key).collect();
    keys.sort_by(|left, right| left.compare_as_keys(right));
    keys.windows(2).any(|pair| matches!(pair, [left, right] if left.compare_as_keys(right).is_eq()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    ByValue,
    ByType,
}

fn compare(left: &Term, right: &Term, numbers: Numbers) -> Ordering {
    match (left, right) {
        (Term::Integer(a), Term::Integer(b)) => a.cmp(b),
        (Term::BigInteger(a), Term::BigInteger(b)) => compare_big(a, b),
        (Term::Integer(_), Term::BigInteger(b)) => outside(b.negative).reverse(),
        (Term::BigInteger(a), Term::Integer(_)) => outside(a.negative),
        (Term::Float(a), Term::Float(b)) => compare_floats(*a, *b, numbers),
        (Term::Integer(_) | Term::BigInteger(_), Term::Float(b)) => match numbers {
            Numbers::ByValue => compare_with_float(left, *b),
            Numbers::ByType => Ordering::Less,
        },
        (Term::Float(a), Term::Integer(_) | Term::BigInteger(_)) => match numbers {
            Numbers::ByValue => compare_with_float(right, *a).reverse(),
            Numbers::ByType => Ordering::Greater,
        },
        (Term::Atom(a), Term::Atom(b)) => compare_atoms(a, b),
        (
            Term::Reference { node: node_a, creation: creation_a, words: words_a },
            Term::Reference { node: node_b, creation: creation_b, words: words_b },
        ) => compare_atoms(node_a, node_b)
            .then(creation_a.cmp(creation_b))
            .then_with(|| words_a.len().cmp(&words_b.len()))
            .then_with(|| words_a.iter().rev().cmp(words_b.iter().rev())),
        (
            Term::ExternalFun { module: module_a, function: function_a, arity: arity_a },
            Term::ExternalFun { module: module_b, function: function_b, arity: arity_b },
        ) => compare_atoms(module_a, module_b)
            .then_with(|| compare_atoms(function_a, function_b))
            .then(arity_a.cmp(arity_b)),
        (
            Term::Port { node: node_a, id: id_a, creation: creation_a },
            Term::Port { node: node_b, id: id_b, creation: creation_b },
        ) => compare_atoms(node_a, node_b).then(creation_a.cmp(creation_b)).then(id_a.cmp(id_b)),
        (
            Term::Pid { node: node_a, id: id_a, serial: serial_a, creation: creation_a },
            Term::Pid { node: node_b, id: id_b, serial: serial_b, creation: creation_b },
        ) => serial_a
            .cmp(serial_b)
            .then(id_a.cmp(id_b))
            .then_with(|| compare_atoms(node_a, node_b))
            .then(creation_a.cmp(creation_b)),
        (Term::Tuple(a), Term::Tuple(b)) => {
            a.len().cmp(&b.len()).then_with(|| compare_elements(a, b, numbers))
        }
        (Term::Map(a), Term::Map(b)) => compare_maps(a, b, numbers),
        (Term::List(_) | Term::ImproperList(..), Term::List(_) | Term::ImproperList(..)) => {
            compare_lists(left, right, numbers)
        }
        (Term::Binary(_) | Term::Bitstring(..), Term::Binary(_) | Term::Bitstring(..)) => {
            compare_bits(left, right)
        }
        (Term::Opaque(a), Term::Opaque(b)) => a.cmp(b),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// The place of the term's type among the types.
fn rank(term: &Term) -> u8 {
    match term {
        Term::Integer(_) | Term::BigInteger(_) | Term::Float(_) => 0,
        Term::Atom(_) => 1,
        Term::Reference { .. } => 2,
        // Nothing else is opaque that has a place of its own.
        Term::Opaque(_) => 3,
        Term::ExternalFun { .. } => 4,
        Term::Port { .. } => 5,
        Term::Pid { .. } => 6,
        Term::Tuple(_) => 7,
        Term::Map(_) => 8,
        Term::List(_) | Term::ImproperList(..) => 9,
        Term::Binary(_) | Term::Bitstring(..) => 10,
    }
}

/// Code point by code point, which is what comparing UTF-8 bytes comes to.
fn compare_atoms(left: &Atom, right: &Atom) -> Ordering {
    left.as_str().cmp(right.as_str())
}

/// How a number outside of 64 bits compares with one inside.
fn outside(negative: bool) -> Ordering {
    if negative { Ordering::Less } else { Ordering::Greater }
}

fn compare_big(left: &BigInteger, right: &BigInteger) -> Ordering {
    let magnitudes = || compare_magnitudes(&left.magnitude, &right.magnitude);
    match (left.negative, right.negative) {
        (false, false) => magnitudes(),
        (true, true) => magnitudes().reverse(),
        (negative, _) => outside(negative),
    }
}

/// Little endian, without leading zeros.
fn compare_magnitudes(left: &[u8], right: &[u8]) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.iter().rev().cmp(right.iter().rev()))
}

fn compare_floats(left: f64, right: f64, numbers: Numbers) -> Ordering {
    match numbers {
        // Zero has two signs that count as one number, except (since OTP 27) as a key.
        Numbers::ByValue => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        Numbers::ByType => left.total_cmp(&right),
    }
}

/// An integer with a float, exactly: neither is rounded.
fn compare_with_float(integer: &Term, float: f64) -> Ordering {
    let whole = float.trunc();
    compare(integer, &Term::from_whole_float(whole), Numbers::ByValue)
        .then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal))
}

fn compare_elements(left: &[Term], right: &[Term], numbers: Numbers) -> Ordering {
    left.iter()
        .zip(right)
        .map(|(a, b)| compare(a, b, numbers))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The elements, and the tail if it is not `[]`.
fn parts(list: &Term) -> (&[Term], Option<&Term>) {
    match list {
        Term::List(elements) => (elements, None),
        Term::ImproperList(elements, tail) => (elements, Some(tail)),
        _ => (&[], None),
    }
}

/// Element by element; where one list ends, its tail is compared with the rest of the other.
fn compare_lists(left: &Term, right: &Term, numbers: Numbers) -> Ordering {
    let ((left_elements, left_tail), (right_elements, right_tail)) = (parts(left), parts(right));
    let order = compare_elements(left_elements, right_elements, numbers);
    if order.is_ne() {
        return order;
    }
    match left_elements.len().cmp(&right_elements.len()) {
        Ordering::Equal => match (left_tail, right_tail) {
            (None, None) => Ordering::Equal,
            (Some(a), Some(b)) => compare(a, b, numbers),
            (None, Some(b)) => nil_with(b),
            (Some(a), None) => nil_with(a).reverse(),
        },
        Ordering::Less => left_tail.map_or(Ordering::Less, |tail| rank(tail).cmp(&rank(right))),
        Ordering::Greater => right_tail.map_or(Ordering::Greater, |tail| rank(left).cmp(&rank(tail))),
    }
}

/// `[]` compared with a term that is not a list.
fn nil_with(term: &Term) -> Ordering {
    rank(&Term::List(Vec::new())).cmp(&rank(term))
}

/// Size, then the keys in order, then the values in the order of their keys.
fn compare_maps(left: &[(Term, Term)], right: &[(Term, Term)], numbers: Numbers) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| {
        let (left, right) = (by_key(left), by_key(right));
        let keys = left.iter().zip(&right).map(|((a, _), (b, _))| compare(a, b, Numbers::ByType));
        let values = left.iter().zip(&right).map(|((_, a), (_, b))| compare(a, b, numbers));
        keys.chain(values).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    })
}

fn by_key(entries: &[(Term, Term)]) -> Vec<&(Term, Term)> {
    let mut sorted: Vec<&(Term, Term)> = entries.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| compare(a, b, Numbers::ByType));
    sorted
}

/// Bit by bit; a prefix comes first.
fn compare_bits(left: &Term, right: &Term) -> Ordering {
    let ((left_bytes, left_bits), (right_bytes, right_bits)) = (bits(left), bits(right));
    let common = left_bits.min(right_bits);
    let (left_whole, left_rest) = left_bytes.split_at_checked(common / 8).unwrap_or_default();
    let (right_whole, right_rest) = right_bytes.split_at_checked(common / 8).unwrap_or_default();
    let first_bits = |rest: &[u8]| match (rest.first(), common % 8) {
        (Some(byte), count @ 1..=7) => byte >> (8 - count),
        _ => 0,
    };
    left_whole
        .cmp(right_whole)
        .then_with(|| first_bits(left_rest).cmp(&first_bits(right_rest)))
        .then(left_bits.cmp(&right_bits))
}

/// The bytes of a binary or bit string, and how many of their bits count.
fn bits(term: &Term) -> (&[u8], usize) {
    match term {
        Term::Binary(bytes) => (bytes, bytes.len() * 8),
        Term::Bitstring(bytes, bits) => (bytes, bytes.len().saturating_sub(1) * 8 + usize::from(*bits)),
        _ => (&[], 0),
    }
}

#[cfg(test)]
mod tests;
