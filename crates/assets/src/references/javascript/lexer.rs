//! Tokens of JavaScript.

use std::ops::Range;

/// A piece of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word(Range<usize>),
    /// A string, or a template without expressions: the bytes between the quotes. None when it holds an escape.
    Text(Option<Range<usize>>),
    /// A template with expressions, a number, or a regular expression.
    Value,
    /// One character of punctuation.
    Mark(u8),
    /// What `//# sourceMappingURL=` names.
    SourceMap(Range<usize>),
}

/// What an open bracket belongs to, as far as it tells what a slash behind the closing one means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    /// `if (`, `while (`, `for (`, `with (`: a statement follows.
    Condition,
    /// Any other parenthesis, and `[`: a value.
    Expression,
    /// `{` of a block: a statement follows.
    Block,
    /// `{` of an object.
    Object,
    /// `${` in a template, which goes on behind the closing bracket.
    Template,
}

/// Cuts a script into tokens.
pub(super) struct Lexer<'a> {
    content: &'a [u8],
    at: usize,
    brackets: Vec<Bracket>,
    /// Whether a slash here begins a regular expression.
    operand_expected: bool,
    /// Whether the last token was `if`, `while`, `for` or `with`.
    condition_expected: bool,
    /// Whether a `{` here opens a block.
    block_expected: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self {
            content,
            at: 0,
            brackets: Vec::new(),
            operand_expected: true,
            condition_expected: false,
            block_expected: true,
        }
    }

    /// The next token; none at the end.
    pub(super) fn next_token(&mut self) -> Option<Token> {
        loop {
            let byte = self.peek(0)?;
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b'\x0b' | b'\x0c' => self.at += 1,
                b'/' if matches!(self.peek(1), Some(b'/' | b'*')) => {
                    if let Some(range) = self.comment() {
                        return Some(Token::SourceMap(range));
                    }
                }
                b'/' if self.operand_expected => {
                    self.regular_expression();
                    return Some(self.value(Token::Value));
                }
                b'"' | b'\'' => {
                    let text = self.string(byte);
                    return Some(self.value(Token::Text(text)));
                }
                b'`' => {
                    self.at += 1;
                    return Some(self.template(true));
                }
                byte if is_word(byte) => return Some(self.word()),
                _ => return Some(self.mark(byte)),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.content.get(self.at + ahead).copied()
    }

    /// After a value a slash is a division.
    fn value(&mut self, token: Token) -> Token {
        self.expect(false, false, false);
        token
    }

    fn expect(&mut self, operand: bool, condition: bool, block: bool) {
        self.operand_expected = operand;
        self.condition_expected = condition;
        self.block_expected = block;
    }

    fn word(&mut self) -> Token {
        let start = self.at;
        while self.peek(0).is_some_and(is_word) {
            self.at += 1;
        }
        let word = &self.content[start..self.at];
        if word[0].is_ascii_digit() {
            return self.value(Token::Value);
        }
        let after_dot = self.content[..start].last() == Some(&b'.');
        match word {
            _ if after_dot => self.expect(false, false, false),
            b"if" | b"while" | b"for" | b"with" => self.expect(false, true, false),
            b"else" | b"do" | b"try" | b"finally" => self.expect(true, false, true),
            b"return" | b"typeof" | b"case" | b"in" | b"of" | b"delete" | b"void" | b"throw" | b"new"
            | b"instanceof" | b"yield" | b"await" | b"default" | b"extends" => {
                self.expect(true, false, false);
            }
            // A class, a label or a function has its name before the bracket; an object never has.
            _ => self.expect(false, false, true),
        }
        Token::Word(start..self.at)
    }

    fn mark(&mut self, byte: u8) -> Token {
        self.at += 1;
        match byte {
            b'(' => {
                let condition = self.condition_expected;
                self.brackets.push(if condition { Bracket::Condition } else { Bracket::Expression });
                self.expect(true, false, false);
            }
            b'[' => {
                self.brackets.push(Bracket::Expression);
                self.expect(true, false, false);
            }
            b'{' => {
                let block = self.block_expected;
                self.brackets.push(if block { Bracket::Block } else { Bracket::Object });
                self.expect(true, false, block);
            }
            b')' | b']' | b'}' => match self.brackets.pop() {
                Some(Bracket::Template) if byte == b'}' => return self.template(false),
                Some(Bracket::Condition | Bracket::Block) => self.expect(true, false, true),
                // `(a, b) {` is the body of a function, `(a) / b` a division.
                _ => self.expect(false, false, byte == b')'),
            },
            b'+' | b'-' if self.peek(0) == Some(byte) => {
                // Behind `a++` comes an operator, behind `++` a name: what was expected before still is.
                self.at += 1;
            }
            b';' => self.expect(true, false, true),
            b'>' if self.content[..self.at - 1].last() == Some(&b'=') => self.expect(true, false, true),
            _ => self.expect(true, false, false),
        }
        Token::Mark(byte)
    }

    /// A string; a line break ends one that was forgotten.
    fn string(&mut self, quote: u8) -> Option<Range<usize>> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                b'\n' => return None,
                byte if byte == quote => {
                    self.at += 1;
                    return (!escaped).then(|| start..self.at - 1);
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.content.len();
        None
    }

    /// A template up to its end or its next expression. It is a text when it `begins` here and has no expression.
    fn template(&mut self, begins: bool) -> Token {
        let start = self.at;
        let mut escaped = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                b'`' => {
                    self.at += 1;
                    let text = (begins && !escaped).then(|| start..self.at - 1);
                    return self.value(if begins { Token::Text(text) } else { Token::Value });
                }
                b'$' if self.peek(1) == Some(b'{') => {
                    self.at += 2;
                    self.brackets.push(Bracket::Template);
                    self.expect(true, false, false);
                    return Token::Value;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.content.len();
        Token::Value
    }

    fn regular_expression(&mut self) {
        self.at += 1;
        let mut in_class = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.at += 1;
                    while self.peek(0).is_some_and(is_word) {
                        self.at += 1;
                    }
                    return;
                }
                // It was none.
                b'\n' => return,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.content.len();
    }

    /// Passes over a comment, and gives the source map that it names.
    fn comment(&mut self) -> Option<Range<usize>> {
        const MAP: &[u8] = b"sourceMappingURL=";
        let start = self.at + 2;
        let end = if self.peek(1) == Some(b'*') {
            let end = super::super::find(self.content, b"*/", start).unwrap_or(self.content.len());
            self.at = (end + 2).min(self.content.len());
            end
        } else {
            let end = super::super::find(self.content, b"\n", start).unwrap_or(self.content.len());
            self.at = end;
            end
        };
        let comment = self.content.get(start..end)?;
        let rest = comment.strip_prefix(b"#").or_else(|| comment.strip_prefix(b"@"))?.trim_ascii_start();
        let name = rest.strip_prefix(MAP)?.trim_ascii_start();
        let from = end - name.len();
        let length = name.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        (length > 0).then(|| from..from + length)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#') || byte >= 0x80
}
