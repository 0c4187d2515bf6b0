//! Where a configuration asks for variables, and under which conditions.

use super::condition::Condition;
use super::token::{LocatedToken, Token, tokens};

/// A place where variables are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetch<'t> {
    /// The variables; where there are several, one of them is enough.
    pub(super) names: Vec<&'t str>,
    /// Whether the start fails without.
    pub(super) is_required: bool,
    pub(super) line: usize,
    /// All of them have to be met for it to be evaluated.
    pub(super) conditions: Vec<Condition<'t>>,
}

/// All places of a source, in order.
pub(super) fn fetches(source: &str) -> Vec<Fetch<'_>> {
    let tokens = tokens(source);
    let mut walk = Walk { tokens: &tokens, depth: 0, openers: Vec::new(), blocks: Vec::new(), inline: None };
    let mut fetches = Vec::new();
    let mut alternatives = Vec::new();
    for index in 0..tokens.len() {
        if !alternatives.contains(&index)
            && let Some(fetch) = walk.fetch_at(index, &mut alternatives)
        {
            fetches.push(fetch);
        }
        walk.step(index);
    }
    fetches
}

/// A part of the source that is evaluated under a condition.
#[derive(Clone, Copy, Debug)]
struct Block<'t> {
    condition: Condition<'t>,
    /// None for `do … end`; for `do: …` how many brackets were open.
    inline_at: Option<usize>,
}

struct Walk<'w, 't> {
    tokens: &'w [LocatedToken<'t>],
    /// Brackets that are open.
    depth: usize,
    /// `if` and its like whose `do` has not come yet, and whether it is understood.
    openers: Vec<(usize, &'t str)>,
    blocks: Vec<Block<'t>>,
    /// The condition of the `do: …` that has just ended: `else:` may follow.
    inline: Option<Condition<'t>>,
}

/// What may be followed by `do`.
const OPENERS: [&str; 11] =
    ["if", "unless", "case", "cond", "with", "for", "try", "receive", "quote", "def", "defp"];

/// More tokens than a condition, or the arguments of a call, ever have. What is longer is not understood, and costs no time.
const LONGEST: usize = 500;

/// More blocks in each other than anybody writes. Those further inside count as unconditional ones of the last.
const DEEPEST: usize = 64;

