//! What a command prints on standard output.
//!
//! A disk that is full or a reader that is gone is a failure like any other: it names what could not be done.

use std::io::Write;
use std::process::ExitCode;

use crate::failure::Failure;

/// Prints a text, whole lines; with that the command has succeeded.
pub(crate) fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    let mut output = std::io::stdout().lock();
    output
        .write_all(text)
        .and_then(|()| output.flush())
        .map_err(|error| Failure::new(format!("cannot write the output: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
