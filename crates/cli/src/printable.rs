//! Text of others for a terminal: names in a boot script, in an image. Anybody may have written them, and nothing in them moves a
//! cursor or changes a colour.

/// A text whose control characters are written as Rust writes them (`\n`, `\u{1b}`), so that it can be seen that they are there.
pub(crate) fn with_escapes(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// The beginning of a text, with a space for each control character: a command that was written in several lines is one line.
pub(crate) fn in_one_line(text: &str, longest: usize) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_controls_the_terminal() {
        assert_eq!(with_escapes("é\n\u{1b}[31m"), "é\\n\\u{1b}[31m");
        assert_eq!(in_one_line("a\t\u{1b}[31mb", 5), "a  [3");
    }
}
