use super::*;
use crate::{AtomEncoding, encode};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write as _;

fn problem(bytes: &[u8]) -> DecodeProblem {
    decode(bytes).expect_err("these bytes are not a term").problem
}

#[test]
fn negative_numbers_in_lists_are_no_string() {
    let term = Term::List(vec![Term::Integer(-1), Term::Integer(-2)]);
    assert_eq!(decode(&encode(&term, AtomEncoding::Utf8).unwrap()), Ok(term));
}

#[test]
fn latin1_atoms_are_text() {
    assert_eq!(decode(&[131, 100, 0, 1, 0xe9]), Ok(Term::atom("é")));
    assert_eq!(decode(&[131, 115, 1, 0xe9]), Ok(Term::atom("é")));
    assert_eq!(decode(&[131, 119, 2, 0xc3, 0xa9]), Ok(Term::atom("é")));
    assert_eq!(problem(&[131, 119, 1, 0xe9]), DecodeProblem::Atom);
}

#[test]
fn atoms_have_255_characters_at_most() {
    let atom = |characters: usize| {
        let text = "é".repeat(characters);
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        [&[131, 118], length.as_slice(), text.as_bytes()].concat()
    };
    assert!(decode(&atom(255)).is_ok());
    assert_eq!(problem(&atom(256)), DecodeProblem::Atom);
}

#[test]
fn old_formats_are_read() {
    let node = [100, 0, 1, b'n'];
    let node_term = || crate::Atom::new("n");
    let cases: [(&[u8], Term); 6] = [
        (
            &[131, 103, 0, 0, 0, 1, 0, 0, 0, 2, 3],
            Term::Pid { node: node_term(), id: 1, serial: 2, creation: 3 },
        ),
        (&[131, 102, 0, 0, 0, 1, 3], Term::Port { node: node_term(), id: 1, creation: 3 }),
        (&[131, 89, 0, 0, 0, 1, 0, 0, 0, 3], Term::Port { node: node_term(), id: 1, creation: 3 }),
        (
            &[131, 120, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3],
            Term::Port { node: node_term(), id: 1 << 32, creation: 3 },
        ),
        (&[131, 101, 0, 0, 0, 1, 3], Term::Reference { node: node_term(), creation: 3, words: vec![1] }),
        (
            &[131, 114, 0, 1, 3, 0, 0, 0, 1],
            Term::Reference { node: node_term(), creation: 3, words: vec![1] },
        ),
    ];
    for (bytes, expected) in cases {
        // The name of the node follows the tag, or the length of a new reference.
        let at = if bytes[1] == 114 { 4 } else { 2 };
        let bytes = [&bytes[..at], &node, &bytes[at..]].concat();
        assert_eq!(decode(&bytes), Ok(expected));
    }
    let mut float = [0; 33];
    float[..2].copy_from_slice(&[131, 99]);
    float[2..28].copy_from_slice(b"1.50000000000000000000e+00");
    assert_eq!(decode(&float), Ok(Term::Float(1.5)));
}

#[test]
fn unused_bits_do_not_count() {
    assert_eq!(decode(&[131, 77, 0, 0, 0, 1, 3, 0xff]), Ok(Term::Bitstring(vec![0xe0], 3)));
    assert_eq!(decode(&[131, 77, 0, 0, 0, 1, 8, 0xff]), Ok(Term::Binary(vec![0xff])));
    assert!(matches!(problem(&[131, 77, 0, 0, 0, 1, 9, 0xff]), DecodeProblem::Range(_)));
    assert!(matches!(problem(&[131, 77, 0, 0, 0, 0, 1]), DecodeProblem::Range(_)));
}

#[test]
fn what_only_a_node_understands_is_kept() {
    let fun = [131, 112, 0, 0, 0, 7, 1, 2, 3];
    assert_eq!(decode(&fun), Ok(Term::Opaque(fun[1..].to_vec())));
    assert_eq!(problem(&[131, 112, 0, 0, 0, 3]), DecodeProblem::Range("the size of a fun"));
    assert_eq!(problem(&[131, 112, 0, 0, 0, 255, 1]), DecodeProblem::Truncated);
    let local = [131, 121, 1, 2, 3];
    assert_eq!(decode(&local), Ok(Term::Opaque(local[1..].to_vec())));
    // Inside another term nobody can tell where it ends.
    assert_eq!(problem(&[131, 104, 1, 121, 1, 2, 3]), DecodeProblem::Tag(121));
    // What OTP 29 writes for `#nr:p{x = 7, y = 2}`.
    let record =
        [131, 67, 0, 0, 0, 2, 0, 119, 2, 110, 114, 119, 1, 112, 119, 1, 120, 119, 1, 121, 97, 7, 97, 2];
    assert_eq!(decode(&record), Ok(Term::Opaque(record[1..].to_vec())));
    for bytes in [fun.as_slice(), &local, &record] {
        assert_eq!(encode(&decode(bytes).unwrap(), AtomEncoding::Utf8).as_deref(), Ok(bytes));
    }
}

#[test]
fn improper_lists() {
    let improper = |elements: &[i64], tail: Term| {
        Term::ImproperList(elements.iter().copied().map(Term::Integer).collect(), Box::new(tail))
    };
    assert_eq!(decode(&[131, 108, 0, 0, 0, 1, 97, 1, 97, 2]), Ok(improper(&[1], Term::Integer(2))));
    assert_eq!(
        decode(&[131, 108, 0, 0, 0, 1, 97, 1, 108, 0, 0, 0, 1, 97, 2, 97, 3]),
        Ok(improper(&[1, 2], Term::Integer(3)))
    );
    assert_eq!(
        decode(&[131, 108, 0, 0, 0, 1, 97, 1, 107, 0, 1, 2]),
        Ok(Term::List(vec![Term::Integer(1), Term::Integer(2)]))
    );
    assert_eq!(decode(&[131, 108, 0, 0, 0, 0, 97, 3]), Ok(Term::Integer(3)));
}

