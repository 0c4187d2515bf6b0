//! What a written name means, and what is written instead.

use std::collections::HashMap;

use crate::name;
use crate::options::ReferenceSyntax;
use crate::references::Purpose;

/// Names of digested files by logical path: `latest` of the manifest.
pub type Latest = HashMap<String, String>;

/// How names in one file become names of digested files.
#[derive(Clone, Copy, Debug)]
pub struct Resolver<'a> {
    /// The directory of the file, as a logical path.
    pub directory: &'a str,
    /// Whether `?vsn=d` is added to URLs.
    pub adds_vsn: bool,
    /// How names are understood.
    pub syntax: ReferenceSyntax,
}

impl Resolver<'_> {
    /// The logical path that a name means; none when it cannot be a file of the project.
    #[must_use]
    pub fn logical_path(&self, purpose: Purpose, written: &str) -> Option<String> {
        let path = match self.syntax {
            ReferenceSyntax::Parsed => percent_decoded(split(written).0)?,
            ReferenceSyntax::Phoenix => written.to_owned(),
        };
        if let Some(absolute) = path.strip_prefix('/') {
            return Some(absolute.to_owned()).filter(|path| !path.is_empty());
        }
        if has_scheme(&path) {
            return None;
        }
        let is_relative = path.starts_with("./") || path.starts_with("../");
        if purpose == Purpose::Module && !is_relative {
            return None;
        }
        normalised(self.directory, &path)
    }

    /// What is written instead of a name; none when it stays.
    #[must_use]
    pub fn replacement(&self, purpose: Purpose, written: &str, latest: &Latest) -> Option<String> {
        let logical = self.logical_path(purpose, written)?;
        let digested = latest.get(&logical)?;
        if *digested == logical {
            return None;
        }
        let adds_vsn = self.adds_vsn && matches!(purpose, Purpose::Url | Purpose::Module);
        let (path, suffix) = match self.syntax {
            ReferenceSyntax::Parsed => split(written),
            ReferenceSyntax::Phoenix => (written, ""),
        };
        let encoded = path.contains('%') && self.syntax == ReferenceSyntax::Parsed;
        let spell = |path: &str| if encoded { percent_encoded(path) } else { path.to_owned() };
        let new = if path.starts_with('/') {
            format!("/{}", spell(digested))
        } else {
            format!("{}/{}", directory_as_written(path), spell(name::file_name(digested)))
        };
        Some(if adds_vsn { format!("{new}{}", with_vsn(suffix)) } else { format!("{new}{suffix}") })
    }
}

/// What stands before the last slash; `.` when there is none (`Path.dirname/1`).
fn directory_as_written(path: &str) -> &str {
    match name::directory(path).trim_end_matches('/') {
        "" => ".",
        directory => directory,
    }
}

/// A name, and its query and fragment.
fn split(written: &str) -> (&str, &str) {
    written.split_at(written.find(['?', '#']).unwrap_or(written.len()))
}

/// Query and fragment with `vsn=d` at the beginning of the query: Plug sends a file with the order to keep it for ever
/// only if the query begins with `vsn=`.
fn with_vsn(suffix: &str) -> String {
    let (query, fragment) = suffix.split_at(suffix.find('#').unwrap_or(suffix.len()));
    match query {
        "" | "?" => format!("?vsn=d{fragment}"),
        query if query.starts_with("?vsn=") => suffix.to_owned(),
        query => format!("?vsn=d&{}{fragment}", &query[1..]),
    }
}

/// `https:`, `data:` (RFC 3986, §3.1).
fn has_scheme(path: &str) -> bool {
    path.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|next| next.is_ascii_alphanumeric() || "+-.".contains(next))
    })
}

/// A relative path from a directory; none when it leads out of the root.
fn normalised(directory: &str, path: &str) -> Option<String> {
    let mut components: Vec<&str> = Vec::new();
    for component in directory.split('/').chain(path.split('/')) {
        match component {
            "" | "." => {}
            ".." => {
                components.pop()?;
            }
            component => components.push(component),
        }
    }
    (!components.is_empty()).then(|| components.join("/"))
}

fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

fn percent_encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(directory: &str, purpose: Purpose, written: &str) -> Option<String> {
        let latest: Latest = ["images/x.png", "css/app.css", "app.js", "a b.png", "hashed.js"]
            .map(|path| (path.to_owned(), name::digested(path, "D")))
            .into();
        let latest: Latest = latest
            .into_iter()
            .map(|(path, digested)| if path == "hashed.js" { (path.clone(), path) } else { (path, digested) })
            .collect();
        let resolver = Resolver { directory, adds_vsn: true, syntax: ReferenceSyntax::Parsed };
        resolver.replacement(purpose, written, &latest)
    }

    #[test]
    fn urls_get_the_digested_name_where_they_stand_and_vsn_first_in_the_query() {
        for (directory, written, expected) in [
            ("css", "/images/x.png", Some("/images/x-D.png?vsn=d")),
            ("css", "../images/x.png", Some("../images/x-D.png?vsn=d")),
            ("css", "app.css", Some("./app-D.css?vsn=d")),
            ("", "images//x.png#icon", Some("images/x-D.png?vsn=d#icon")),
            ("", "images/x.png?#iefix", Some("images/x-D.png?vsn=d#iefix")),
            // Found in Font Awesome. `vsn=d` at the end does not count.
            ("", "images/x.png?v=4.7.0", Some("images/x-D.png?vsn=d&v=4.7.0")),
            ("", "images/x.png?a=1#icon", Some("images/x-D.png?vsn=d&a=1#icon")),
            ("", "images/x.png?vsn=d", Some("images/x-D.png?vsn=d")),
            ("", "a%20b.png", Some("./a%20b-D.png?vsn=d")),
            ("", "../images/x.png", None),
            ("", "//images/x.png", None),
            ("", "data:image/png;base64,x", None),
            ("", "https://example.com/app.js", None),
            ("", "#fragment", None),
            ("", "", None),
            ("", "hashed.js", None),
            ("", "%zz", None),
        ] {
            assert_eq!(replaced(directory, Purpose::Url, written).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn modules_are_paths_and_source_maps_have_no_version() {
        assert_eq!(replaced("", Purpose::Module, "app.js"), None);
        assert_eq!(replaced("", Purpose::Module, "./app.js").as_deref(), Some("./app-D.js?vsn=d"));
        assert_eq!(replaced("", Purpose::SourceMap, "app.js").as_deref(), Some("./app-D.js"));
    }

    #[test]
    fn phoenix_takes_names_as_they_are() {
        let latest: Latest = [("x.png".to_owned(), "x-D.png".to_owned())].into();
        let resolver = Resolver { directory: "", adds_vsn: true, syntax: ReferenceSyntax::Phoenix };
        assert_eq!(resolver.replacement(Purpose::Url, "x.png#icon", &latest), None);
        assert_eq!(resolver.replacement(Purpose::Url, "x.png", &latest).as_deref(), Some("./x-D.png?vsn=d"));
    }
}
