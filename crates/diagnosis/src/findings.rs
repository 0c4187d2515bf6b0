//! All findings, as text for people and as JSON.

use std::fmt;

use crate::finding::{Finding, Severity};
use crate::json;

/// Findings, in the order of the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds something that is in order. These four take text as it comes from `format_args!`, so that a call is small: the
    /// launcher has many.
    #[inline(never)]
    pub fn ok(&mut self, check: &'static str, message: fmt::Arguments<'_>) {
        self.0.push(Finding::ok(check, message.to_string()));
    }

    /// Adds the same, for `--json` alone.
    #[inline(never)]
    pub fn detail(&mut self, check: &'static str, message: fmt::Arguments<'_>) {
        self.0.push(Finding::detail(check, message.to_string()));
    }

    /// Adds something that works, and may not be what was meant.
    #[inline(never)]
    pub fn warning(&mut self, check: &'static str, message: fmt::Arguments<'_>, remedy: fmt::Arguments<'_>) {
        self.0.push(Finding::warning(check, message.to_string(), remedy.to_string()));
    }

    /// Adds something that does not work.
    #[inline(never)]
    pub fn error(&mut self, check: &'static str, message: fmt::Arguments<'_>, remedy: fmt::Arguments<'_>) {
        self.0.push(Finding::error(check, message.to_string(), remedy.to_string()));
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// A list for people: a symbol, the check, what was found; below it what to do.
    pub fn text(&self, colour: bool) -> String {
        let shown = || self.0.iter().filter(|finding| !finding.is_detail);
        let width = shown().map(|finding| finding.check.len()).max().unwrap_or(0);
        let indentation = " ".repeat(width + 4);
        let mut text = String::new();
        for finding in shown() {
            let symbol = finding.severity.symbol();
            if colour {
                text.push_str(&["\u{1b}[", finding.severity.colour(), "m", symbol, "\u{1b}[0m"].concat());
            } else {
                text.push_str(symbol);
            }
            text.push(' ');
            text.push_str(&finding.check.replace('_', " "));
            text.push_str(&indentation[finding.check.len() + 2..]);
            push_lines(&mut text, &indentation, "", &finding.message);
            if let Some(remedy) = &finding.remedy {
                text.push_str(&indentation);
                push_lines(&mut text, &indentation, "hint: ", remedy);
            }
        }
        text
    }

    /// An array of objects for machines, one in a line.
    pub fn json(&self) -> String {
        let mut text = String::from("[");
        for (index, finding) in self.0.iter().enumerate() {
            text.push_str(if index > 0 { ",\n" } else { "\n" });
            let remedy = finding.remedy.as_ref().map_or_else(|| "null".to_owned(), |it| json::string(it));
            let fields = [
                "  {\"check\":",
                &json::string(finding.check),
                ",\"severity\":",
                &json::string(finding.severity.name()),
                ",\"message\":",
                &json::string(&finding.message),
                ",\"remedy\":",
                &remedy,
                "}",
            ];
            text.push_str(&fields.concat());
        }
        text.push_str("\n]\n");
        text
    }

    /// One sentence when something does not work. Warnings are not a reason to fail.
    pub fn failure(&self) -> Option<String> {
        let errors = self.0.iter().filter(|finding| finding.severity == Severity::Error).count();
        match errors {
            0 => None,
            1 => Some("one of the findings is an error".to_owned()),
            _ => Some([&errors.to_string(), " of the findings are errors"].concat()),
        }
    }
}

impl Extend<Finding> for Findings {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        self.0.extend(findings);
    }
}

/// Text of one or more lines, the later ones below the first. What others have written (a path, the output of a program)
/// cannot control the terminal.
fn push_lines(text: &mut String, indentation: &str, prefix: &str, lines: &str) {
    text.push_str(prefix);
    for character in lines.trim_end().chars() {
        match character {
            '\n' => {
                text.push('\n');
                text.push_str(indentation);
                text.extend(std::iter::repeat_n(' ', prefix.len()));
            }
            control if control.is_control() => text.push(' '),
            other => text.push(other),
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Findings {
        let mut findings = Findings::new();
        findings.push(Finding::ok("erts", "runs"));
        findings.push(Finding::detail("variables", "PORT is set"));
        findings.push(Finding::warning("open_files", "512\nare few\u{1b}[2J", "raise it:\nulimit -n"));
        findings
    }

    #[test]
    fn people_get_an_aligned_list() {
        let expected = "\
✓ erts        runs
! open files  512
              are few [2J
              hint: raise it:
                    ulimit -n
";
        assert_eq!(findings().text(false), expected);
        assert!(findings().text(true).starts_with("\u{1b}[32m✓\u{1b}[0m erts        runs\n"));
    }

    #[test]
    fn machines_get_everything() {
        let expected = "[
  {\"check\":\"erts\",\"severity\":\"ok\",\"message\":\"runs\",\"remedy\":null},
  {\"check\":\"variables\",\"severity\":\"ok\",\"message\":\"PORT is set\",\"remedy\":null},
  {\"check\":\"open_files\",\"severity\":\"warning\",\"message\":\"512\\u000aare few\\u001b[2J\",\"remedy\":\"raise it:\\u000aulimit -n\"}
]
";
        assert_eq!(findings().json(), expected);
        assert_eq!(Findings::new().json(), "[\n]\n");
    }

    #[test]
    fn only_errors_fail() {
        let mut findings = findings();
        assert_eq!(findings.failure(), None);
        findings.push(Finding::error("clock", "wrong", "set it"));
        assert_eq!(findings.failure().as_deref(), Some("one of the findings is an error"));
        findings.push(Finding::error("cookie", "none", "make one"));
        assert_eq!(findings.failure().as_deref(), Some("2 of the findings are errors"));
    }
}
