//! Why the launcher could not do what it was asked for: one message, one remedy, one exit status.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use diagnosis::{Finding, Severity};

/// A failure, as the user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    status: u8,
}

impl Failure {
    /// A failure with exit status 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, status: 1 }
    }

    /// `cannot ACTION `SUBJECT`: CAUSE`.
    pub(crate) fn cannot(action: &str, subject: impl Display, cause: impl Display) -> Self {
        Self::new(format!("cannot {action} `{subject}`: {cause}"))
    }

    /// A program of the release, or the Erlang of the machine, that the system does not execute.
    pub(crate) fn cannot_start(program: impl Display, cause: impl Display) -> Self {
        Self::cannot("start", program, cause)
            .hint("the release was built for another system, or is incomplete")
    }

    /// The same with what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same as something that a doctor has found.
    pub(crate) fn into_finding(self, check: &'static str, severity: Severity) -> Finding {
        let remedy = self.hint.or_else(|| Some("correct it, and ask the doctor again".to_owned()));
        Finding { severity, remedy, ..Finding::ok(check, self.message) }
    }

    /// Prints it and gives the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        let mut text = format!("error: {}\n", self.message);
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        // Without stderr there is nobody to tell.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(self.status)
    }
}
