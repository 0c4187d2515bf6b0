//! Terms that know where they stand in the text.

use crate::term::Term;
use std::ops::Range;

/// A term and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned {
    /// The bytes of the text that it takes up, without comments and spaces around it.
    pub span: Range<usize>,
    /// The term, its parts spanned too.
    pub node: Node,
}

/// A term whose parts know where they stand.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Anything without parts; strings are here as lists of code points.
    Leaf(Term),
    /// A tuple.
    Tuple(Vec<Spanned>),
    /// A list between brackets, and its tail if it has one after `|`.
    List(Vec<Spanned>, Option<Box<Spanned>>),
    /// A map, as written: duplicate keys are still there.
    Map(Vec<(Spanned, Spanned)>),
}

impl Spanned {
    /// The term alone.
    pub fn into_term(self) -> Term {
        match self.node {
            Node::Leaf(term) => term,
            Node::Tuple(elements) => Term::Tuple(terms(elements)),
            Node::List(elements, None) => Term::List(terms(elements)),
            Node::List(elements, Some(tail)) => Term::list_with_tail(terms(elements), tail.into_term()),
            Node::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (key.into_term(), value.into_term()));
                Term::map_from_entries(entries.collect())
            }
        }
    }
}

fn terms(spanned: Vec<Spanned>) -> Vec<Term> {
    spanned.into_iter().map(Spanned::into_term).collect()
}