#[test]
fn lengths_are_compared_with_the_input_before_anything_is_allocated() {
    for tag in [105, 108, 109, 111, 112, 116, 67] {
        let bytes = [131, tag, 0xff, 0xff, 0xff, 0xff, 0, 97, 1, 97, 2];
        assert!(decode(&bytes).is_err(), "tag {tag}");
    }
    // Containers within containers, each of which claims all that is left.
    let mut nested = vec![131];
    let claim = 5_000_u32.to_be_bytes();
    (0..200).for_each(|_| nested.extend([&[105], claim.as_slice()].concat()));
    nested.resize(7_000, 106);
    assert_eq!(problem(&nested), DecodeProblem::Truncated);
}

#[test]
fn nesting_is_limited() {
    let nested = |levels: usize| {
        let mut bytes = vec![131];
        (0..levels).for_each(|_| bytes.extend([108, 0, 0, 0, 1]));
        bytes.push(106);
        (0..levels).for_each(|_| bytes.push(106));
        bytes
    };
    let term = decode(&nested(MAXIMUM_DEPTH)).expect("as deep as permitted");
    assert_eq!(encode(&term, AtomEncoding::Utf8).as_ref(), Ok(&nested(MAXIMUM_DEPTH)));
    assert_eq!(problem(&nested(MAXIMUM_DEPTH + 1)), DecodeProblem::Depth(MAXIMUM_DEPTH));
    assert_eq!(problem(&nested(100_000)), DecodeProblem::Depth(MAXIMUM_DEPTH));
    let limits = DecodeLimits { depth: 3, ..DecodeLimits::default() };
    assert!(decode_with(&nested(3), &limits).is_ok());
    assert!(decode_with(&nested(4), &limits).is_err());
}

#[test]
fn elements_are_limited() {
    let limits = DecodeLimits { elements: 3, ..DecodeLimits::default() };
    assert!(decode_with(&[131, 107, 0, 3, 1, 2, 3], &limits).is_ok());
    assert_eq!(
        decode_with(&[131, 107, 0, 4, 1, 2, 3, 4], &limits).map_err(|error| error.problem),
        Err(DecodeProblem::Elements(3))
    );
}

#[test]
fn maps_have_each_key_once() {
    assert_eq!(problem(&[131, 116, 0, 0, 0, 2, 97, 1, 106, 97, 1, 106]), DecodeProblem::DuplicateKey);
    let one = 1.0_f64.to_be_bytes();
    let bytes = [&[131, 116, 0, 0, 0, 2, 97, 1, 106, 70], one.as_slice(), &[106]].concat();
    let keys = vec![(Term::Integer(1), Term::nil()), (Term::Float(1.0), Term::nil())];
    assert_eq!(decode(&bytes), Ok(Term::Map(keys)));
}

#[test]
fn floats_are_numbers() {
    for float in [f64::NAN, f64::INFINITY] {
        let bytes = [&[131, 70], float.to_be_bytes().as_slice()].concat();
        assert_eq!(problem(&bytes), DecodeProblem::Float);
    }
}

#[test]
fn every_cut_term_is_refused() {
    let term = Term::Tuple(vec![
        Term::string("text"),
        Term::Map(vec![(Term::atom("key"), Term::Float(1.5))]),
        Term::from_digits(true, "123456789012345678901234567890".chars(), 10).unwrap(),
        Term::Pid { node: "a@b".into(), id: 1, serial: 2, creation: 3 },
    ]);
    let bytes = encode(&term, AtomEncoding::Utf8).unwrap();
    assert_eq!(decode(&bytes), Ok(term));
    for length in 0..bytes.len() {
        assert_eq!(problem(&bytes[..length]), DecodeProblem::Truncated, "{length} bytes");
    }
    assert_eq!(problem(&[bytes.as_slice(), &[0]].concat()), DecodeProblem::TrailingBytes(1));
    assert_eq!(problem(&[130]), DecodeProblem::Version(130));
    assert_eq!(decode(&[131, 104, 1, 255]).unwrap_err().offset, 3);
}

fn compressed(announced: u32, content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    [&[131, 80], announced.to_be_bytes().as_slice(), &encoder.finish().unwrap()].concat()
}

#[test]
fn compressed_terms_expand_to_what_they_announce() {
    let content = encode(&Term::string(&"a".repeat(1000)), AtomEncoding::Utf8).unwrap();
    let content = &content[1..];
    let size = u32::try_from(content.len()).unwrap();
    assert_eq!(decode(&compressed(size, content)), Ok(Term::string(&"a".repeat(1000))));
    assert_eq!(problem(&compressed(size - 1, content)), DecodeProblem::Compression);
    assert_eq!(problem(&compressed(size + 1, content)), DecodeProblem::Compression);
    assert_eq!(problem(&compressed(u32::MAX, content)), DecodeProblem::UncompressedSize(256 << 20));
    let limits = DecodeLimits { uncompressed_bytes: 1002, ..DecodeLimits::default() };
    assert!(decode_with(&compressed(size, content), &limits).is_err());
    assert_eq!(problem(&[131, 80, 0, 0, 0, 9, 1, 2, 3]), DecodeProblem::Compression);
}
