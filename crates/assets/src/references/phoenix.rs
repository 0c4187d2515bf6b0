//! What the regular expressions of `Phoenix.Digester` find, and nothing else.
//!
//! They know nothing of comments or strings, and white space ends a URL. What they match is found here without going
//! back, so that hostile input costs no more than other input.

use super::{Purpose, Reference, find};

/// The `\s` of PCRE without Unicode.
fn is_space(byte: u8) -> bool {
    super::is_space(byte) || byte == b'\x0b'
}

/// The first byte from `at` on for which the condition does not hold; the end when there is none.
fn skip(content: &[u8], at: usize, condition: impl Fn(u8) -> bool) -> usize {
    content[at..].iter().position(|byte| !condition(*byte)).map_or(content.len(), |count| at + count)
}

/// `(url\(\s*)(\S+?)(\s*\))`, and within the URL `\A(['"])(.+)\1\z`.
#[must_use]
pub fn css(content: &[u8]) -> Vec<Reference> {
    const OPEN: &[u8] = b"url(";
    let mut references = Vec::new();
    let mut at = 0;
    while let Some(found) = find(content, OPEN, at) {
        let start = skip(content, found + OPEN.len(), is_space);
        // The URL ends where white space, if any, and a parenthesis follow; it has at least one character.
        let first_end = content.len().min(start + 1);
        let stop = skip(content, first_end, |byte| byte != b')' && !is_space(byte));
        let close = skip(content, stop, is_space);
        if start == content.len() || close == content.len() || content[close] != b')' {
            // Whatever else opens before `stop` meets the same end, but for what opens right before it: there white space
            // may follow.
            at = (found + OPEN.len()).max(stop - OPEN.len());
            continue;
        }
        let mut range = start..stop;
        let url = &content[range.clone()];
        if let [quote @ (b'"' | b'\''), .., last] = url
            && quote == last
            && url.len() > 2
        {
            range = start + 1..stop - 1;
        }
        references.push(Reference { range, purpose: Purpose::Url });
        at = close + 1;
    }
    references
}

/// `(//#\s*sourceMappingURL=\s*)(\S+)`.
#[must_use]
pub fn javascript(content: &[u8]) -> Vec<Reference> {
    const COMMENT: &[u8] = b"//#";
    const KEY: &[u8] = b"sourceMappingURL=";
    let mut references = Vec::new();
    let mut at = 0;
    while let Some(found) = find(content, COMMENT, at) {
        let key = skip(content, found + COMMENT.len(), is_space);
        if !content[key..].starts_with(KEY) {
            // `//` and another `//#` may overlap in one slash only.
            at = found + 1;
            continue;
        }
        let start = skip(content, key + KEY.len(), is_space);
        let end = skip(content, start, |byte| !is_space(byte));
        if start < end {
            references.push(Reference { range: start..end, purpose: Purpose::SourceMap });
        }
        at = end;
    }
    references
}

/// `(['"]file['"]:['"])([^,"']+)(['"])`.
#[must_use]
pub fn source_map(content: &[u8]) -> Vec<Reference> {
    const KEY: &[u8] = b"file";
    let quote = |at: usize| matches!(content.get(at), Some(b'"' | b'\''));
    let mut references = Vec::new();
    let mut at = 0;
    while let Some(found) = find(content, KEY, at) {
        at = found + 1;
        let after = found + KEY.len();
        let is_key = found > 0
            && quote(found - 1)
            && quote(after)
            && content.get(after + 1) == Some(&b':')
            && quote(after + 2);
        if !is_key {
            continue;
        }
        let start = after + 3;
        let end = skip(content, start, |byte| !matches!(byte, b',' | b'"' | b'\''));
        if end > start && quote(end) {
            references.push(Reference { range: start..end, purpose: Purpose::MappedFile });
            at = end + 1;
        } else {
            at = end.max(at);
        }
    }
    references
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;

    #[test]
    fn urls_end_at_white_space_or_a_parenthesis() {
        for (text, expected) in [
            ("a{b:url(/x.png)}", vec!["/x.png"]),
            ("url( 'x.png' ) url(\"y\")", vec!["x.png", "y"]),
            ("url('a b.png') url(c)", vec!["c"]),
            ("url() )", vec![")"]),
            ("url(", vec![]),
            ("url(url(a)", vec!["url(a"]),
            // The first finds no end, and the second begins where that was sought.
            ("url(url( \"/x.png\")", vec!["/x.png"]),
            ("url(\n)url(\n'/x.png')", vec!["/x.png"]),
            ("url(a url(b)", vec!["b"]),
            ("/* url(a) */", vec!["a"]),
            ("url('x\") url('')", vec!["'x\"", "''"]),
            ("url(a\n\t)url(b x)url(c)", vec!["a", "c"]),
        ] {
            assert_eq!(texts(text, &css(text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn comments_name_source_maps() {
        for (text, expected) in [
            ("x;\n//# sourceMappingURL=app.js.map\n", vec!["app.js.map"]),
            ("//#sourceMappingURL=  a //# sourceMappingURL=b", vec!["a", "b"]),
            ("//# sourceMappingURL=", vec![]),
            ("////# sourceMappingURL=a", vec!["a"]),
            ("//#//# sourceMappingURL=a", vec!["a"]),
        ] {
            assert_eq!(texts(text, &javascript(text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn source_maps_name_their_file() {
        for (text, expected) in [
            (r#"{"version":3,"file":"app.js","x":1}"#, vec!["app.js"]),
            (r#"{"file": "app.js"}"#, vec![]),
            (r#"{'file':'app.js'}"#, vec!["app.js"]),
            (r#"{"file":"a,b"}"#, vec![]),
            (r#"{"file":""}"#, vec![]),
        ] {
            assert_eq!(texts(text, &source_map(text.as_bytes())), expected, "{text}");
        }
    }
}
