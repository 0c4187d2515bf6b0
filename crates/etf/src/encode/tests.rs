use super::*;

fn bytes(term: &Term) -> Vec<u8> {
    encode(term, AtomEncoding::Utf8).expect("a term that can be encoded")
}

#[test]
fn integers_take_the_smallest_form() {
    assert_eq!(bytes(&Term::Integer(255)), [131, 97, 255]);
    assert_eq!(bytes(&Term::Integer(256)), [131, 98, 0, 0, 1, 0]);
    assert_eq!(bytes(&Term::Integer(-1)), [131, 98, 255, 255, 255, 255]);
    assert_eq!(bytes(&Term::Integer(1 << 31)), [131, 110, 4, 0, 0, 0, 0, 128]);
    assert_eq!(bytes(&Term::Integer(i64::MIN)), [131, 110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128]);
}

#[test]
fn atoms_differ_between_releases() {
    assert_eq!(encode(&Term::atom("é"), AtomEncoding::Latin1), Ok(vec![131, 100, 0, 1, 0xe9]));
    assert_eq!(encode(&Term::atom("ž"), AtomEncoding::Latin1), Ok(vec![131, 119, 2, 0xc5, 0xbe]));
    assert_eq!(bytes(&Term::atom("é")), [131, 119, 2, 0xc3, 0xa9]);
    assert_eq!(bytes(&Term::atom("é".repeat(128)))[..4], [131, 118, 1, 0]);
    assert_eq!(
        encode(&Term::atom("a".repeat(256)), AtomEncoding::Latin1),
        Err(EncodeError::AtomTooLong(256))
    );
}

#[test]
fn what_erlang_cannot_hold_is_refused() {
    let reference = Term::Reference { node: "n".into(), creation: 0, words: vec![] };
    let cases = [
        (Term::Float(f64::NAN), EncodeError::Float),
        (Term::Bitstring(vec![1], 8), EncodeError::Bits(8)),
        (Term::Bitstring(vec![], 1), EncodeError::Bits(1)),
        (reference, EncodeError::Reference(0)),
    ];
    for (term, error) in cases {
        assert_eq!(encode(&term, AtomEncoding::Utf8), Err(error));
    }
    let mut deep = Term::nil();
    for _ in 0..=MAXIMUM_DEPTH {
        deep = Term::List(vec![deep]);
    }
    assert_eq!(encode(&deep, AtomEncoding::Utf8), Err(EncodeError::TooDeep));
}

#[test]
fn terms_are_appended_without_version() {
    let mut message = vec![112];
    encode_without_version(&Term::Integer(1), AtomEncoding::Utf8, &mut message).unwrap();
    assert_eq!(message, [112, 97, 1]);
}
