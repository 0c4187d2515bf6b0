use super::*;

fn atom_with(value: Term) -> Term {
    Term::Map(vec![(Term::atom("a"), value)])
}

#[test]
fn types_have_an_order() {
    let sorted = [
        Term::Integer(i64::MAX),
        Term::atom("a"),
        Term::Reference { node: "n".into(), creation: 0, words: vec![1] },
        Term::ExternalFun { module: "m".into(), function: "f".into(), arity: 0 },
        Term::Port { node: "n".into(), id: 1, creation: 0 },
        Term::Pid { node: "n".into(), id: 1, serial: 0, creation: 0 },
        Term::Tuple(vec![]),
        Term::Tuple(vec![Term::nil(); 2]),
        Term::Map(vec![]),
        atom_with(Term::nil()),
        Term::nil(),
        Term::ImproperList(vec![Term::Integer(1)], Box::new(Term::Integer(2))),
        Term::List(vec![Term::Integer(1)]),
        Term::Binary(vec![]),
        Term::Bitstring(vec![0x80], 1),
        Term::Binary(vec![0x80]),
    ];
    for (index, left) in sorted.iter().enumerate() {
        for (other, right) in sorted.iter().enumerate() {
            assert_eq!(left.compare(right), index.cmp(&other), "{left:?} and {right:?}");
        }
    }
}

#[test]
fn numbers_are_compared_exactly() {
    let big = Term::from_digits(false, "18446744073709551617".chars(), 10).unwrap();
    assert_eq!(Term::Integer(1).compare(&Term::Float(1.0)), Ordering::Equal);
    assert_eq!(Term::Integer(1).compare_as_keys(&Term::Float(1.0)), Ordering::Less);
    assert_eq!(Term::Integer(2).compare_as_keys(&Term::Float(1.0)), Ordering::Less);
    assert_eq!(Term::Integer(1).compare(&Term::Float(1.5)), Ordering::Less);
    assert_eq!(Term::Integer(-1).compare(&Term::Float(-1.5)), Ordering::Greater);
    // One more than 2^53: as a float it would be 2^53.
    assert_eq!(
        Term::Integer((1 << 53) + 1).compare(&Term::Float(9_007_199_254_740_992.0)),
        Ordering::Greater
    );
    assert_eq!(big.compare(&Term::Float(18_446_744_073_709_551_616.0)), Ordering::Greater);
    assert_eq!(big.compare(&Term::Float(1.0e300)), Ordering::Less);
    assert_eq!(big.compare(&Term::Float(-1.0e300)), Ordering::Greater);
    assert_eq!(big.compare(&Term::Integer(1)), Ordering::Greater);
    assert_eq!(big.negated().compare(&Term::Integer(1)), Ordering::Less);
}

#[test]
fn maps_are_compared_whatever_the_order_of_their_entries() {
    let (a, b) = ((Term::atom("a"), Term::Integer(1)), (Term::atom("b"), Term::Integer(2)));
    let left = Term::Map(vec![a.clone(), b.clone()]);
    assert_eq!(left.compare(&Term::Map(vec![b, a])), Ordering::Equal);
    assert_eq!(atom_with(Term::Integer(1)).compare(&atom_with(Term::Float(1.0))), Ordering::Equal);
    assert_eq!(atom_with(Term::Integer(1)).compare_as_keys(&atom_with(Term::Float(1.0))), Ordering::Less);
}
