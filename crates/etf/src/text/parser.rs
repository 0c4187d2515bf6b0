//! From tokens to terms.
//!
//! `file:consult/1` parses whole expressions and then refuses what is no value (`erl_parse:normalise/1`). Here there
//! are only values from the start, so that messages can say what would have been one.

use super::bits;
use super::error::SyntaxError;
use super::lexer::Lexer;
use super::spanned::{Node, Spanned};
use super::token::{Token, TokenKind};
use crate::MAXIMUM_DEPTH;
use crate::term::{Atom, Term};
use std::ops::Range;

/// How many bits the sizes of binaries may ask for, besides 64 for every byte of text: 1 MiB.
const BITS: usize = 1 << 23;

type Parsed<T> = Result<T, SyntaxError>;

/// Reads terms from a text; looks one token ahead.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    ahead: Option<Token>,
    depth: usize,
    /// How many bits may still be asked for by the sizes of binaries.
    bits_left: usize,
    /// Where the last token that was taken ends.
    end: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            lexer: Lexer::new(text),
            ahead: None,
            depth: 0,
            bits_left: BITS.saturating_add(text.len().saturating_mul(64)),
            end: 0,
        }
    }

    /// All terms up to the end of the text.
    pub(super) fn terms(&mut self) -> Parsed<Vec<Spanned>> {
        let mut terms = Vec::new();
        while self.peek()?.kind != TokenKind::End {
            terms.push(self.term()?);
            let token = self.next()?;
            if token.kind != TokenKind::Dot {
                return Err(self.unexpected(&token, "a full stop at the end of the term"));
            }
        }
        Ok(terms)
    }

    /// One term.
    pub(super) fn term(&mut self) -> Parsed<Spanned> {
        if self.depth >= MAXIMUM_DEPTH {
            let offset = self.peek()?.span.start;
            return Err(
                self.error(offset, format!("the term is nested more deeply than {MAXIMUM_DEPTH} levels"))
            );
        }
        self.depth += 1;
        let result = self.any_term();
        self.depth -= 1;
        result
    }

    fn any_term(&mut self) -> Parsed<Spanned> {
        let token = self.next()?;
        let start = token.span.start;
        // One call for each, so that this function, which recurs, needs little stack.
        let node = match &token.kind {
            TokenKind::Symbol("{") => self.tuple(),
            TokenKind::Symbol("[") => self.list(),
            TokenKind::Symbol("#") => self.map(),
            TokenKind::Symbol("<<") => bits::binary(self),
            TokenKind::Symbol("(") => self.parenthesised(),
            TokenKind::Symbol("-") => self.signed(true),
            TokenKind::Symbol("+") => self.signed(false),
            TokenKind::Reserved(word) if word == "fun" => self.external_fun(),
            _ => self.leaf(token),
        };
        node.map(|node| Spanned { span: start..self.end, node })
    }

    /// A term that is a token, or a sequence of strings.
    fn leaf(&mut self, token: Token) -> Parsed<Node> {
        let term = match token.kind {
            TokenKind::Atom(text) => Term::atom(text),
            TokenKind::Integer(term) => term,
            TokenKind::Float(value) => Term::Float(value),
            TokenKind::Character(character) => Term::Integer(i64::from(u32::from(character))),
            TokenKind::BinarySigil(text) => Term::binary(text),
            TokenKind::StringSigil(text) => Term::string(&text),
            TokenKind::String(text) => Term::string(&self.adjacent_strings(text)?),
            TokenKind::Reserved(_)
            | TokenKind::Variable(_)
            | TokenKind::Symbol(_)
            | TokenKind::Dot
            | TokenKind::End => return Err(self.unexpected(&token, "a term")),
        };
        Ok(Node::Leaf(term))
    }

    /// The text of a string, if one comes next.
    pub(super) fn string(&mut self) -> Parsed<Option<String>> {
        Ok(match &self.peek()?.kind {
            TokenKind::String(text) => {
                let first = text.clone();
                self.next()?;
                Some(self.adjacent_strings(first)?)
            }
            TokenKind::StringSigil(text) => {
                let text = text.clone();
                self.next()?;
                Some(text)
            }
            _ => None,
        })
    }

    /// Strings that follow each other are one.
    fn adjacent_strings(&mut self, first: String) -> Parsed<String> {
        let mut text = first;
        while let TokenKind::String(more) = &self.peek()?.kind {
            text.push_str(more);
            self.next()?;
        }
        Ok(text)
    }

    /// After `{`.
    fn tuple(&mut self) -> Parsed<Node> {
        let mut elements = Vec::new();
        if !self.next_if("}")? {
            loop {
                elements.push(self.term()?);
                if self.separator(&[",", "}"])? == "}" {
                    break;
                }
            }
        }
        Ok(Node::Tuple(elements))
    }

    /// After `[`.
    fn list(&mut self) -> Parsed<Node> {
        let mut elements = Vec::new();
        let mut tail = None;
        if !self.next_if("]")? {
            loop {
                elements.push(self.term()?);
                match self.separator(&[",", "|", "]"])? {
                    "," => {}
                    "|" => {
                        tail = Some(Box::new(self.term()?));
                        self.separator(&["]"])?;
                        break;
                    }
                    _ => break,
                }
            }
        }
        Ok(Node::List(elements, tail))
    }

    /// After `#`.
    fn map(&mut self) -> Parsed<Node> {
        self.expect("{", "“{” of a map (records cannot stand here)")?;
        let mut entries = Vec::new();
        if !self.next_if("}")? {
            loop {
                let key = self.term()?;
                self.expect("=>", "“=>” between key and value of a map")?;
                entries.push((key, self.term()?));
                if self.separator(&[",", "}"])? == "}" {
                    break;
                }
            }
        }
        Ok(Node::Map(entries))
    }

    /// After `(`.
    fn parenthesised(&mut self) -> Parsed<Node> {
        let inner = self.term()?;
        self.separator(&[")"])?;
        Ok(inner.node)
    }

    /// What follows a sign: a number or a character.
    fn signed(&mut self, negative: bool) -> Parsed<Node> {
        let operand = self.term()?;
        let Node::Leaf(term @ (Term::Integer(_) | Term::BigInteger(_) | Term::Float(_))) = operand.node
        else {
            return Err(self.error(operand.span.start, "expected a number after the sign"));
        };
        // Two signs in a row are an expression, not a value.
        if self.text(&operand.span).starts_with(['-', '+']) {
            return Err(self.error(operand.span.start, "expected a number without another sign"));
        }
        Ok(Node::Leaf(if negative { term.negated() } else { term }))
    }

    /// `fun Module:Function/Arity`, after `fun`.
    fn external_fun(&mut self) -> Parsed<Node> {
        const SHAPE: &str = "Module:Function/Arity after “fun” (other funs cannot stand in a file)";
        let module = self.atom(SHAPE)?;
        self.expect(":", SHAPE)?;
        let function = self.atom(SHAPE)?;
        self.expect("/", SHAPE)?;
        let token = self.next()?;
        match &token.kind {
            TokenKind::Integer(Term::Integer(arity)) if (0..=255).contains(arity) => {
                let arity = u8::try_from(*arity).unwrap_or_default();
                Ok(Node::Leaf(Term::ExternalFun { module, function, arity }))
            }
            _ => Err(self.unexpected(&token, SHAPE)),
        }
    }

    fn atom(&mut self, expected: &str) -> Parsed<Atom> {
        let token = self.next()?;
        match token.kind {
            TokenKind::Atom(text) => Ok(Atom::new(text)),
            _ => Err(self.unexpected(&token, expected)),
        }
    }

    // Tokens.

    pub(super) fn peek(&mut self) -> Parsed<&Token> {
        let token = match self.ahead.take() {
            Some(token) => token,
            None => self.lexer.token()?,
        };
        Ok(self.ahead.insert(token))
    }

    pub(super) fn next(&mut self) -> Parsed<Token> {
        let token = match self.ahead.take() {
            Some(token) => token,
            None => self.lexer.token()?,
        };
        self.end = token.span.end;
        Ok(token)
    }

    pub(super) fn next_if(&mut self, symbol: &'static str) -> Parsed<bool> {
        let found = self.peek()?.kind == TokenKind::Symbol(symbol);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    pub(super) fn expect(&mut self, symbol: &'static str, expected: &str) -> Parsed<()> {
        let token = self.next()?;
        if token.kind == TokenKind::Symbol(symbol) { Ok(()) } else { Err(self.unexpected(&token, expected)) }
    }

    /// Takes one of these symbols, whichever comes.
    pub(super) fn separator(&mut self, symbols: &[&'static str]) -> Parsed<&'static str> {
        let token = self.next()?;
        match token.kind {
            TokenKind::Symbol(symbol) if symbols.contains(&symbol) => Ok(symbol),
            _ => {
                let expected: Vec<String> = symbols.iter().map(|symbol| format!("“{symbol}”")).collect();
                Err(self.unexpected(&token, &expected.join(" or ")))
            }
        }
    }

    /// Notes that a binary wants this many bits. `false` if that is too much.
    pub(super) fn claim_bits(&mut self, count: usize) -> bool {
        match self.bits_left.checked_sub(count) {
            Some(left) => {
                self.bits_left = left;
                true
            }
            None => false,
        }
    }

    pub(super) fn error(&self, offset: usize, message: impl Into<String>) -> SyntaxError {
        self.lexer.error(offset, message)
    }

    pub(super) fn unexpected(&self, token: &Token, expected: &str) -> SyntaxError {
        let found = token.kind.describe();
        self.error(token.span.start, format!("expected {expected}, and found {found}"))
    }

    fn text(&self, span: &Range<usize>) -> &'a str {
        self.lexer.text().get(span.clone()).unwrap_or_default()
    }
}
