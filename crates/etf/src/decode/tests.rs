use super::*;
use crate::{AtomEncoding, encode};

#[test]
fn reads_back_what_was_written() {
    let term = Term::Tuple(vec![
        Term::string("text"),
        Term::Integer(-1),
        Term::List(vec![Term::Integer(-1), Term::Integer(-2)]),
        Term::Map(vec![(Term::atom("ä"), Term::Float(1.5))]),
    ]);
    for atoms in [AtomEncoding::Latin1, AtomEncoding::Utf8] {
        assert_eq!(decode(&encode(&term, atoms).unwrap()), Ok(term.clone()));
    }
}
