//! Terms survive the way to the node, through a function there, and back.

use std::cell::RefCell;

use beamship_node::{Connection, Reply};
use etf::{RawTerm, Term};
use proptest::prelude::*;

use crate::node::{connect, soon};

fn any_term() -> impl Strategy<Value = Term> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Term::Integer),
        (-300..300_i64).prop_map(Term::Integer),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Term::Float),
        "[a-zA-Zé€_ ]{0,8}".prop_map(Term::atom),
        any::<Vec<u8>>().prop_map(Term::Binary),
        "\\PC{0,8}".prop_map(|text| Term::string(&text)),
        (1..8_u8).prop_map(|bits| Term::Bitstring(vec![1, 0xff << (8 - bits)], bits)),
        any::<u8>().prop_map(|arity| Term::ExternalFun {
            module: "lists".into(),
            function: "map".into(),
            arity
        }),
    ];
    leaf.prop_recursive(4, 50, 6, |element| {
        prop_oneof![
            prop::collection::vec(element.clone(), 0..6).prop_map(Term::Tuple),
            prop::collection::vec(element.clone(), 0..6).prop_map(Term::List),
            (prop::collection::vec(element.clone(), 1..4), any::<i64>())
                .prop_map(|(elements, tail)| Term::list_with_tail(elements, Term::Integer(tail))),
        ]
    })
}

/// A list of bytes that is written as a string is the same list.
fn call(connection: &mut Connection, function: &str, argument: Term) -> Term {
    match connection.call("erlang", function, vec![argument], soon()).unwrap() {
        Reply::Returned(value) => RawTerm::split(&value).unwrap().0.decode().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn terms_survive_a_round_trip() {
    let connection = RefCell::new(connect());
    let config = ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(elements in prop::collection::vec(any_term(), 0..6))| {
        let mut connection = connection.borrow_mut();
        let tuple = call(&mut connection, "list_to_tuple", Term::List(elements.clone()));
        prop_assert_eq!(&tuple, &Term::Tuple(elements.clone()));
        let list = call(&mut connection, "tuple_to_list", tuple);
        prop_assert_eq!(&list, &Term::List(elements.clone()));
        // Through the node's own encoder and decoder as well.
        let binary = call(&mut connection, "term_to_binary", list.clone());
        prop_assert_eq!(call(&mut connection, "binary_to_term", binary), list);
    });
}
