//! The result of one check.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is in order.
    Ok,
    /// It works, and may not be what was meant.
    Warning,
    /// It does not work.
    Error,
}

impl Severity {
    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::Warning => "!",
            Self::Error => "✗",
        }
    }

    /// The number of a terminal's colour.
    pub(crate) fn colour(self) -> &'static str {
        match self {
            Self::Ok => "32",
            Self::Warning => "33",
            Self::Error => "31",
        }
    }
}

/// What was found out, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check, which does not change: lowercase letters and `_`.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found out.
    pub message: String,
    /// What to do; what is in order needs nothing.
    pub remedy: Option<String>,
    /// Whether it is of interest to machines only.
    pub is_detail: bool,
}

impl Finding {
    /// Something that is in order.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, severity: Severity::Ok, message: message.into(), remedy: None, is_detail: false }
    }

    /// The same, for `--json` alone.
    pub fn detail(check: &'static str, message: impl Into<String>) -> Self {
        Self { is_detail: true, ..Self::ok(check, message) }
    }

    /// Something that works, and may not be what was meant.
    pub fn warning(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { severity: Severity::Warning, remedy, ..Self::ok(check, message) }
    }

    /// Something that does not work.
    pub fn error(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { severity: Severity::Error, remedy, ..Self::ok(check, message) }
    }
}
