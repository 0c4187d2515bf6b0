//! Everything between quotes: strings, atoms, characters, sigils and their escapes.

use super::error::SyntaxError;
use super::lexer::{Lexer, is_name_character, is_space};
use super::token::TokenKind;

/// Characters that an atom may have.
pub(super) const ATOM_CHARACTERS: usize = 255;

/// `$a`, `$\n`, `$\x{263a}`.
pub(super) fn character(lexer: &mut Lexer<'_>) -> Result<TokenKind, SyntaxError> {
    let start = lexer.position();
    lexer.next();
    match lexer.next() {
        None => Err(lexer.error(start, "expected a character after “$”, and found the end of the file")),
        Some('\\') => escape(lexer, start).map(TokenKind::Character),
        Some(character) => allowed(lexer, start, character).map(TokenKind::Character),
    }
}

/// `'…'`.
pub(super) fn quoted_atom(lexer: &mut Lexer<'_>) -> Result<TokenKind, SyntaxError> {
    let start = lexer.position();
    lexer.next();
    let text = quoted(lexer, start, '\'', true, "quoted atom")?;
    if text.chars().count() > ATOM_CHARACTERS {
        return Err(lexer.error(start, "an atom may have 255 characters at most"));
    }
    Ok(TokenKind::Atom(text))
}

/// `"…"` or `"""…"""`.
pub(super) fn string(lexer: &mut Lexer<'_>) -> Result<TokenKind, SyntaxError> {
    let start = lexer.position();
    if lexer.rest().starts_with("\"\"\"") {
        return triple_quoted(lexer, start, false).map(TokenKind::String);
    }
    lexer.next();
    quoted(lexer, start, '"', true, "string").map(TokenKind::String)
}

/// `~"…"`, `~b(…)`, `~B"""…"""`, `~s[…]`, `~S'…'` (OTP 27).
pub(super) fn sigil(lexer: &mut Lexer<'_>) -> Result<TokenKind, SyntaxError> {
    let start = lexer.position();
    lexer.next();
    let kind = lexer.take_while(is_name_character);
    if !matches!(kind, "" | "b" | "B" | "s" | "S") {
        return Err(lexer.error(start, format!("there is no sigil ~{kind}; the sigils are ~ ~b ~B ~s ~S")));
    }
    let text = if lexer.rest().starts_with("\"\"\"") {
        triple_quoted(lexer, start, matches!(kind, "b" | "s"))?
    } else {
        let Some(close) = lexer.next().and_then(closing_delimiter) else {
            return Err(lexer.error(start, "expected a string after “~”"));
        };
        quoted(lexer, start, close, !matches!(kind, "B" | "S"), "sigil")?
    };
    if lexer.peek().is_some_and(is_name_character) {
        return Err(lexer.error(lexer.position(), "letters cannot follow this string"));
    }
    Ok(if matches!(kind, "s" | "S") { TokenKind::StringSigil(text) } else { TokenKind::BinarySigil(text) })
}

fn closing_delimiter(open: char) -> Option<char> {
    match open {
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        '<' => Some('>'),
        '/' | '|' | '#' | '`' | '\'' | '"' => Some(open),
        _ => None,
    }
}

/// The text up to the closing delimiter; what stands before it has been read.
fn quoted(
    lexer: &mut Lexer<'_>,
    start: usize,
    close: char,
    escapes: bool,
    what: &str,
) -> Result<String, SyntaxError> {
    let mut text = String::new();
    loop {
        let position = lexer.position();
        match lexer.next() {
            None => {
                return Err(lexer.error(start, format!("the {what} that begins here has no end ({close})")));
            }
            Some(character) if character == close => return Ok(text),
            Some('\\') if escapes => text.push(escape(lexer, position)?),
            Some(character) => text.push(allowed(lexer, position, character)?),
        }
    }
}

