//! What a doctor has said.

use std::process::Command;

use serde_json::Value;

use crate::sandbox::run;

/// The findings of one call with `--json`.
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    findings: Vec<Value>,
}

impl Said {
    /// Runs a command that prints findings as JSON.
    pub(crate) fn by(command: &mut Command) -> Self {
        let outcome = run(command);
        let findings: Value = serde_json::from_str(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", outcome.stdout, outcome.stderr));
        let findings = findings.as_array().unwrap().clone();
        for finding in &findings {
            let keys: Vec<&String> = finding.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["check", "message", "remedy", "severity"]);
            // What is wrong has a remedy.
            assert!(finding["severity"] == "ok" || finding["remedy"].is_string(), "{finding}");
        }
        let has_error = findings.iter().any(|finding| finding["severity"] == "error");
        assert_eq!(outcome.status, Some(i32::from(has_error)), "{}\n{}", outcome.stdout, outcome.stderr);
        assert_eq!(outcome.stderr.contains("error"), has_error, "{}", outcome.stderr);
        Self { status: outcome.status, findings }
    }

    /// Those of a check: `SEVERITY: MESSAGE`.
    pub(crate) fn of(&self, check: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of_check = self.findings.iter().filter(|finding| finding["check"] == check);
        of_check
            .map(|finding| format!("{}: {}", text(&finding["severity"]), text(&finding["message"])))
            .collect()
    }

    /// The only finding of a check.
    pub(crate) fn one(&self, check: &str) -> String {
        let all = self.of(check);
        assert_eq!(all.len(), 1, "{check}: {all:?}");
        all.into_iter().next().unwrap()
    }

    /// Everything that is not in order.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let wrong = self.findings.iter().filter(|finding| finding["severity"] != "ok");
        wrong.map(ToString::to_string).collect()
    }
}
