//! Random numbers that cannot be guessed.

use crate::failure::Failure;

/// 16 hexadecimal digits.
pub(crate) fn random() -> Result<String, Failure> {
    digits().map_err(|error| Failure::new(format!("cannot get random bytes: {error}")))
}

/// The same, for callers that report the error together with others.
pub(crate) fn digits() -> std::io::Result<String> {
    Ok(format!("{:016x}", getrandom::u64()?))
}