/// What follows a backslash (`erl_scan:scan_escape/2`). `start` is where the backslash is.
fn escape(lexer: &mut Lexer<'_>, start: usize) -> Result<char, SyntaxError> {
    let Some(character) = lexer.next() else {
        return Err(lexer.error(start, "the file ends after a backslash"));
    };
    let code = match character {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'e' => '\u{1b}',
        's' => ' ',
        'd' => '\u{7f}',
        '0'..='7' => {
            let mut code = character.to_digit(8).unwrap_or_default();
            for _ in 0..2 {
                match lexer.next_if(|next| next.is_digit(8)).and_then(|next| next.to_digit(8)) {
                    Some(digit) => code = code * 8 + digit,
                    None => break,
                }
            }
            return code_point(lexer, start, Some(code));
        }
        'x' if lexer.take("{") => {
            let digits = lexer.take_while(|next| next.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16).ok();
            if !lexer.take("}") {
                return Err(lexer.error(start, "expected hexadecimal digits and “}” after “\\x{”"));
            }
            return code_point(lexer, start, code);
        }
        'x' => {
            let digits = lexer.rest().get(..2).unwrap_or_default();
            let code = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
            if code.is_none() || !lexer.take(digits) {
                return Err(lexer.error(start, "expected two hexadecimal digits after “\\x”"));
            }
            return code_point(lexer, start, code);
        }
        '^' => match lexer.next() {
            Some('?') => '\u{7f}',
            Some(letter @ ('@'..='_' | 'a'..='z')) => char::from(letter as u8 & 31),
            _ => return Err(lexer.error(start, "expected a letter after “\\^”")),
        },
        other => return allowed(lexer, start, other),
    };
    Ok(code)
}

fn code_point(lexer: &Lexer<'_>, start: usize, code: Option<u32>) -> Result<char, SyntaxError> {
    match code.and_then(char::from_u32) {
        Some(character) => allowed(lexer, start, character),
        None => Err(lexer.error(start, "this escape does not name a character")),
    }
}

/// Erlang's scanner refuses two characters that Unicode has.
fn allowed(lexer: &Lexer<'_>, start: usize, character: char) -> Result<char, SyntaxError> {
    match character {
        '\u{fffe}' | '\u{ffff}' => {
            Err(lexer.error(start, "the code points FFFE and FFFF are not characters"))
        }
        character => Ok(character),
    }
}

/// A triple-quoted string (OTP 27): the lines between, without the indentation of the closing quotes.
fn triple_quoted(lexer: &mut Lexer<'_>, start: usize, escapes: bool) -> Result<String, SyntaxError> {
    let quotes = lexer.take_while(|character| character == '"');
    let first = lexer.position();
    if !lexer.take_while(|character| character != '\n').chars().all(is_space) {
        return Err(
            lexer.error(first, "only a new line may follow the quotes that begin a triple-quoted string")
        );
    }
    lexer.next();
    let mut lines = Vec::new();
    let indentation = loop {
        let position = lexer.position();
        let indentation = lexer.take_while(|character| is_space(character) && character != '\n');
        if lexer.take(quotes) {
            break indentation;
        }
        lexer.take_while(|character| character != '\n');
        lines.push((position, lexer.since(position)));
        if lexer.next().is_none() {
            let message = format!("the string that begins here has no end ({quotes} on a line of its own)");
            return Err(lexer.error(start, message));
        }
    };
    let mut text = String::new();
    for (number, (position, line)) in lines.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        if matches!(*line, "" | "\r") {
            text.push_str(line);
        } else if let Some(content) = line.strip_prefix(indentation) {
            text.push_str(content);
        } else {
            return Err(
                lexer.error(*position, "this line is indented less than the closing quotes of the string")
            );
        }
    }
    // The last line break belongs to the closing quotes.
    if text.ends_with('\r') {
        text.pop();
    }
    if !escapes {
        return text.chars().map(|character| allowed(lexer, start, character)).collect();
    }
    let mut inner = Lexer::new(&text);
    let mut unescaped = String::new();
    while let Some(character) = inner.next() {
        let character = if character == '\\' { escape(&mut inner, 0) } else { allowed(&inner, 0, character) };
        // The position inside the string is lost; its start is close enough.
        unescaped.push(character.map_err(|error| lexer.error(start, error.message))?);
    }
    Ok(unescaped)
}