impl<'t> Walk<'_, 't> {
    fn token(&self, index: usize) -> Option<Token<'t>> {
        self.tokens.get(index).map(|located| located.token)
    }

    fn step(&mut self, index: usize) {
        match self.tokens[index].token {
            Token::Word(word) if OPENERS.contains(&word) => self.openers.push((index, word)),
            Token::Word("fn") => self.open(Condition::UNKNOWN, None),
            Token::Word("do") => {
                let condition = self.opened(index);
                self.open(condition, None);
            }
            Token::Word("else") => {
                if let Some(block) = self.blocks.iter_mut().rfind(|block| block.inline_at.is_none()) {
                    block.condition = block.condition.negated();
                }
            }
            Token::Word("end") => {
                if let Some(last) = self.blocks.iter().rposition(|block| block.inline_at.is_none()) {
                    self.blocks.truncate(last);
                }
            }
            Token::Key("do") => {
                let condition = self.opened(index);
                self.inline = Some(condition);
                self.open(condition, Some(self.depth));
            }
            Token::Key("else") => {
                let earlier = self.end_inline(self.depth).or(self.inline);
                let condition = earlier.map_or(Condition::UNKNOWN, Condition::negated);
                self.open(condition, Some(self.depth));
            }
            Token::Other('(' | '[' | '{') => self.depth += 1,
            Token::Other(')' | ']' | '}') => {
                self.depth = self.depth.saturating_sub(1);
                self.end_inline(self.depth + 1);
            }
            Token::Newline if !self.goes_on(index) => {
                self.end_inline(self.depth);
            }
            _ => {}
        }
    }

    /// The condition of the construct that a `do` belongs to.
    fn opened(&mut self, index: usize) -> Condition<'t> {
        match self.openers.pop() {
            Some((opener, word @ ("if" | "unless"))) if index - opener < LONGEST => {
                let condition = Condition::of(&self.tokens[opener + 1..index]);
                if word == "if" { condition } else { condition.negated() }
            }
            _ => Condition::UNKNOWN,
        }
    }

    fn open(&mut self, condition: Condition<'t>, inline_at: Option<usize>) {
        if self.blocks.len() < DEEPEST {
            self.blocks.push(Block { condition, inline_at });
        }
    }

    /// Ends `do: …` where at least so many brackets were open; returns the condition of the outermost.
    fn end_inline(&mut self, depth: usize) -> Option<Condition<'t>> {
        let mut ended = None;
        while let Some(Block { condition, inline_at: Some(at) }) = self.blocks.last().copied()
            && at >= depth
        {
            ended = Some(condition);
            self.blocks.pop();
        }
        ended
    }

    /// Whether an expression goes on after this end of a line.
    fn goes_on(&self, index: usize) -> bool {
        let before = index.checked_sub(1).and_then(|index| self.token(index));
        let after = self.token(self.behind_newlines(index));
        matches!(
            before,
            Some(Token::Key(_) | Token::Newline | Token::Other(',' | '|' | '=' | '>' | '&' | '+'))
        ) || matches!(after, Some(Token::Other('|') | Token::Key("else")))
    }

    fn behind_newlines(&self, mut index: usize) -> usize {
        while self.token(index) == Some(Token::Newline) {
            index += 1;
        }
        index
    }

    /// A call that begins here: `System.fetch_env!("X")`, `"X" |> System.fetch_env!()`,
    /// `System.get_env("X") || System.get_env("Y") || raise …`. Where the others in such a row begin is noted.
    fn fetch_at(&self, index: usize, alternatives: &mut Vec<usize>) -> Option<Fetch<'t>> {
        let (name, mut is_required, mut end) = self.call_at(index)?;
        let mut names = vec![name];
        if alternatives.last().is_none_or(|last| *last < index) {
            alternatives.clear();
        }
        while !is_required && let Some(next) = self.behind_or(end) {
            let inner = if self.token(next) == Some(Token::Other('(')) { next + 1 } else { next };
            if matches!(self.token(inner), Some(Token::Word("raise" | "exit" | "throw" | "System.halt"))) {
                is_required = true;
            } else if let Some((name, required, behind)) = self.call_at(next) {
                names.push(name);
                alternatives.push(next);
                is_required = required;
                end = behind;
            } else {
                break;
            }
        }
        let conditions = self.blocks.iter().map(|block| block.condition).collect();
        Some(Fetch { names, is_required, line: self.tokens[index].line, conditions })
    }

    /// The token behind `||`, if that comes next.
    fn behind_or(&self, index: usize) -> Option<usize> {
        let index = self.behind_newlines(index);
        let bar = Some(Token::Other('|'));
        (self.token(index) == bar && self.token(index + 1) == bar).then(|| self.behind_newlines(index + 2))
    }

    /// One call: the variable, whether the start fails without it, and the token behind it.
    fn call_at(&self, index: usize) -> Option<(&'t str, bool, usize)> {
        let pipe = [Some(Token::Other('|')), Some(Token::Other('>'))];
        let is_piped = index >= 2 && [self.token(index - 2), self.token(index - 1)] == pipe;
        let (function, name, arguments) = match self.token(index)? {
            Token::Word(_) if is_piped => return None,
            Token::Word(function) if self.token(index + 1) == Some(Token::Other('(')) => {
                let Some(Token::Text(name)) = self.token(self.behind_newlines(index + 2)) else {
                    return None;
                };
                (function, name, index + 1)
            }
            Token::Word(function) => {
                let Some(Token::Text(name)) = self.token(index + 1) else { return None };
                (function, name, index)
            }
            Token::Text(name) => {
                let next = self.behind_newlines(index + 1);
                if [self.token(next), self.token(next + 1)] != pipe {
                    return None;
                }
                let Some(Token::Word(function)) = self.token(next + 2) else { return None };
                (function, name, next + 3)
            }
            _ => return None,
        };
        let is_required = match function {
            "System.fetch_env!" => true,
            "System.get_env" | "System.fetch_env" => false,
            _ => return None,
        };
        let is_called = self.token(arguments) == Some(Token::Other('('));
        Some((
            name,
            is_required,
            if is_called { self.behind_brackets(arguments) } else { arguments.max(index + 2) },
        ))
    }

    /// The token behind the bracket that belongs to the one here.
    fn behind_brackets(&self, index: usize) -> usize {
        let mut depth = 0;
        for (offset, located) in self.tokens.iter().enumerate().skip(index).take(LONGEST) {
            match located.token {
                Token::Other('(' | '[' | '{') => depth += 1,
                Token::Other(')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return offset + 1;
            }
        }
        self.tokens.len().min(index + LONGEST)
    }
}
