//! Conditions under which a part of a configuration is evaluated.

use super::token::{LocatedToken, Token};

/// What `if` asks, as far as it can be answered without evaluating anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question<'t> {
    /// `config_env() == :prod`.
    Environment(&'t str),
    /// `System.get_env("X")`, also with a name: `x = System.get_env("X")`.
    Variable(&'t str),
    /// Anything else.
    Unknown,
}

/// A question and the answer that leads here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition<'t> {
    pub(super) question: Question<'t>,
    pub(super) answer: bool,
}

impl<'t> Condition<'t> {
    /// One of which nothing is known.
    pub(super) const UNKNOWN: Self = Self { question: Question::Unknown, answer: true };

    /// From the tokens between `if` and `do`.
    pub(super) fn of(tokens: &[LocatedToken<'t>]) -> Self {
        let mut code: Vec<Token<'t>> =
            tokens.iter().map(|located| located.token).filter(|token| *token != Token::Newline).collect();
        // The comma before `do:`.
        if code.last() == Some(&Token::Other(',')) {
            code.pop();
        }
        match &code[..] {
            [Token::Other('('), inner @ .., Token::Other(')')] => code = inner.to_vec(),
            // `if(…, do: …)`: the bracket is closed after that.
            [Token::Other('('), inner @ ..] => code = inner.to_vec(),
            _ => {}
        }
        use Token::{Other, Text, Word};
        let is = |answer, question| Self { question, answer };
        match &code[..] {
            [
                Word("config_env"),
                Other('('),
                Other(')'),
                Other(first),
                Other('='),
                Other(':'),
                Word(name),
            ] if matches!(first, '=' | '!') => is(*first == '=', Question::Environment(name)),
            [Word("System.get_env"), Other('('), Text(name), Other(')')]
            | [Word(_), Other('='), Word("System.get_env"), Other('('), Text(name), Other(')')] => {
                is(true, Question::Variable(name))
            }
            _ => Self::UNKNOWN,
        }
    }

    /// That of the other branch.
    pub(super) fn negated(self) -> Self {
        Self { answer: !self.answer, ..self }
    }

    /// Whether it is met; nothing where that cannot be known.
    pub(super) fn is_met(&self, environment: &str, is_set: &dyn Fn(&str) -> bool) -> Option<bool> {
        let answer = match self.question {
            Question::Environment(name) => name == environment,
            Question::Variable(name) => is_set(name),
            Question::Unknown => return None,
        };
        Some(answer == self.answer)
    }
}
