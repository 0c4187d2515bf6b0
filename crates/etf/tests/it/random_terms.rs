//! Random terms, encoded, printed and sorted by Erlang and by us.

use crate::generate::{floats, identifiers, large, terms};
use crate::virtual_machine::{ask, expression};
use beamship_etf::text::{Style, plain_with, pretty_with};
use beamship_etf::{AtomEncoding, Term, decode, encode};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// The same terms in every run.
fn sample(strategy: &impl Strategy<Value = Term>, count: usize) -> Vec<Term> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("a term").current()).collect()
}

fn all() -> Vec<Term> {
    let mut all = sample(&terms(), 3000);
    all.extend(sample(&floats(), 2000));
    all.extend(sample(&identifiers(), 200));
    all.extend([
        large(false, &[0, 0, 0, 0, 0, 0, 0, 128]),
        large(true, &[1, 0, 0, 0, 0, 0, 0, 128]),
        large(false, &[7; 256]),
        Term::Float(9_007_199_254_740_992.0),
        Term::Float(9_007_199_254_740_991.0),
        Term::Integer(9_007_199_254_740_993),
        Term::List(vec![Term::Integer(97); 65_535]),
        Term::List(vec![Term::Integer(97); 65_536]),
        Term::Tuple(vec![Term::Integer(1); 256]),
        Term::Tuple(vec![Term::Integer(1); 255]),
    ]);
    all
}

#[test]
fn encoding_text_and_order_are_those_of_otp() {
    let terms = all();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let input = directory.path().join("terms");
    let bytes = encode(&Term::List(terms.clone()), AtomEncoding::Utf8).expect("terms that can be encoded");
    fs_err::write(&input, bytes).expect("the terms");

    let answer = ask(&expression(include_str!("random_terms.erl")), &[input.to_str().expect("a UTF-8 path")]);
    let style = Style::for_otp(answer.otp);
    let [answers, sorted] = answer.term.as_tuple().expect("two answers") else { panic!("two answers") };
    let answers = answers.as_list().expect("a list");
    assert_eq!(answers.len(), terms.len());

    for (term, answer_for_term) in terms.iter().zip(answers) {
        let [bytes, version_2, pretty, plain] = answer_for_term.as_tuple().expect("answers") else {
            panic!("four answers")
        };
        let bytes = bytes.as_binary().expect("bytes");
        // The same term, with the map entries in the order in which the virtual machine keeps them.
        let theirs = decode(bytes).expect("a term");
        assert_eq!(theirs.compare_as_keys(term), std::cmp::Ordering::Equal, "{term:?}");
        assert_eq!(encode(&theirs, answer.atoms()).as_deref(), Ok(bytes), "{term:?}");
        assert_eq!(encode(&theirs, AtomEncoding::Utf8).ok().as_deref(), version_2.as_binary(), "{term:?}");
        if matches!(term, Term::Pid { .. } | Term::Port { .. } | Term::Reference { .. }) {
            // Their text begins with a number that the virtual machine gives to the node.
            continue;
        }
        assert_eq!(plain_with(&theirs, &style), plain.to_text().expect("text"), "~tw of {term:?}");
        assert_eq!(pretty_with(&theirs, &style), pretty.to_text().expect("text"), "~tp of {term:?}");
    }

    // Maps within keys of maps are compared by the virtual machine's own order of atoms since OTP 26.
    let ordered = |number: &usize| !has_map_in_key(&terms[*number]);
    let sorted =
        sorted.as_list().expect("a list").iter().map(|number| number.as_integer().expect("a number"));
    let theirs: Vec<usize> =
        sorted.map(|number| usize::try_from(number - 1).expect("a position")).filter(ordered).collect();
    for pair in theirs.windows(2) {
        let (smaller, larger) = (&terms[pair[0]], &terms[pair[1]]);
        assert!(smaller.compare(larger).is_le(), "{smaller:?} =< {larger:?}");
        assert!(larger.compare(smaller).is_ge(), "{larger:?} >= {smaller:?}");
    }
    let mut ours: Vec<usize> = (0..terms.len()).filter(ordered).collect();
    ours.sort_by(|left, right| terms[*left].compare(&terms[*right]));
    assert_eq!(ours, theirs);
}

fn has_map_in_key(term: &Term) -> bool {
    match term {
        Term::Map(entries) => {
            entries.iter().any(|(key, value)| has_map_in_key(value) || format!("{key:?}").contains("Map("))
        }
        Term::Tuple(elements) | Term::List(elements) => elements.iter().any(has_map_in_key),
        Term::ImproperList(elements, tail) => elements.iter().any(has_map_in_key) || has_map_in_key(tail),
        _ => false,
    }
}
