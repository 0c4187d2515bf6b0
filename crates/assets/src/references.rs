//! References from one asset to another.
//!
//! A digested stylesheet or module has to name the digested files that it uses. Here the places where names stand are
//! found; what they become is decided by [`crate::resolve`]. A scanner gets bytes that may be anything and gives ranges
//! of them, in order and apart from each other, in time linear to their number.
//!
//! There are two sets of scanners. [`phoenix`] finds exactly what Phoenix's regular expressions find. The others read the
//! languages: they know comments, strings and templates, and find modules, import maps and URLs with queries as well.

pub mod css;
pub mod import_map;
pub mod javascript;
pub mod phoenix;
pub mod source_map;

use std::borrow::Cow;
use std::ops::Range;

/// What a reference is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A URL that is fetched: `url(…)`, `@import`, `new URL(…, import.meta.url)`.
    Url,
    /// A module: `import`, `export … from`, `import(…)`, an import map. A name that does not begin with `/`, `./` or
    /// `../` is not a path.
    Module,
    /// `sourceMappingURL=`: only developer tools follow it, and it says nothing about what the file does.
    SourceMap,
    /// `"file"` of a source map.
    MappedFile,
}

/// Where a name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The bytes of the name, without quotes.
    pub range: Range<usize>,
    /// What it is for.
    pub purpose: Purpose,
}

/// Content with some names replaced: `replacement` gets each reference and the text of it, and says what stands there
/// instead.
pub fn rewrite<'a>(
    content: &'a [u8],
    references: &[Reference],
    mut replacement: impl FnMut(&Reference, &str) -> Option<String>,
) -> Cow<'a, [u8]> {
    let mut result: Option<Vec<u8>> = None;
    let mut done = 0;
    for reference in references {
        let Ok(text) = std::str::from_utf8(&content[reference.range.clone()]) else { continue };
        let Some(new) = replacement(reference, text) else { continue };
        if new == text {
            continue;
        }
        let bytes = result.get_or_insert_with(|| Vec::with_capacity(content.len() + 64));
        bytes.extend_from_slice(&content[done..reference.range.start]);
        bytes.extend_from_slice(new.as_bytes());
        done = reference.range.end;
    }
    match result {
        None => Cow::Borrowed(content),
        Some(mut bytes) => {
            bytes.extend_from_slice(&content[done..]);
            Cow::Owned(bytes)
        }
    }
}

/// What is white space to CSS, and to the `\s` of Phoenix's expressions but for the vertical tab.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r')
}

/// The first place from `from` on where `needle` stands.
pub(crate) fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let rest = haystack.get(from..)?;
    memchr::memmem::find(rest, needle).map(|at| from + at)
}

#[cfg(test)]
pub(crate) fn texts(content: &str, references: &[Reference]) -> Vec<String> {
    references.iter().map(|reference| content[reference.range.clone()].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_where_they_stand() {
        let references = [1..2, 3..4].map(|range| Reference { range, purpose: Purpose::Url });
        let replaced = rewrite(b"-a-b-", &references, |_, text| (text == "b").then(|| "long".to_owned()));
        assert_eq!(&*replaced, b"-a-long-");
        assert!(matches!(rewrite(b"-a-b-", &references, |_, text| Some(text.to_owned())), Cow::Borrowed(_)));
    }
}
