//! Numbers that nobody can guess.

use crate::failure::Failure;

/// 16 hexadecimal digits.
pub(crate) fn random() -> Result<String, Failure> {
    digits().map_err(|error| Failure::new(format!("cannot get random bytes: {error}")))
}

/// The same, for who reports the error with others.
pub(crate) fn digits() -> std::io::Result<String> {
    Ok(format!("{:016x}", getrandom::u64()?))
}
