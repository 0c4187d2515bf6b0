//! The sequences of tokens that name a file.

use std::ops::Range;

use super::super::{Purpose, Reference};
use super::lexer::Token;

/// Collects references while tokens go by.
#[derive(Default)]
pub(super) struct Recognizer {
    pub(super) references: Vec<Reference>,
    module: Module,
    url: Url,
    after_dot: bool,
}

/// How far an import or export has been read.
#[derive(Clone, Default, PartialEq, Eq)]
enum Module {
    #[default]
    Outside,
    /// `import`
    Import,
    /// `import(`
    Call,
    /// `import("…"`, which is a name unless something is added to it.
    Argument(Range<usize>),
    /// `export`
    Export,
    /// Between `import` or `export` and `from`; within braces or not.
    Clause { braces: bool },
    /// Behind the closing brace of a clause, where only `from` goes on.
    Closed,
    /// `from`
    From,
}

/// How much of `new URL("…", import.meta.url)` has been read.
#[derive(Clone, Default, PartialEq, Eq)]
struct Url {
    /// Number of tokens that match.
    matched: usize,
    name: Option<Range<usize>>,
}

/// The tokens of such an expression behind `new`.
const URL: [&[u8]; 9] = [b"URL", b"(", b"", b",", b"import", b".", b"meta", b".", b"url"];

impl Recognizer {
    pub(super) fn see(&mut self, content: &[u8], token: &Token) {
        let word = match token {
            Token::Word(range) => &content[range.clone()],
            _ => &[][..],
        };
        self.see_module(token, word);
        self.see_url(token, word);
        self.after_dot = *token == Token::Mark(b'.');
    }

    fn see_module(&mut self, token: &Token, word: &[u8]) {
        use Module::{Argument, Call, Clause, Closed, Export, From, Import, Outside};
        let state = std::mem::take(&mut self.module);
        self.module = match (state, token) {
            (Import | From, Token::Text(Some(range))) => {
                self.found(range.clone(), Purpose::Module);
                Outside
            }
            (Import, Token::Mark(b'(')) => Call,
            (Import | Export, Token::Mark(b'{')) => Clause { braces: true },
            (Import | Export, Token::Mark(b'*')) => Clause { braces: false },
            (Import, Token::Word(_)) => Clause { braces: false },
            (Call, Token::Text(Some(range))) => Argument(range.clone()),
            (Argument(range), Token::Mark(b')' | b',')) => {
                self.found(range, Purpose::Module);
                Outside
            }
            (Clause { braces: false } | Closed, Token::Word(_)) if word == b"from" => From,
            (Clause { braces: true }, Token::Mark(b'}')) => Closed,
            (Clause { braces: false }, Token::Mark(b'{')) => Clause { braces: true },
            (Clause { braces: true }, Token::Word(_) | Token::Text(_) | Token::Mark(b',')) => {
                Clause { braces: true }
            }
            (Clause { braces: false }, Token::Word(_) | Token::Mark(b',' | b'*')) => Clause { braces: false },
            // `import from from "…"`
            (From, Token::Word(_)) if word == b"from" => From,
            (_, Token::Word(_)) if word == b"import" && !self.after_dot => Import,
            (_, Token::Word(_)) if word == b"export" && !self.after_dot => Export,
            _ => Outside,
        };
    }

    fn see_url(&mut self, token: &Token, word: &[u8]) {
        let state = std::mem::take(&mut self.url);
        if word == b"new" && !self.after_dot {
            self.url.matched = 1;
            return;
        }
        if state.matched == 0 {
            return;
        }
        let expected = URL[state.matched - 1];
        let mut name = state.name;
        let matches = match token {
            Token::Text(Some(range)) if expected.is_empty() => {
                name = Some(range.clone());
                true
            }
            Token::Mark(mark) => expected == [*mark],
            Token::Word(_) => word == expected,
            _ => false,
        };
        if !matches {
            return;
        }
        if state.matched < URL.len() {
            self.url = Url { matched: state.matched + 1, name };
        } else if let Some(range) = name {
            self.found(range, Purpose::Url);
        }
    }

    fn found(&mut self, range: Range<usize>, purpose: Purpose) {
        // `import ""` names nothing.
        if !range.is_empty() {
            self.references.push(Reference { range, purpose });
        }
    }
}
