//! Errors, as the user sees them: once, on stderr, with what to do next, and with an exit status that is not 0.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::interruption::Interrupted;
use crate::output::OutputError;

/// Mix has said all there is to say; its output has been passed on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct AlreadyExplained(pub(crate) String);

/// The user was asked and said no.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Declined(pub(crate) String);

/// Prints an error with what caused it and gives the exit status.
pub(crate) fn print(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<OutputError>().is_some_and(OutputError::is_broken_pipe) {
        return ExitCode::SUCCESS;
    }
    let mut text = String::new();
    for (index, cause) in error.chain().enumerate() {
        // Transparent wrappers repeat what they wrap.
        let line = cause.to_string();
        if text.contains(&line) {
            continue;
        }
        if index > 0 {
            text.push_str(": ");
        }
        text.push_str(&line);
    }
    let colour = std::io::stderr().is_terminal();
    let (red, reset) = if colour { ("\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
    let _ = writeln!(anstream::stderr(), "{red}error{reset}: {text}");
    error.downcast_ref::<Interrupted>().map_or(ExitCode::FAILURE, Interrupted::status)
}

/// Makes a panic, which is always a defect of beamship, say what to do with it.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(
            anstream::stderr(),
            "error: beamship has a defect: {panic}\nhint: please report this with the command you ran, beamship {} on {} {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
        );
    }));
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    /// Only whoever does not read our stdout may end a command with success. What breaks elsewhere (the pipe of a virtual
    /// machine that dies, a registry that hangs up) is a failure.
    #[test]
    fn a_pipe_that_breaks_elsewhere_is_a_failure() {
        let broken = || Error::from(ErrorKind::BrokenPipe);
        let status = |error: anyhow::Error| format!("{:?}", print(&error));
        assert_eq!(status(OutputError::from(broken()).into()), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(status(broken().into()), format!("{:?}", ExitCode::FAILURE));
        let full = OutputError::from(Error::from(ErrorKind::StorageFull));
        assert_eq!(status(full.into()), format!("{:?}", ExitCode::FAILURE));
    }
}
