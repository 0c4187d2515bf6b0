//! Numbers: `17`, `1_000`, `16#ff`, `1.0e-3`, and (since OTP 27) `2#1.1#e3`.

use super::error::SyntaxError;
use super::lexer::{Lexer, is_name_character};
use super::token::TokenKind;
use crate::term::Term;

/// Reads an unsigned number, whose first digit comes next.
pub(super) fn number(lexer: &mut Lexer<'_>) -> Result<TokenKind, SyntaxError> {
    let start = lexer.position();
    let whole = digits(lexer, 10);
    if lexer.rest().starts_with('#') {
        return based(lexer, start, &whole);
    }
    let mut text = whole;
    if !fraction_follows(lexer, 10) {
        end(lexer, start)?;
        return integer(lexer, start, &text, 10);
    }
    lexer.next();
    text.push('.');
    text.push_str(&digits(lexer, 10));
    if lexer.next_if(|character| matches!(character, 'e' | 'E')).is_some() {
        text.push('e');
        text.push_str(&exponent(lexer)?);
    }
    end(lexer, start)?;
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(TokenKind::Float(value)),
        _ => Err(lexer.error(start, "this number is too large for a float")),
    }
}

/// `Base#Digits`, possibly with a fraction and an exponent.
fn based(lexer: &mut Lexer<'_>, start: usize, base: &str) -> Result<TokenKind, SyntaxError> {
    let Some(base) = base.parse::<u32>().ok().filter(|base| (2..=36).contains(base)) else {
        return Err(lexer.error(start, "the base of a number must be between 2 and 36"));
    };
    lexer.next();
    let whole = digits(lexer, base);
    if whole.is_empty() {
        return Err(lexer.error(lexer.position(), format!("expected a digit of base {base} after “#”")));
    }
    if !fraction_follows(lexer, base) {
        end(lexer, start)?;
        return integer(lexer, start, &whole, base);
    }
    lexer.next();
    let fraction = digits(lexer, base);
    let mut power = 0_i32;
    if lexer.take("#") {
        if lexer.next_if(|character| matches!(character, 'e' | 'E')).is_none() {
            return Err(lexer.error(lexer.position(), "expected an exponent (e…) after the second “#”"));
        }
        power = exponent(lexer)?.parse().unwrap_or(i32::MAX);
    }
    end(lexer, start)?;
    let scale = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    let digits = format!("{whole}{fraction}");
    match based_float(&digits, base, power.saturating_sub(scale)).filter(|value| value.is_finite()) {
        Some(value) => Ok(TokenKind::Float(value)),
        None => Err(lexer.error(start, "this number is too large for a float")),
    }
}

/// `digits × base^power`, as `erl_scan` computes it: exactly up to the last step.
fn based_float(digits: &str, base: u32, power: i32) -> Option<f64> {
    let mantissa = Term::from_digits(false, digits.chars(), base)?.as_number()?;
    let scale = f64::from(base).powi(power.saturating_abs());
    Some(if power < 0 { mantissa / scale } else { mantissa * scale })
}

fn integer(lexer: &Lexer<'_>, start: usize, digits: &str, base: u32) -> Result<TokenKind, SyntaxError> {
    Term::from_digits(false, digits.chars(), base)
        .map(TokenKind::Integer)
        .ok_or_else(|| lexer.error(start, "this integer is too large"))
}

/// Digits of this base; single underscores between two of them are left out.
fn digits(lexer: &mut Lexer<'_>, base: u32) -> String {
    let mut found = String::new();
    loop {
        found.push_str(lexer.take_while(|character| character.is_digit(base)));
        let mut following = lexer.rest().chars();
        let separator =
            following.next() == Some('_') && following.next().is_some_and(|next| next.is_digit(base));
        if found.is_empty() || !separator {
            return found;
        }
        lexer.next();
    }
}

/// Whether a point and a digit come next; a point alone ends the term.
fn fraction_follows(lexer: &Lexer<'_>, base: u32) -> bool {
    let mut following = lexer.rest().chars();
    following.next() == Some('.') && following.next().is_some_and(|next| next.is_digit(base))
}

/// What follows the letter: an optional sign and at least one digit.
fn exponent(lexer: &mut Lexer<'_>) -> Result<String, SyntaxError> {
    let mut text = String::new();
    text.extend(lexer.next_if(|character| matches!(character, '+' | '-')));
    let digits = digits(lexer, 10);
    if digits.is_empty() {
        return Err(lexer.error(lexer.position(), "expected the digits of the exponent"));
    }
    text.push_str(&digits);
    Ok(text)
}

/// A number must not run into a name.
fn end(lexer: &Lexer<'_>, start: usize) -> Result<(), SyntaxError> {
    match lexer.peek().filter(|character| is_name_character(*character)) {
        Some(character) => Err(lexer.error(start, format!("{character:?} cannot follow this number"))),
        None => Ok(()),
    }
}
