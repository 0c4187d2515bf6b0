//! Import maps in pages: `<script type="importmap">{"imports": {"name": "/path.js"}}</script>`.

use super::source_map::end_of_string;
use super::{Purpose, Reference, find};

/// The addresses of all import maps of a page.
#[must_use]
pub fn references(content: &[u8]) -> Vec<Reference> {
    let mut references = Vec::new();
    let mut at = 0;
    while let Some(start) = find(content, b"<script", at) {
        let Some(open_end) = find(content, b">", start) else { break };
        let close = find(content, b"</script", open_end).unwrap_or(content.len());
        if is_import_map(&content[start..open_end]) {
            addresses(content, open_end + 1, close, &mut references);
        }
        at = close;
    }
    references
}

fn is_import_map(tag: &[u8]) -> bool {
    [&b"type=\"importmap\""[..], b"type='importmap'", b"type=importmap"]
        .iter()
        .any(|attribute| find(tag, attribute, 0).is_some())
}

/// Every string that is not a key is an address.
fn addresses(content: &[u8], from: usize, to: usize, references: &mut Vec<Reference>) {
    let mut at = from;
    while let Some(quote) = content.get(at..to).and_then(|rest| memchr::memchr(b'"', rest)) {
        let start = at + quote + 1;
        let Some((end, escaped)) = end_of_string(content, start).filter(|(end, _)| *end < to) else { return };
        at = end + 1;
        let next = content[at..to].iter().find(|byte| !super::is_space(**byte));
        if next != Some(&b':') && !escaped && end > start {
            references.push(Reference { range: start..end, purpose: Purpose::Module });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;

    #[test]
    fn addresses_of_import_maps_are_found() {
        let text = r#"<script>"no"</script><script nonce type="importmap">
            {"imports": {"a": "/a.js", "b/": "./b/"}, "scopes": {"/x/": {"a" : "/x/a.js"}}}</script>"#;
        assert_eq!(texts(text, &references(text.as_bytes())), ["/a.js", "./b/", "/x/a.js"]);
        assert!(references(b"<script type=importmap>{\"imports\": {\"a\": \"").is_empty());
    }
}
