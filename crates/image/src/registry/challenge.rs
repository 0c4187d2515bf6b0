//! What a registry wants to be shown (RFC 9110, section 11.6.1): challenges, each a scheme and parameters, of which one
//! header may have several, and an answer several headers.

use std::collections::BTreeMap;

/// A way to prove who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lower case.
    pub(super) scheme: String,
    /// By their names in lower case.
    pub(super) parameters: BTreeMap<String, String>,
}

impl Challenge {
    /// All that a header has. What follows no rule is left out.
    pub(super) fn parse(header: &str) -> Vec<Self> {
        let mut challenges: Vec<Self> = Vec::new();
        let mut rest = header;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',', '=', '"']);
            let end = rest.find([' ', '\t', ',', '=', '"']).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.is_empty() {
                return challenges;
            }
            let name = word.to_ascii_lowercase();
            if let Some(value) = after.trim_start().strip_prefix('=') {
                let (value, after) = value_at(value.trim_start());
                if let Some(challenge) = challenges.last_mut() {
                    challenge.parameters.insert(name, value);
                }
                rest = after;
            } else {
                challenges.push(Self { scheme: name, parameters: BTreeMap::new() });
                rest = after;
            }
        }
    }
}

/// The value at the beginning of a text, quoted or not, and what follows it.
fn value_at(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[index + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemes(header: &str) -> Vec<String> {
        Challenge::parse(header).into_iter().map(|challenge| challenge.scheme).collect()
    }

    #[test]
    fn parameters_are_read() {
        let text =
            r#"Bearer realm="https://auth.docker.io/token",service="registry, \"x\"" , scope=a:b:pull"#;
        let [challenge] = Challenge::parse(text).try_into().unwrap();
        assert_eq!(challenge.scheme, "bearer");
        assert_eq!(challenge.parameters["realm"], "https://auth.docker.io/token");
        assert_eq!(challenge.parameters["service"], "registry, \"x\"");
        assert_eq!(challenge.parameters["scope"], "a:b:pull");
    }

    #[test]
    fn a_header_may_have_several() {
        assert_eq!(schemes(r#"Negotiate, Basic realm="x""#), ["negotiate", "basic"]);
        assert_eq!(schemes(r#"Basic realm="a, Bearer b", Bearer realm="c""#), ["basic", "bearer"]);
        assert_eq!(schemes("Negotiate YWJj==, NTLM"), ["negotiate", "ntlm"]);
        assert_eq!(schemes(""), [""; 0]);
        for odd in
            ["Basic", "Bearer =", "Bearer a=\"b", "Bearer a=\"b\\", "Bearer \u{e4}=\u{e4}\",=\"", "=", "\""]
        {
            let _ = Challenge::parse(odd);
        }
    }
}
