//! A command line, split into its words as a shell does it.
//!
//! An image has no shell: its command is a list of words. What a shell would expand (`$NAME`, `*`) stays as it is written.

use std::fmt;
use std::str::FromStr;

/// A command with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    line: String,
    words: Vec<String>,
}

/// Why a text is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandLineError {
    /// A quotation has no end.
    #[error("it has a {0} without its end\nhint: quote the command as in a shell")]
    Quotation(char),
    /// There is no word in it.
    #[error("it names no command")]
    Empty,
}

impl CommandLine {
    /// Its words.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }
}

impl FromStr for CommandLine {
    type Err = CommandLineError;

    fn from_str(line: &str) -> Result<Self, CommandLineError> {
        let words = words(line)?;
        if words.is_empty() {
            Err(CommandLineError::Empty)
        } else {
            Ok(Self { line: line.to_owned(), words })
        }
    }
}

/// As it was written.
impl fmt::Display for CommandLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.line)
    }
}

/// Splits a command line into words, at spaces outside of quotes.
fn words(line: &str) -> Result<Vec<String>, CommandLineError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            (end, Some(begin)) if end == begin => quote = None,
            (begin @ ('\'' | '"'), None) => {
                quote = Some(begin);
                word.get_or_insert_default();
            }
            ('\\', None) => word.get_or_insert_default().extend(characters.next()),
            ('\\', Some('"')) => match characters.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => word.get_or_insert_default().push(escaped),
                other => word.get_or_insert_default().extend(['\\'].into_iter().chain(other)),
            },
            (space, None) if space.is_whitespace() => words.extend(word.take()),
            (other, _) => word.get_or_insert_default().push(other),
        }
    }
    if let Some(quote) = quote {
        return Err(CommandLineError::Quotation(quote));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        let cases: [(&str, &[&str]); 6] = [
            ("server", &["server"]),
            ("  eval  \"Guestbook.Release.seed(1, 2)\" ", &["eval", "Guestbook.Release.seed(1, 2)"]),
            (r#"eval 'IO.puts("a b")'"#, &["eval", r#"IO.puts("a b")"#]),
            (r#"eval "IO.puts(\"\\a\n\")" b\ c"#, &["eval", r#"IO.puts("\a\n")"#, "b c"]),
            ("rpc '' a''b", &["rpc", "", "ab"]),
            ("", &[]),
        ];
        for (line, expected) in cases {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
        for line in ["eval \"x", "eval 'x\"", "'"] {
            assert!(matches!(words(line), Err(CommandLineError::Quotation(_))), "{line}");
        }
        assert_eq!(" ".parse::<CommandLine>(), Err(CommandLineError::Empty));
    }

    /// The shell is the oracle.
    #[test]
    fn a_shell_splits_alike() {
        for line in [r#"a "b c" 'd "e' f\ g"#, r#""a\"b" "\c" '\d' \e"#, r#"x"y z"'w' ''"#] {
            let script = format!("printf '%s\\n' {line}");
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            assert_eq!(printed.lines().collect::<Vec<_>>(), words(line).unwrap(), "{line}");
        }
    }
}
