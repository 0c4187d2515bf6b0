//! Integers of any size: between digits, bytes and [`Term`].
//!
//! No arithmetic, only what reading and writing needs: multiply and add one digit, divide by a power of ten. Both are
//! quadratic, therefore the size is limited ([`BigInteger::MAXIMUM_BYTES`]); Erlang programs that hold larger numbers
//! exist, but no file and no message that this crate is for contains one.

use crate::term::{BigInteger, Term};
use std::fmt;

/// The largest power of ten in a word, and how many zeros it has.
const DECIMAL_CHUNK: u32 = 1_000_000_000;
const DECIMAL_CHUNK_DIGITS: usize = 9;

impl BigInteger {
    /// The largest magnitude that is read, in bytes.
    pub const MAXIMUM_BYTES: usize = 16_384;
}

impl fmt::Display for BigInteger {
    /// The decimal digits, as Erlang writes them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words: Vec<u32> = self
            .magnitude
            .chunks(4)
            .map(|chunk| chunk.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte)))
            .collect();
        let mut chunks = Vec::new();
        while words.iter().any(|word| *word != 0) {
            chunks.push(divide(&mut words, DECIMAL_CHUNK));
            while words.last() == Some(&0) {
                words.pop();
            }
        }
        let mut chunks = chunks.into_iter().rev();
        if self.negative {
            formatter.write_str("-")?;
        }
        write!(formatter, "{}", chunks.next().unwrap_or(0))?;
        chunks.try_for_each(|chunk| write!(formatter, "{chunk:0DECIMAL_CHUNK_DIGITS$}"))
    }
}

impl Term {
    /// The integer with this sign and magnitude (least significant byte first), in whichever form it fits.
    pub fn from_magnitude(negative: bool, magnitude: &[u8]) -> Self {
        let zeros = magnitude.iter().rev().take_while(|byte| **byte == 0).count();
        let significant = magnitude.get(..magnitude.len() - zeros).unwrap_or_default();
        if significant.len() <= 8 {
            let value = significant.iter().rev().fold(0_i128, |value, byte| (value << 8) | i128::from(*byte));
            if let Ok(small) = i64::try_from(if negative { -value } else { value }) {
                return Self::Integer(small);
            }
        }
        Self::BigInteger(BigInteger { negative, magnitude: significant.to_vec() })
    }

    /// The integer with these digits in this base (2 to 36). `None` if a character is not a digit of the base, if there
    /// is none at all, or if the number is larger than [`BigInteger::MAXIMUM_BYTES`].
    pub fn from_digits(negative: bool, digits: impl IntoIterator<Item = char>, base: u32) -> Option<Self> {
        let base = base.clamp(2, 36);
        let mut words: Vec<u32> = Vec::new();
        let mut any = false;
        // As many digits at once as fit into a word.
        let (mut chunk, mut factor) = (0_u32, 1_u32);
        for digit in digits {
            any = true;
            let digit = digit.to_digit(base)?;
            match factor.checked_mul(base) {
                Some(larger) => (chunk, factor) = (chunk * base + digit, larger),
                None => {
                    multiply_add(&mut words, factor, chunk);
                    (chunk, factor) = (digit, base);
                    if words.len() * 4 > BigInteger::MAXIMUM_BYTES {
                        return None;
                    }
                }
            }
        }
        multiply_add(&mut words, factor, chunk);
        let magnitude: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        (any && magnitude.len() <= BigInteger::MAXIMUM_BYTES)
            .then(|| Self::from_magnitude(negative, &magnitude))
    }

    /// The same number with the other sign, if this is a number.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Integer(value) => match value.checked_neg() {
                Some(negated) => Self::Integer(negated),
                None => Self::from_magnitude(false, &value.unsigned_abs().to_le_bytes()),
            },
            Self::BigInteger(number) => Self::from_magnitude(!number.negative, &number.magnitude),
            Self::Float(value) => Self::Float(-value),
            other => other,
        }
    }

    /// The number as the nearest float, if this is a number and not too large for one.
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::BigInteger(number) => {
                number.to_string().parse().ok().filter(|value: &f64| value.is_finite())
            }
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// An integer in two's complement, least significant byte first, and the byte that continues it for ever.
    pub(crate) fn twos_complement(&self) -> Option<(Vec<u8>, u8)> {
        match self {
            Self::Integer(value) => Some((value.to_le_bytes().to_vec(), if *value < 0 { 0xff } else { 0 })),
            Self::BigInteger(number) if number.negative => {
                // -n = !n + 1
                let mut carry = true;
                let complement = |byte: &u8| {
                    let (sum, overflow) = (!byte).overflowing_add(u8::from(carry));
                    carry = overflow;
                    sum
                };
                Some((number.magnitude.iter().map(complement).collect(), 0xff))
            }
            Self::BigInteger(number) => Some((number.magnitude.clone(), 0)),
            _ => None,
        }
    }

    /// The integer that this float is equal to. The float must be finite and have no fraction.
    pub(crate) fn from_whole_float(value: f64) -> Self {
        let bits = value.abs().to_bits();
        let exponent = bits >> 52;
        let mantissa = if exponent == 0 { 0 } else { (bits & ((1 << 52) - 1)) | (1 << 52) };
        // value = mantissa × 2^(exponent - 1075)
        let magnitude = match usize::try_from(exponent.saturating_sub(1075)) {
            Ok(left @ 1..) => {
                let shifted = u128::from(mantissa) << (left % 8);
                let mut bytes = vec![0; left / 8];
                bytes.extend_from_slice(&shifted.to_le_bytes());
                bytes
            }
            _ => {
                let right = 1075_u64.saturating_sub(exponent).min(63);
                (mantissa >> right).to_le_bytes().to_vec()
            }
        };
        Self::from_magnitude(value.is_sign_negative(), &magnitude)
    }
}

/// `words = words × factor + digit`, least significant word first.
fn multiply_add(words: &mut Vec<u32>, factor: u32, digit: u32) {
    let mut carry = u64::from(digit);
    for word in words.iter_mut() {
        let product = u64::from(*word) * u64::from(factor) + carry;
        *word = (product & u64::from(u32::MAX)) as u32;
        carry = product >> 32;
    }
    if carry != 0 {
        words.push(carry as u32);
    }
}

/// `words = words / divisor`; the remainder is returned.
fn divide(words: &mut [u32], divisor: u32) -> u32 {
    let mut remainder = 0_u64;
    for word in words.iter_mut().rev() {
        let dividend = (remainder << 32) | u64::from(*word);
        *word = (dividend / u64::from(divisor)) as u32;
        remainder = dividend % u64::from(divisor);
    }
    remainder as u32
}

#[cfg(test)]
mod tests;
