//! Random bytes, for cookies and other secrets.

use anyhow::Context;

/// Bytes from the operating system's random source.
///
/// # Errors
///
/// When it has none.
pub(crate) fn bytes(count: usize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).context("cannot get random bytes")?;
    Ok(bytes)
}
