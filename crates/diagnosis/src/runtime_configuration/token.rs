//! Elixir source as tokens, as far as it matters for finding calls in it.
//!
//! What has to be right is where strings and comments begin and end: what they contain is not code, except for what stands
//! in `#{…}`. Everything else may be coarse: a character that means nothing here is a token of its own.

/// A piece of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name, module and function together: `System.get_env`, `if`; also a number.
    Word(&'t str),
    /// A name and a colon: `do:`.
    Key(&'t str),
    /// A string between double quotes without anything interpolated.
    Text(&'t str),
    /// The end of a line.
    Newline,
    /// Any other character; `"` for a string that is not plain, `~` for a sigil.
    Other(char),
}

/// A token and its line, the first being 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocatedToken<'t> {
    pub(super) token: Token<'t>,
    pub(super) line: usize,
}

/// What the lexer is in the middle of.
#[derive(Clone, Copy, Debug)]
enum Inside {
    /// A string: how it ends, and whether it can have interpolation and escapes in it.
    Text { end: &'static str, interpolates: bool },
    /// Code between `#{` and `}`, with so many braces open.
    Interpolation { braces: usize },
}

/// The tokens of a source. Whatever it is, there are no more of them than it has characters.
pub(super) fn tokens(source: &str) -> Vec<LocatedToken<'_>> {
    let mut lexer = Lexer { source, position: 0, line: 1, inside: Vec::new(), tokens: Vec::new() };
    while lexer.position < source.len() {
        match lexer.inside.last().copied() {
            Some(Inside::Text { end, interpolates }) => lexer.text(end, interpolates),
            _ => lexer.code(),
        }
    }
    lexer.tokens
}

struct Lexer<'t> {
    source: &'t str,
    position: usize,
    line: usize,
    inside: Vec<Inside>,
    tokens: Vec<LocatedToken<'t>>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.source.get(self.position..).unwrap_or_default()
    }

    fn push(&mut self, token: Token<'t>) {
        self.tokens.push(LocatedToken { token, line: self.line });
    }

    /// Goes behind so many bytes, and counts their lines.
    fn skip(&mut self, bytes: usize) {
        let skipped = self.rest().get(..bytes).unwrap_or_default();
        self.line += skipped.bytes().filter(|byte| *byte == b'\n').count();
        self.position += bytes;
    }

    /// Reads on in a string, up to its end or to an interpolation.
    fn text(&mut self, end: &'static str, interpolates: bool) {
        let rest = self.rest();
        let mut characters = rest.char_indices();
        while let Some((at, character)) = characters.next() {
            let here = &rest[at..];
            if here.starts_with(end) {
                self.skip(at + end.len());
                self.inside.pop();
                return;
            }
            if interpolates && here.starts_with("#{") {
                self.skip(at + 2);
                self.inside.push(Inside::Interpolation { braces: 0 });
                return;
            }
            if character == '\\' && (interpolates || here[1..].starts_with(end)) {
                characters.next();
            }
        }
        // It is not finished.
        self.skip(rest.len());
    }

    fn code(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        match first {
            '\n' => {
                self.push(Token::Newline);
                self.skip(1);
            }
            space if space.is_whitespace() => self.skip(space.len_utf8()),
            '#' => self.skip(rest.find('\n').unwrap_or(rest.len())),
            '"' | '\'' => self.quoted(rest, first),
            '~' => self.sigil(rest),
            // A character: `?"` does not begin a string.
            '?' => {
                self.push(Token::Other('?'));
                let mut characters = rest.chars().skip(1);
                let character = characters.next();
                let escaped = if character == Some('\\') { characters.next() } else { None };
                self.skip(1 + [character, escaped].into_iter().flatten().map(char::len_utf8).sum::<usize>());
            }
            letter if letter.is_alphanumeric() || letter == '_' => self.word(rest),
            other => {
                self.braces(other);
                self.skip(other.len_utf8());
            }
        }
    }

    /// Braces may end an interpolation; other characters are tokens.
    fn braces(&mut self, character: char) {
        match (character, self.inside.last_mut()) {
            ('{', Some(Inside::Interpolation { braces })) => *braces += 1,
            ('}', Some(Inside::Interpolation { braces: 0 })) => {
                self.inside.pop();
                return;
            }
            ('}', Some(Inside::Interpolation { braces })) => *braces -= 1,
            _ => {}
        }
        self.push(Token::Other(character));
    }

    fn quoted(&mut self, rest: &'t str, quote: char) {
        let (end, heredoc) = if quote == '"' { ("\"", "\"\"\"") } else { ("'", "'''") };
        if rest.starts_with(heredoc) {
            self.push(Token::Other('"'));
            self.skip(heredoc.len());
            self.inside.push(Inside::Text { end: heredoc, interpolates: true });
            return;
        }
        let content = &rest[1..];
        match content.find([quote, '\\', '#']) {
            // Nothing in it but itself.
            Some(length) if content[length..].starts_with(end) => {
                self.push(if quote == '"' { Token::Text(&content[..length]) } else { Token::Other('"') });
                self.skip(length + 2);
            }
            _ => {
                self.push(Token::Other('"'));
                self.skip(1);
                self.inside.push(Inside::Text { end, interpolates: true });
            }
        }
    }

    /// `~s(…)`: a letter in lower case interpolates, one or more in upper case do not.
    fn sigil(&mut self, rest: &'t str) {
        self.push(Token::Other('~'));
        let letters = rest[1..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let interpolates = rest[1..].starts_with(|letter: char| letter.is_ascii_lowercase());
        let after = &rest[1 + letters..];
        let ends = [
            ("\"\"\"", "\"\"\""),
            ("'''", "'''"),
            ("(", ")"),
            ("[", "]"),
            ("{", "}"),
            ("<", ">"),
            ("|", "|"),
            ("/", "/"),
            ("\"", "\""),
            ("'", "'"),
        ];
        match ends.into_iter().find(|(begin, _)| letters > 0 && after.starts_with(begin)) {
            Some((begin, end)) => {
                self.skip(1 + letters + begin.len());
                self.inside.push(Inside::Text { end, interpolates });
            }
            None => self.skip(1),
        }
    }

    fn word(&mut self, rest: &'t str) {
        let mut end = 0;
        let mut characters = rest.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let follows = characters.peek().map(|(_, next)| *next);
            let is_part = character.is_alphanumeric()
                || character == '_'
                || (character == '.' && follows.is_some_and(|next| next.is_alphabetic() || next == '_'));
            // `!` and `?` end a name, unless they begin `!=`.
            let is_last = matches!(character, '!' | '?') && follows != Some('=');
            if is_part || is_last {
                end = at + character.len_utf8();
            }
            if !is_part {
                break;
            }
        }
        let (word, after) = rest.split_at(end);
        if after.starts_with(':') && !after.starts_with("::") {
            self.push(Token::Key(word));
            self.skip(end + 1);
        } else {
            self.push(Token::Word(word));
            self.skip(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Token::{Key, Newline, Other, Text, Word};
    use super::*;

    fn lexed(source: &str) -> Vec<Token<'_>> {
        tokens(source).into_iter().map(|located| located.token).collect()
    }

    #[test]
    fn names_texts_and_keys() {
        assert_eq!(
            lexed("if a != b?, do: System.fetch_env!(\"X\") # \"comment\n:\"y\""),
            [
                Word("if"),
                Word("a"),
                Other('!'),
                Other('='),
                Word("b?"),
                Other(','),
                Key("do"),
                Word("System.fetch_env!"),
                Other('('),
                Text("X"),
                Other(')'),
                Newline,
                Other(':'),
                Text("y"),
            ]
        );
    }

    #[test]
    fn what_is_in_texts_is_no_code() {
        for text in [
            "\"a \\\" b\"",
            "\"\"\"\na \"b\" c\n\"\"\"",
            "'a \" b'",
            "'''\na\n'''",
            "~s(a \\) \" b)",
            "~S(a \\ b)",
            "~w[a b]",
            "~r/\"/",
            "~S\"\"\"\na \" b\n\"\"\"",
        ] {
            let source = format!("x {text} y");
            let found = lexed(&source);
            let [Word("x"), Other('"' | '~'), rest @ ..] = &found[..] else { panic!("{text}: {found:?}") };
            assert_eq!(rest, [Word("y")], "{text}");
        }
        assert_eq!(lexed("?\" x ?\\\" y"), [Other('?'), Word("x"), Other('?'), Word("y")]);
    }

    #[test]
    fn what_is_interpolated_is_code() {
        assert_eq!(
            lexed("\"a#{f(%{b: \"}\"})}c\" d"),
            [
                Other('"'),
                Word("f"),
                Other('('),
                Other('%'),
                Other('{'),
                Key("b"),
                Text("}"),
                Other('}'),
                Other(')'),
                Word("d"),
            ]
        );
    }

    #[test]
    fn lines_are_counted() {
        let located = tokens("a\n\"\"\"\nx\n\"\"\"\nb \"c\nd\" e");
        let lines: Vec<usize> = located.iter().map(|located| located.line).collect();
        assert_eq!(lines, [1, 1, 2, 4, 5, 5, 6]);
    }
}
