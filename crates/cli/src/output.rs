//! stdout: the data that a command was asked for, and nothing else.

use std::io::{ErrorKind, Write};

/// stdout cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the output: {0}")]
pub(crate) struct OutputError(#[from] std::io::Error);

impl OutputError {
    /// Whether whoever read the output has had enough (`beamship … | head`): nothing went wrong.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.0.kind() == ErrorKind::BrokenPipe
    }
}

/// Prints data. Colours in it are left out where stdout is not a terminal.
///
/// # Errors
///
/// When stdout is gone, or its disk is full.
pub(crate) fn print(data: impl AsRef<[u8]>) -> Result<(), OutputError> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(data.as_ref())?;
    Ok(stdout.flush()?)
}
