//! Terms as text on one line, after `io_lib:write/1`, and the pieces of text that pretty printing shares with it.

use super::lexer::{RESERVED, is_name_character, starts_atom};
use super::style::Style;
use crate::term::{Atom, Term};
use std::fmt::Write as _;

/// The term as `io_lib:format("~tw", [Term])` writes it, in the style of the newest OTP.
pub fn plain(term: &Term) -> String {
    plain_with(term, &Style::default())
}

/// [`plain`] in a given style.
///
/// Pids, references and ports are written as on their own node; a local fun has no text, and something is written that
/// cannot be read back.
pub fn plain_with(term: &Term, style: &Style) -> String {
    let mut output = String::new();
    write_plain(term, style, &mut output);
    output
}

fn write_plain(term: &Term, style: &Style, output: &mut String) {
    match term {
        Term::Binary(bytes) => output.push_str(&bytes_between_brackets(bytes, 8)),
        Term::Bitstring(bytes, bits) => output.push_str(&bytes_between_brackets(bytes, *bits)),
        Term::Tuple(elements) => {
            output.push('{');
            write_elements(elements, style, output);
            output.push('}');
        }
        Term::List(elements) => {
            output.push('[');
            write_elements(elements, style, output);
            output.push(']');
        }
        Term::ImproperList(elements, tail) => {
            output.push('[');
            write_elements(elements, style, output);
            output.push('|');
            write_plain(tail, style, output);
            output.push(']');
        }
        Term::Map(entries) => {
            output.push_str("#{");
            for (number, (key, value)) in entries.iter().enumerate() {
                if number > 0 {
                    output.push(',');
                }
                write_plain(key, style, output);
                output.push_str(" => ");
                write_plain(value, style, output);
            }
            output.push('}');
        }
        simple => output.push_str(&simple_text(simple, style)),
    }
}

fn write_elements(elements: &[Term], style: &Style, output: &mut String) {
    for (number, element) in elements.iter().enumerate() {
        if number > 0 {
            output.push(',');
        }
        write_plain(element, style, output);
    }
}

/// A term without parts; empty for one with parts.
pub(super) fn simple_text(term: &Term, style: &Style) -> String {
    match term {
        Term::Integer(value) => value.to_string(),
        Term::BigInteger(number) => number.to_string(),
        Term::Float(value) => float(*value),
        Term::Atom(name) => atom(name, style),
        Term::ExternalFun { module, function, arity } => {
            format!("fun {}:{}/{arity}", fun_atom(module, style), fun_atom(function, style))
        }
        Term::Pid { id, serial, .. } => format!("<0.{id}.{serial}>"),
        Term::Port { id, .. } => format!("#Port<0.{id}>"),
        Term::Reference { words, .. } => {
            let words = words.iter().rev().map(u32::to_string).collect::<Vec<_>>();
            format!("#Ref<0.{}>", words.join("."))
        }
        Term::Opaque(bytes) => format!("#Opaque<{} bytes>", bytes.len()),
        Term::Binary(_)
        | Term::Bitstring(..)
        | Term::Tuple(_)
        | Term::List(_)
        | Term::ImproperList(..)
        | Term::Map(_) => String::new(),
    }
}

/// An atom, quoted where Erlang demands it (`io_lib:write_atom/1`).
pub(super) fn atom(atom: &Atom, style: &Style) -> String {
    let text = atom.as_str();
    let reserved = RESERVED.contains(&text) || (style.maybe_is_reserved && matches!(text, "maybe" | "else"));
    let bare = !reserved && text.starts_with(starts_atom) && text.chars().all(is_name_character);
    if bare { text.to_owned() } else { quoted(text.chars(), '\'') }
}

/// An atom in the name of a fun. The virtual machine writes these, not `io_lib`, and it quotes `@` too. Otherwise it
/// makes text that cannot be read back (reserved words without quotes, UTF-8 as if it were Latin-1), which is not
/// imitated.
fn fun_atom(name: &Atom, style: &Style) -> String {
    let text = atom(name, style);
    if text.starts_with('\'') || !text.contains('@') { text } else { format!("'{text}'") }
}

/// Text between quotes (`io_lib:write_string/2`).
pub(super) fn quoted(text: impl IntoIterator<Item = char>, quote: char) -> String {
    let mut output = String::from(quote);
    for character in text {
        match character {
            '\\' => output.push_str("\\\\"),
            character if character == quote => output.extend(['\\', quote]),
            ' '..='~' | '\u{a0}'.. => output.push(character),
            '\n' => output.push_str("\\n"),
            '\r' => output.push_str("\\r"),
            '\t' => output.push_str("\\t"),
            '\u{b}' => output.push_str("\\v"),
            '\u{8}' => output.push_str("\\b"),
            '\u{c}' => output.push_str("\\f"),
            '\u{1b}' => output.push_str("\\e"),
            '\u{7f}' => output.push_str("\\d"),
            // Writing to a string cannot fail.
            control => drop(write!(output, "\\{:03o}", u32::from(control))),
        }
    }
    output.push(quote);
    output
}

/// The segments of a binary that is not text: one for each byte; the last may be `Value:Bits`.
pub(super) fn segments(bytes: &[u8], last_bits: u8) -> Vec<String> {
    let mut segments: Vec<String> = bytes.iter().map(u8::to_string).collect();
    if let (1..=7, Some(last), Some(byte)) = (last_bits, segments.last_mut(), bytes.last()) {
        *last = format!("{}:{last_bits}", byte >> (8 - last_bits));
    }
    segments
}

fn bytes_between_brackets(bytes: &[u8], last_bits: u8) -> String {
    format!("<<{}>>", segments(bytes, last_bits).join(","))
}

/// The shortest digits that give the same float (`float_to_list(Value, [short])`).
///
/// Up to 2⁵³ the shorter of the two notations is used, decimal if they are equally long; beyond, where floats are no
/// longer exact integers, always the scientific one.
fn float(value: f64) -> String {
    let (digits, exponent) = shortest_digits(value.abs());
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let or_zero = |fraction: &str| if fraction.is_empty() { "0".to_owned() } else { fraction.to_owned() };
    let (first, rest) = digits.split_at(1);
    let scientific = format!("{sign}{first}.{}e{exponent}", or_zero(rest));
    // Beyond 2^53 the decimal notation is not used, and its many zeros are not written.
    if value.abs() >= 9_007_199_254_740_992.0 {
        return scientific;
    }
    let decimal = match usize::try_from(exponent) {
        Ok(exponent) => {
            let digits = format!("{digits:0<width$}", width = exponent + 1);
            let (whole, fraction) = digits.split_at(exponent + 1);
            format!("{sign}{whole}.{}", or_zero(fraction))
        }
        Err(_) => {
            let zeros = usize::try_from(-1 - exponent).unwrap_or_default();
            format!("{sign}0.{}{digits}", "0".repeat(zeros))
        }
    };
    if decimal.len() <= scientific.len() { decimal } else { scientific }
}

/// The digits of a positive float, and the power of ten of the first one.
///
/// Where two numbers of the same number of digits are equally near, Rust takes the larger one and OTP the even one, as
/// rounding to so many digits does.
fn shortest_digits(value: f64) -> (String, i32) {
    let shortest = format!("{value:e}");
    let digits = shortest.split('e').next().unwrap_or_default().bytes().filter(u8::is_ascii_digit).count();
    let rounded = format!("{value:.*e}", digits.saturating_sub(1));
    let text = if rounded.parse() == Ok(value) { rounded } else { shortest };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or_default())
}
