//! Reading typed values out of the maps that the bridge answers with.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use etf::{Atom, Term};
use release::BootList;

/// What did not have the form that was agreed on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the field `{field}` of the answer is missing or is not {expected}")]
pub(crate) struct Malformed {
    field: String,
    expected: &'static str,
}

/// A map with atoms as keys. Elixir's `nil` stands for a value that is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(&'a Term);

type Read<T> = Result<T, Malformed>;

impl<'a> Fields<'a> {
    pub(crate) fn new(term: &'a Term) -> Self {
        Self(term)
    }

    /// The map itself.
    pub(crate) fn whole(self) -> &'a Term {
        self.0
    }

    pub(crate) fn term(self, field: &str) -> Read<&'a Term> {
        self.0.map_value(field).ok_or_else(|| malformed(field, "there"))
    }

    fn required<T>(
        self,
        field: &str,
        expected: &'static str,
        read: impl Fn(&'a Term) -> Option<T>,
    ) -> Read<T> {
        self.0.map_value(field).and_then(read).ok_or_else(|| malformed(field, expected))
    }

    fn optional<T>(
        self,
        field: &str,
        expected: &'static str,
        read: impl Fn(&'a Term) -> Option<T>,
    ) -> Read<Option<T>> {
        let value = self.term(field)?;
        if value.is_atom("nil") {
            Ok(None)
        } else {
            read(value).map(Some).ok_or_else(|| malformed(field, expected))
        }
    }

    fn elements<T>(
        self,
        field: &str,
        expected: &'static str,
        read: impl Fn(&'a Term) -> Option<T>,
    ) -> Read<Vec<T>> {
        self.required(field, expected, |value| value.as_list()?.iter().map(&read).collect())
    }

    pub(crate) fn map(self, field: &str) -> Read<Self> {
        self.term(field).map(Self)
    }

    pub(crate) fn text(self, field: &str) -> Read<String> {
        self.required(field, "text", text)
    }

    pub(crate) fn optional_text(self, field: &str) -> Read<Option<String>> {
        self.optional(field, "text", text)
    }

    pub(crate) fn path(self, field: &str) -> Read<Utf8PathBuf> {
        self.text(field).map(Utf8PathBuf::from)
    }

    pub(crate) fn optional_path(self, field: &str) -> Read<Option<Utf8PathBuf>> {
        Ok(self.optional_text(field)?.map(Utf8PathBuf::from))
    }

    pub(crate) fn paths(self, field: &str) -> Read<Vec<Utf8PathBuf>> {
        self.elements(field, "a list of paths", |value| text(value).map(Utf8PathBuf::from))
    }

    pub(crate) fn texts(self, field: &str) -> Read<Vec<String>> {
        self.elements(field, "a list of texts", text)
    }

    pub(crate) fn maps(self, field: &str) -> Read<Vec<Self>> {
        self.elements(field, "a list of maps", |value| Some(Self(value)))
    }

    pub(crate) fn boolean(self, field: &str) -> Read<bool> {
        self.required(field, "true or false", |value| match value.as_atom()?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    pub(crate) fn number(self, field: &str) -> Read<u32> {
        self.required(field, "a number", |value| value.as_integer()?.try_into().ok())
    }

    pub(crate) fn optional_atom(self, field: &str) -> Read<Option<Atom>> {
        self.optional(field, "an atom", |value| value.as_atom().cloned())
    }

    pub(crate) fn atoms(self, field: &str) -> Read<Vec<Atom>> {
        self.elements(field, "a list of atoms", |value| value.as_atom().cloned())
    }

    pub(crate) fn atom_pairs(self, field: &str) -> Read<Vec<(Atom, Atom)>> {
        self.elements(field, "a list of pairs of atoms", atom_pair)
    }

    pub(crate) fn optional_boot_scripts(self, field: &str) -> Read<Option<Vec<BootList>>> {
        self.optional(field, "a list of names and pairs of atoms", |value| {
            let scripts = value.as_list()?.iter().map(|script| match script.as_tuple()? {
                [name, list] => {
                    let pairs = list.as_list()?.iter().map(atom_pair).collect::<Option<_>>()?;
                    Some((text(name)?, pairs))
                }
                _ => None,
            });
            scripts.collect()
        })
    }

    pub(crate) fn byte_strings(self, field: &str) -> Read<Vec<&'a [u8]>> {
        self.elements(field, "a list of binaries", Term::as_binary)
    }

    /// The error for a field that has the right type and the wrong content.
    pub(crate) fn malformed(self, field: &str, expected: &'static str) -> Malformed {
        malformed(field, expected)
    }

    /// Pairs of an atom and a text.
    pub(crate) fn labelled_texts(self, field: &str) -> Read<Vec<(Atom, String)>> {
        self.elements(field, "a list of atoms and texts", |value| match value.as_tuple()? {
            [first, second] => Some((first.as_atom()?.clone(), text(second)?)),
            _ => None,
        })
    }

    pub(crate) fn terms(self, field: &str) -> Read<Vec<Term>> {
        self.elements(field, "a list", |value| Some(value.clone()))
    }

    pub(crate) fn paths_by_atom(self, field: &str) -> Read<BTreeMap<Atom, Utf8PathBuf>> {
        self.required(field, "a map of atoms to paths", |value| match value {
            Term::Map(entries) => entries
                .iter()
                .map(|(key, value)| Some((key.as_atom()?.clone(), text(value)?.into())))
                .collect(),
            _ => None,
        })
    }

    pub(crate) fn bytes_by_text(self, field: &str) -> Read<BTreeMap<String, Vec<u8>>> {
        self.required(field, "a map of texts to bytes", |value| match value {
            Term::Map(entries) => {
                entries.iter().map(|(key, value)| Some((text(key)?, value.as_binary()?.to_vec()))).collect()
            }
            _ => None,
        })
    }
}

fn atom_pair(value: &Term) -> Option<(Atom, Atom)> {
    match value.as_tuple()? {
        [first, second] => Some((first.as_atom()?.clone(), second.as_atom()?.clone())),
        _ => None,
    }
}

/// Only binaries: the bridge sends text in no other form.
fn text(term: &Term) -> Option<String> {
    String::from_utf8(term.as_binary()?.to_vec()).ok()
}

fn malformed(field: &str, expected: &'static str) -> Malformed {
    Malformed { field: field.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Term {
        Term::Map(vec![
            (Term::atom("name"), Term::binary("shop")),
            (Term::atom("none"), Term::atom("nil")),
            (Term::atom("modes"), Term::List(vec![Term::pair(Term::atom("a"), Term::atom("load"))])),
            (Term::atom("yes"), Term::boolean(true)),
            (Term::atom("bytes"), Term::binary([0xff])),
        ])
    }

    #[test]
    fn values_are_read_in_their_types() {
        let answer = answer();
        let fields = Fields::new(&answer);
        assert_eq!(fields.text("name"), Ok("shop".to_owned()));
        assert_eq!(fields.optional_text("none"), Ok(None));
        assert_eq!(fields.atom_pairs("modes"), Ok(vec![(Atom::new("a"), Atom::new("load"))]));
        assert_eq!(fields.boolean("yes"), Ok(true));
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_named() {
        let answer = answer();
        let fields = Fields::new(&answer);
        assert_eq!(fields.text("bytes"), Err(malformed("bytes", "text")));
        assert_eq!(fields.boolean("name"), Err(malformed("name", "true or false")));
        assert_eq!(
            fields.number("absent").unwrap_err().to_string(),
            "the field `absent` of the answer is missing or is not a number"
        );
    }
}
