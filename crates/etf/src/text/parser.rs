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

type Parsed<T> = Result<T, SyntaxError>;

/// Reads terms from a text; looks one token ahead.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    ahead: Option<Token>,
    depth: usize,
    /// Where the last token that was taken ends.
    end: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { lexer: Lexer::new(text), ahead: None, depth: 0, end: 0 }
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
        let node = match token.kind {
            TokenKind::Symbol("{") => Node::Tuple(self.elements("}")?),
            TokenKind::Symbol("[") => self.list()?,
            TokenKind::Symbol("#") => {
                self.expect("{", "“{” of a map (records cannot stand here)")?;
                self.map()?
            }
            TokenKind::Symbol("<<") => Node::Leaf(bits::binary(self, start)?),
            TokenKind::Symbol("(") => {
                let inner = self.term()?;
                self.expect(")", "“)”")?;
                inner.node
            }
            TokenKind::Symbol(sign @ ("-" | "+")) => Node::Leaf(self.signed(sign == "-")?),
            TokenKind::Reserved(ref word) if word == "fun" => Node::Leaf(self.external_fun()?),
            kind => match self.leaf(kind)? {
                Ok(term) => Node::Leaf(term),
                Err(kind) => return Err(self.unexpected(&Token { span: token.span, kind }, "a term")),
            },
        };
        Ok(Spanned { span: start..self.end, node })
    }

    /// A term that starts with a token of its own; the token comes back if it does not.
    fn leaf(&mut self, kind: TokenKind) -> Parsed<Result<Term, TokenKind>> {
        Ok(Ok(match kind {
            TokenKind::Atom(text) => Term::atom(text),
            TokenKind::Integer(term) => term,
            TokenKind::Float(value) => Term::Float(value),
            TokenKind::Character(character) => Term::Integer(i64::from(u32::from(character))),
            TokenKind::BinarySigil(text) => Term::binary(text),
            TokenKind::String(text) => Term::string(&self.adjacent_strings(text)?),
            other => return Ok(Err(other)),
        }))
    }

    /// Strings that follow each other are one.
    pub(super) fn adjacent_strings(&mut self, first: String) -> Parsed<String> {
        let mut text = first;
        while let TokenKind::String(more) = &self.peek()?.kind {
            text.push_str(more);
            self.next()?;
        }
        Ok(text)
    }

    fn elements(&mut self, close: &'static str) -> Parsed<Vec<Spanned>> {
        let mut elements = Vec::new();
        if self.next_if(close)? {
            return Ok(elements);
        }
        loop {
            elements.push(self.term()?);
            if self.next_if(close)? {
                return Ok(elements);
            }
            self.expect(",", &format!("“,” or “{close}”"))?;
        }
    }

    fn list(&mut self) -> Parsed<Node> {
        let mut elements = Vec::new();
        if self.next_if("]")? {
            // `[]` has no parts.
            return Ok(Node::List(elements, None));
        }
        loop {
            elements.push(self.term()?);
            if self.next_if("]")? {
                return Ok(Node::List(elements, None));
            }
            if self.next_if("|")? {
                let tail = self.term()?;
                self.expect("]", "“]”")?;
                return Ok(Node::List(elements, Some(Box::new(tail))));
            }
            self.expect(",", "“,”, “|” or “]”")?;
        }
    }

    fn map(&mut self) -> Parsed<Node> {
        let mut entries = Vec::new();
        if self.next_if("}")? {
            return Ok(Node::Map(entries));
        }
        loop {
            let key = self.term()?;
            self.expect("=>", "“=>” between key and value of a map")?;
            entries.push((key, self.term()?));
            if self.next_if("}")? {
                return Ok(Node::Map(entries));
            }
            self.expect(",", "“,” or “}”")?;
        }
    }

    /// What follows a sign: a number or a character.
    pub(super) fn signed(&mut self, negative: bool) -> Parsed<Term> {
        let operand = self.term()?;
        let term = match operand.node {
            Node::Leaf(term @ (Term::Integer(_) | Term::BigInteger(_) | Term::Float(_))) => term,
            _ => return Err(self.error(operand.span.start, "expected a number after the sign")),
        };
        // Two signs in a row are an expression, not a value.
        if self.text(&operand.span).starts_with(['-', '+']) {
            return Err(self.error(operand.span.start, "expected a number without another sign"));
        }
        Ok(if negative { term.negated() } else { term })
    }

    /// `fun Module:Function/Arity`, after `fun`.
    fn external_fun(&mut self) -> Parsed<Term> {
        const SHAPE: &str = "Module:Function/Arity after “fun” (other funs cannot stand in a file)";
        let module = self.atom(SHAPE)?;
        self.expect(":", SHAPE)?;
        let function = self.atom(SHAPE)?;
        self.expect("/", SHAPE)?;
        let token = self.next()?;
        match &token.kind {
            TokenKind::Integer(Term::Integer(arity)) if (0..=255).contains(arity) => {
                let arity = u8::try_from(*arity).unwrap_or_default();
                Ok(Term::ExternalFun { module, function, arity })
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
