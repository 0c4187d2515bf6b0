//! JSON, as far as it is written here.

/// A text as a JSON string (RFC 8259).
pub fn string(text: &str) -> String {
    let mut string = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => string.extend(['\\', character]),
            control if control < ' ' => string.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => string.push(other),
        }
    }
    string.push('"');
    string
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_json_reserves_is_escaped() {
        assert_eq!(super::string("a \"b\" \\ \n é"), r#""a \"b\" \\ \u000a é""#);
    }
}
