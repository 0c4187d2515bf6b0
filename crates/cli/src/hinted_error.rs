//! An error in its two parts: what went wrong, and what to do about it.
//!
//! Every error of beamship ends with a line `hint: …` where something can be done about it, whether it comes from one of the
//! crates, from the Elixir half of the bridge or from the launcher of a release. On stderr that is all there is to it. Where
//! the two parts go to different places (a finding of the doctor has a remedy of its own) they are taken apart here.

use std::fmt;

use diagnosis::{Finding, Severity};

/// What stands between the message and the hint.
const SEPARATOR: &str = "\nhint: ";

/// What the launcher of a release prints before the message.
const PREFIX: &str = "error: ";

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HintedError {
    /// What went wrong.
    pub(crate) message: String,
    /// What to do about it, where that is known.
    pub(crate) hint: Option<String>,
}

impl HintedError {
    /// An error in the words in which it is shown.
    pub(crate) fn parse(text: &str) -> Self {
        match text.split_once(SEPARATOR) {
            Some((message, hint)) => Self { message: message.to_owned(), hint: Some(hint.to_owned()) },
            None => Self { message: text.to_owned(), hint: None },
        }
    }

    /// The error that the launcher of a release has printed to stderr.
    pub(crate) fn of_launcher(stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let text = text.trim();
        Self::parse(text.strip_prefix(PREFIX).unwrap_or(text))
    }

    /// The same as something that a doctor has found: the hint is the remedy.
    pub(crate) fn into_finding(self, check: &'static str, severity: Severity) -> Finding {
        Finding { severity, remedy: self.hint, ..Finding::ok(check, self.message) }
    }
}

impl From<&anyhow::Error> for HintedError {
    fn from(error: &anyhow::Error) -> Self {
        Self::parse(&format!("{error:#}"))
    }
}

impl fmt::Display for HintedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, "{SEPARATOR}{hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for HintedError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_of_an_error_is_the_remedy() {
        let finding = |error| HintedError::from(&error).into_finding("elixir", Severity::Error);
        let found = finding(anyhow::anyhow!("cannot find it\nhint: install it"));
        assert_eq!(found, Finding::error("elixir", "cannot find it", "install it"));
        let found = finding(anyhow::anyhow!("cannot find it").context("cannot start"));
        assert_eq!((found.message.as_str(), found.remedy), ("cannot start: cannot find it", None));
    }

    #[test]
    fn what_the_launcher_prints_is_the_same_error() {
        let printed = HintedError::of_launcher(b"error: cannot reach it\nhint: start it\n");
        assert_eq!(printed, HintedError::parse("cannot reach it\nhint: start it"));
        assert_eq!(printed.to_string(), "cannot reach it\nhint: start it");
        assert_eq!(HintedError::of_launcher(b"\xff\n").message, "\u{fffd}");
    }
}
