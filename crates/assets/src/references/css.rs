//! Stylesheets: `url(…)`, `@import "…"`, `image-set("…" …)` and the comment that names a source map.
//!
//! Comments and strings are passed over as the CSS Syntax Module (level 3, §4) reads them, so that a `url(` in a comment
//! or in a string is not taken for a reference.

use super::{Purpose, Reference, is_space};

/// The references of a stylesheet.
#[must_use]
pub fn references(content: &[u8]) -> Vec<Reference> {
    let mut scanner = Scanner { content, at: 0, references: Vec::new(), functions: Vec::new() };
    scanner.run();
    scanner.references
}

/// What an open parenthesis belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Function {
    /// `image-set(`, whose strings are URLs.
    ImageSet,
    /// Any other.
    Other,
}

struct Scanner<'a> {
    content: &'a [u8],
    at: usize,
    references: Vec<Reference>,
    functions: Vec<Function>,
}

impl<'a> Scanner<'a> {
    fn run(&mut self) {
        // Whether `@import` was the last that stood here: then a string is a URL.
        let mut importing = false;
        while let Some(byte) = self.content.get(self.at).copied() {
            let was_importing = std::mem::take(&mut importing);
            match byte {
                b'/' if self.content.get(self.at + 1) == Some(&b'*') => {
                    self.comment();
                    importing = was_importing;
                }
                b'"' | b'\'' => {
                    let is_url = was_importing || self.functions.last() == Some(&Function::ImageSet);
                    self.string(is_url.then_some(Purpose::Url));
                }
                byte if is_space(byte) => {
                    self.at += 1;
                    importing = was_importing;
                }
                b'\\' => self.at += 2,
                b'@' => {
                    self.at += 1;
                    importing = self.name().eq_ignore_ascii_case(b"import");
                }
                b'(' => {
                    self.at += 1;
                    self.functions.push(Function::Other);
                }
                b')' => {
                    self.at += 1;
                    self.functions.pop();
                }
                byte if is_name(byte) => self.word(),
                _ => self.at += 1,
            }
        }
    }

    /// A name, and what belongs to it when it is that of a function.
    fn word(&mut self) {
        let name = self.name();
        if self.content.get(self.at) != Some(&b'(') {
            return;
        }
        if name.eq_ignore_ascii_case(b"url") || name.eq_ignore_ascii_case(b"src") {
            self.at += 1;
            self.url();
            return;
        }
        let image_set =
            name.eq_ignore_ascii_case(b"image-set") || name.eq_ignore_ascii_case(b"-webkit-image-set");
        self.at += 1;
        self.functions.push(if image_set { Function::ImageSet } else { Function::Other });
    }

    /// Behind `url(`.
    fn url(&mut self) {
        while self.content.get(self.at).copied().is_some_and(is_space) {
            self.at += 1;
        }
        if let Some(b'"' | b'\'') = self.content.get(self.at) {
            self.string(Some(Purpose::Url));
            // Its parenthesis is met as any other.
            self.functions.push(Function::Other);
            return;
        }
        let start = self.at;
        let mut escaped = false;
        while let Some(byte) = self.content.get(self.at) {
            match byte {
                b')' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                // Not a URL then, and read as one only as far as this.
                b'"' | b'\'' | b'(' => return,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.content.len());
        let mut end = self.at;
        while end > start && is_space(self.content[end - 1]) {
            end -= 1;
        }
        let inner_space = self.content[start..end].iter().any(|byte| is_space(*byte));
        if end > start && !escaped && !inner_space && self.at < self.content.len() {
            self.references.push(Reference { range: start..end, purpose: Purpose::Url });
        }
        self.at = (self.at + 1).min(self.content.len());
    }

    /// From a quote to the same quote; a line break ends a string that was forgotten.
    fn string(&mut self, purpose: Option<Purpose>) {
        let quote = self.content[self.at];
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        while let Some(byte) = self.content.get(self.at) {
            match byte {
                byte if *byte == quote => {
                    if let Some(purpose) = purpose
                        && !escaped
                        && self.at > start
                    {
                        self.references.push(Reference { range: start..self.at, purpose });
                    }
                    self.at += 1;
                    return;
                }
                b'\n' => return,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
    }

    fn comment(&mut self) {
        const MAP: &[u8] = b"# sourceMappingURL=";
        let start = self.at + 2;
        let end = super::find(self.content, b"*/", start).unwrap_or(self.content.len());
        if self.content[start.min(end)..end].starts_with(MAP) {
            let from = start + MAP.len();
            let length = self.content[from..end].iter().take_while(|byte| !is_space(**byte)).count();
            if length > 0 {
                self.references.push(Reference { range: from..from + length, purpose: Purpose::SourceMap });
            }
        }
        self.at = (end + 2).min(self.content.len());
    }

    fn name(&mut self) -> &'a [u8] {
        let start = self.at;
        while self.content.get(self.at).copied().is_some_and(is_name) {
            self.at += 1;
        }
        &self.content[start..self.at]
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;

    #[test]
    fn urls_are_found_where_they_are_urls() {
        for (text, expected) in [
            ("a{b:url(/x.png)}", vec!["/x.png"]),
            ("a{b:URL( 'x y.png' )}", vec!["x y.png"]),
            ("/* url(a) */ b{c:url(d)}", vec!["d"]),
            ("a::before{content:\"url(b)\"}", vec![]),
            ("@import \"a.css\" screen; @import url(b.css);", vec!["a.css", "b.css"]),
            ("@import/**/'a.css';", vec!["a.css"]),
            ("@charset \"utf-8\";", vec![]),
            ("a{b:image-set(\"x.png\" 1x, url(y.png) 2x) url(z)}", vec!["x.png", "y.png", "z"]),
            ("a{b:image-set(linear-gradient(f(\"no\")), \"x.png\" type(\"image/png\"))}", vec!["x.png"]),
            ("a{b:url(x\\ y.png)}", vec![]),
            ("a{b:url(a b)}c{d:url(e)}", vec!["e"]),
            ("url(", vec![]),
            ("url(a", vec![]),
            ("curl(a) url(b)", vec!["b"]),
            ("a{b:url(x.eot?#iefix)}", vec!["x.eot?#iefix"]),
            ("a{b:'never closed\n}c{d:url(e)}", vec!["e"]),
            ("a{}/*# sourceMappingURL=app.css.map */", vec!["app.css.map"]),
        ] {
            assert_eq!(texts(text, &references(text.as_bytes())), expected, "{text}");
        }
    }
}
