//! Random terms.

use beamship_etf::{BigInteger, Term};
use proptest::collection::vec;
use proptest::prelude::*;

/// Atoms as they occur, and as they might.
fn atoms() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z][a-zA-Z0-9_@]{0,12}",
        1 => "(Elixir\\.)?[A-Z][a-z]{1,8}(\\.[A-Z][a-z]{1,8}){0,2}",
        1 => prop::sample::select(vec!["", "end", "maybe", "else", "fun", "é", "Ä", "ö'", "a\\b", "žluť", "日本", "a b", "?", "record"])
            .prop_map(str::to_owned),
        1 => "[\\x00-\\xff]{0,6}",
    ]
}

fn integers() -> impl Strategy<Value = Term> {
    prop_oneof![
        6 => (-10_i64..1000).prop_map(Term::Integer),
        2 => any::<i64>().prop_map(Term::Integer),
        1 => prop::sample::select(vec![255, 256, -1, i64::from(i32::MAX), i64::from(i32::MAX) + 1, i64::from(i32::MIN),
            i64::from(i32::MIN) - 1, 1 << 59, (1 << 59) - 1, -(1 << 59), -(1 << 59) - 1, i64::MAX, i64::MIN])
            .prop_map(Term::Integer),
        1 => (any::<bool>(), vec(any::<u8>(), 8..300))
            .prop_map(|(negative, magnitude)| Term::from_magnitude(negative, &magnitude)),
    ]
}

/// Finite floats of all sizes, many of them short.
pub(crate) fn floats() -> impl Strategy<Value = Term> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
        (-1_000_000_i64..1_000_000, -30_i32..30)
            .prop_map(|(mantissa, power)| mantissa as f64 * 10_f64.powi(power)),
        (any::<i64>()).prop_map(|value| value as f64),
    ]
    // OTP 25 and 27 do not agree about negative zero.
    .prop_map(|value| Term::Float(if value == 0.0 { 0.0 } else { value }))
}

fn strings() -> impl Strategy<Value = Term> {
    prop_oneof![
        4 => "[a-zA-Z0-9 .,/-]{0,60}".prop_map(|text| Term::string(&text)),
        1 => "[ -ÿ\\n\\t\"\\\\]{0,100}".prop_map(|text| Term::string(&text)),
        1 => "\\PC{0,20}".prop_map(|text| Term::string(&text)),
    ]
}

fn binaries() -> impl Strategy<Value = Term> {
    prop_oneof![
        3 => "[a-zA-Z0-9 .,/-]{0,60}".prop_map(Term::binary),
        1 => "[ -ÿ\\n\\t\"\\\\]{0,40}".prop_map(Term::binary),
        1 => "\\PC{0,10}".prop_map(Term::binary),
        2 => vec(any::<u8>(), 0..60).prop_map(Term::Binary),
        1 => vec(prop_oneof![Just(0xc4_u8), 0xa0..=0xff_u8, 0x20..0x7f_u8], 0..6).prop_map(Term::Binary),
        1 => (vec(any::<u8>(), 1..40), 1..8_u8).prop_map(|(mut bytes, bits)| {
            if let Some(last) = bytes.last_mut() {
                *last &= 0xff << (8 - bits);
            }
            Term::Bitstring(bytes, bits)
        }),
    ]
}

fn leaves() -> impl Strategy<Value = Term> {
    prop_oneof![
        6 => atoms().prop_map(Term::atom),
        3 => integers(),
        1 => floats(),
        4 => strings(),
        3 => binaries(),
        // Funs of other names are written differently, on purpose.
        1 => ("[a-z@]{1,8}[0-9]", "[A-Z][a-z. -]{0,8}", any::<u8>()).prop_map(|(module, function, arity)| Term::ExternalFun {
            module: module.as_str().into(),
            function: function.as_str().into(),
            arity
        }),
    ]
}

/// Terms of every kind that has a text.
pub(crate) fn terms() -> impl Strategy<Value = Term> {
    leaves().prop_recursive(6, 120, 8, |inner| {
        prop_oneof![
            4 => vec(inner.clone(), 0..8).prop_map(Term::List),
            4 => (atoms(), vec(inner.clone(), 0..5)).prop_map(|(tag, mut elements)| {
                elements.insert(0, Term::atom(tag));
                Term::Tuple(elements)
            }),
            2 => vec(inner.clone(), 0..6).prop_map(Term::Tuple),
            1 => (vec(inner.clone(), 1..5), inner.clone())
                .prop_map(|(elements, tail)| Term::list_with_tail(elements, tail)),
            2 => vec((inner.clone(), inner), 0..6).prop_map(Term::map_from_entries),
        ]
    })
}

/// Terms that only make sense on a node.
pub(crate) fn identifiers() -> impl Strategy<Value = Term> {
    let node = || prop::sample::select(vec!["a@b", "nonode@nohost", "ž@host"]);
    prop_oneof![
        (node(), 0..1_u32 << 28, 0..1000_u32, any::<u32>())
            .prop_map(|(node, id, serial, creation)| Term::Pid { node: node.into(), id, serial, creation }),
        (node(), any::<u64>(), any::<u32>()).prop_map(|(node, id, creation)| Term::Port {
            node: node.into(),
            id,
            creation
        }),
        (node(), any::<u32>(), 0..1_u32 << 18, vec(any::<u32>(), 2..3)).prop_map(
            |(node, creation, first, more)| {
                Term::Reference { node: node.into(), creation, words: [vec![first], more].concat() }
            }
        ),
    ]
}

/// An integer outside of 64 bits.
pub(crate) fn large(negative: bool, magnitude: &[u8]) -> Term {
    Term::BigInteger(BigInteger { negative, magnitude: magnitude.to_vec() })
}
