//! Errors, as the user sees them: once, on stderr, with what to do next, and with an exit status that is not 0.

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::interruption::Interrupted;

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
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let mut text = String::new();
    if is_of_stdout(error) {
        text.push_str("cannot write the output: ");
    }
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

/// Whoever read our stdout has had enough (`beamship … | head`): nothing went wrong.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    outermost(error).is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Whether the system has refused what was written to stdout. What it says of a file comes with the file's name.
fn is_of_stdout(error: &anyhow::Error) -> bool {
    outermost(error).is_some_and(|error| error.raw_os_error().is_some())
}

/// Only what is written to stdout comes here as it is. What breaks elsewhere (the pipe of a virtual machine that dies, a
/// registry that hangs up) is the cause of another error, and a failure.
fn outermost(error: &anyhow::Error) -> Option<&std::io::Error> {
    let outermost: &(dyn Error + 'static) = error.as_ref();
    outermost.downcast_ref::<std::io::Error>()
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

    use anyhow::Context;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the registry hung up")]
    struct HungUp(#[source] Error);

    /// Only whoever does not read our stdout may end a command with success.
    #[test]
    fn a_pipe_that_breaks_elsewhere_is_a_failure() {
        let broken = || Error::from(ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(&broken().into()));
        assert!(!is_broken_pipe(&HungUp(broken()).into()));
        let contextual: anyhow::Error = Err::<(), _>(broken()).context("cannot send").unwrap_err();
        assert!(!is_broken_pipe(&contextual));
    }
}
