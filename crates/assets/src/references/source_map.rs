//! Source maps: the `"file"` that a map belongs to.
//!
//! Only the key of the outermost object counts: `sourcesContent` holds whole programs as strings.

use super::{Purpose, Reference};

/// The references of a source map.
#[must_use]
pub fn references(content: &[u8]) -> Vec<Reference> {
    let mut depth = 0_usize;
    let mut at = 0;
    // A key of the outermost object that was read, and whether its colon was.
    let mut key: Option<&[u8]> = None;
    let mut is_value = false;
    while let Some(byte) = content.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 1 => is_value = true,
            b',' if depth == 1 => (key, is_value) = (None, false),
            b'"' => {
                let start = at + 1;
                let Some((end, escaped)) = end_of_string(content, start) else { break };
                if depth == 1 && !is_value {
                    key = Some(&content[start..end]);
                } else if depth == 1 && key == Some(b"file") && !escaped && end > start {
                    return vec![Reference { range: start..end, purpose: Purpose::MappedFile }];
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    Vec::new()
}

/// Where the string that starts here ends, and whether it holds an escape.
pub(super) fn end_of_string(content: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut at = start;
    let mut escaped = false;
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', content.get(at..)?)?;
        if content[found] == b'"' {
            return Some((found, escaped));
        }
        escaped = true;
        at = found + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;

    #[test]
    fn the_file_of_the_outermost_object_is_found() {
        for (text, expected) in [
            (r#"{"version":3,"file":"app.js","sources":[]}"#, vec!["app.js"]),
            (r#"{ "file" : "app.js" }"#, vec!["app.js"]),
            (
                r#"{"sourcesContent":["{\"file\":\"no.js\"}"],"x":{"file":"no.js"},"file":"a.js"}"#,
                vec!["a.js"],
            ),
            (r#"{"names":["file"],"sources":["no.js"]}"#, vec![]),
            (r#"{"file":"never closed"#, vec![]),
        ] {
            assert_eq!(texts(text, &references(text.as_bytes())), expected, "{text}");
        }
    }
}
