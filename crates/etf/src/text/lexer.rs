//! From characters to tokens, after `erl_scan.erl`.

use super::error::SyntaxError;
use super::token::{Token, TokenKind};
use super::{literal, number};

/// Punctuation, longer ones first.
const SYMBOLS: [&str; 20] = [
    "<<", ">>", "=>", ":=", "++", "||", "->", "{", "}", "[", "]", "(", ")", ",", "|", "#", "/", ":", "-", "+",
];

/// Words that are no atoms unless quoted, in all releases of OTP.
pub(super) const RESERVED: [&str; 27] = [
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case", "catch", "cond",
    "div", "end", "fun", "if", "let", "not", "of", "or", "orelse", "receive", "rem", "try", "when", "xor",
];

/// Reads tokens from a text, one at a time.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn error(&self, offset: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.text, offset, message)
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// What has been read since this position.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.position).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character.
    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position += character.len_utf8();
        Some(character)
    }

    /// Takes the next character if it is this one.
    pub(super) fn next_if(&mut self, test: impl FnOnce(char) -> bool) -> Option<char> {
        self.peek().filter(|character| test(*character)).and_then(|_| self.next())
    }

    /// Takes this text if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.position += text.len();
        }
        found
    }

    /// Takes characters as long as they pass.
    pub(super) fn take_while(&mut self, test: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|character| !test(character)).unwrap_or(rest.len());
        self.position += end;
        rest.get(..end).unwrap_or_default()
    }

    /// The next token.
    pub(super) fn token(&mut self) -> Result<Token, SyntaxError> {
        self.skip_space_and_comments();
        let start = self.position;
        let kind = self.kind()?;
        Ok(Token { span: start..self.position, kind })
    }

    fn kind(&mut self) -> Result<TokenKind, SyntaxError> {
        let start = self.position;
        let Some(first) = self.peek() else {
            return Ok(TokenKind::End);
        };
        match first {
            '0'..='9' => number::number(self),
            '$' => literal::character(self),
            '\'' => literal::quoted_atom(self),
            '"' => literal::string(self),
            '~' => literal::sigil(self),
            '.' => self.full_stop(),
            first if starts_atom(first) => {
                let name = self.take_while(is_name_character);
                if name.chars().count() > literal::ATOM_CHARACTERS {
                    return Err(self.error(start, "an atom may have 255 characters at most"));
                }
                let reserved = RESERVED.contains(&name);
                Ok(if reserved { TokenKind::Reserved(name.into()) } else { TokenKind::Atom(name.into()) })
            }
            first if is_name_character(first) => {
                Ok(TokenKind::Variable(self.take_while(is_name_character).into()))
            }
            first => match SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol)) {
                Some(symbol) => {
                    self.position += symbol.len();
                    Ok(TokenKind::Symbol(symbol))
                }
                None => Err(self.error(start, format!("no term contains the character {first:?} here"))),
            },
        }
    }

    /// A full stop ends a term only before space, a comment or the end.
    fn full_stop(&mut self) -> Result<TokenKind, SyntaxError> {
        let start = self.position;
        self.next();
        match self.peek() {
            None | Some('%') => Ok(TokenKind::Dot),
            Some(character) if is_space(character) => Ok(TokenKind::Dot),
            Some(character) => {
                let message =
                    format!("a full stop must be followed by a space or a new line, not by {character:?}");
                Err(self.error(start, message))
            }
        }
    }

    fn skip_space_and_comments(&mut self) {
        loop {
            self.take_while(is_space);
            if self.peek() != Some('%') {
                return;
            }
            self.take_while(|character| character != '\n');
        }
    }
}

/// What `erl_scan` calls white space: all of ASCII up to the space, and the control characters of Latin-1.
pub(super) fn is_space(character: char) -> bool {
    matches!(character, '\0'..=' ' | '\u{80}'..='\u{a0}')
}

/// A small letter of Latin-1.
pub(super) fn starts_atom(character: char) -> bool {
    matches!(character, 'a'..='z' | 'ß'..='ÿ') && character != '÷'
}

/// A letter of Latin-1, a digit, `_` or `@`.
pub(super) fn is_name_character(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '@' | 'À'..='ÿ')
        && !matches!(character, '×' | '÷')
}
