//! Calls, and the ways in which they end.

use beamship_node::{Connection, Cookie, NodeError, Reply};
use etf::{RawTerm, Term};

use crate::node::{COOKIE, connect, node, soon};

fn term(bytes: &[u8]) -> Term {
    RawTerm::split(bytes).unwrap().0.decode().unwrap()
}

fn call(module: &str, function: &str, arguments: Vec<Term>) -> Reply {
    connect().call(module, function, arguments, soon()).unwrap()
}

#[test]
fn x10_a_value_comes_back() {
    assert_eq!(call("erlang", "node", vec![]).value(), Some(Term::atom("probe@localhost")));
}

#[test]
fn errors_throws_and_exits_come_back() {
    let raised = call("erlang", "hd", vec![Term::nil()]);
    assert_eq!(raised.value(), None);
    let Reply::Raised { kind, reason, stack } = raised else { panic!() };
    assert_eq!((kind.as_str(), term(&reason), stack.is_some()), ("error", Term::atom("badarg"), true));
    let Reply::Raised { kind, reason, stack } = call("erlang", "throw", vec![Term::Integer(7)]) else {
        panic!()
    };
    assert_eq!((kind.as_str(), term(&reason), stack), ("throw", Term::Integer(7), None));
    let reason = Term::pair(Term::atom("shutdown"), Term::Integer(3));
    let Reply::Raised { kind, reason: raised, .. } = call("erlang", "exit", vec![reason.clone()]) else {
        panic!()
    };
    assert_eq!((kind.as_str(), term(&raised)), ("exit", reason));
    let Reply::Raised { kind, .. } = call("no_such_module", "f", vec![]) else { panic!() };
    assert_eq!(kind.as_str(), "error");
}

#[test]
fn one_connection_carries_many_calls() {
    let mut connection = connect();
    for number in 0..500 {
        let reply = connection.call("erlang", "abs", vec![Term::Integer(-number)], soon()).unwrap();
        assert_eq!(reply.value(), Some(Term::Integer(number)));
    }
}

#[test]
fn a_large_value_comes_whole() {
    let arguments = vec![Term::Integer(5_000_000), Term::Integer(7)];
    let reply = call("lists", "duplicate", arguments);
    assert_eq!(reply.returned().unwrap().list().unwrap().count(), 5_000_000);
}

#[test]
fn a_wrong_cookie_is_refused_by_either_side() {
    let error = Connection::open(&node().address, &Cookie::new("vanilla").unwrap(), soon()).unwrap_err();
    assert!(matches!(error, NodeError::Cookie), "{error}");
}

#[test]
fn another_node_is_not_taken_for_the_one() {
    let mut address = node().address.clone();
    address.name = "another".to_owned();
    let error = Connection::open(&address, &Cookie::new(COOKIE).unwrap(), soon()).unwrap_err();
    assert!(matches!(&error, NodeError::OtherNode(name) if name == "probe@localhost"), "{error}");
}

/// Names that the node assigns come from a pool: connections one after the other make no atoms, and cost no memory.
#[test]
fn connections_leave_nothing_behind() {
    let count = |what: &str| {
        call("erlang", "system_info", vec![Term::atom(what)]).value().unwrap().as_integer().unwrap()
    };
    let measure = || ["atom_count", "process_count", "port_count"].map(count);
    let memory = || {
        call("erlang", "garbage_collect", vec![]);
        call("erlang", "memory", vec![Term::atom("total")]).value().unwrap().as_integer().unwrap()
    };
    // What is called for the first time loads modules.
    for _ in 0..20 {
        measure();
        memory();
    }
    // The other tests use the node as well, and load a few modules: something for every connection would be much more.
    let (before, memory_before) = (measure(), memory());
    for _ in 0..10_000 {
        drop(connect());
    }
    let after = measure();
    for (before, after) in before.into_iter().zip(after) {
        assert!(after - before < 5_000, "{before} became {after}");
    }
    let growth = memory() - memory_before;
    assert!(growth < 2_000_000, "the node has grown by {growth} bytes");
}
