//! An answer of a registry.

use std::io::Read;
use std::time::Duration;

use ureq::http::{Response, Uri};
use ureq::{Body, ResponseExt};

use super::RegistryError;
use crate::layout::LARGEST_DOCUMENT;

/// As much of an error's text as is shown.
const LONGEST_REASON: usize = 400;

/// An answer, its body not yet read.
pub(crate) struct Answer {
    response: Response<Body>,
    registry: String,
    action: String,
}

impl Answer {
    pub(super) fn new(response: Response<Body>, registry: &str, action: &str) -> Self {
        Self { response, registry: registry.to_owned(), action: action.to_owned() }
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Whether the same request may be answered otherwise in a moment.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.status(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// All headers of this name.
    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// Where it comes from, after all redirects.
    pub(super) fn address(&self) -> &Uri {
        self.response.get_uri()
    }

    /// How long the registry wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    /// The body, where it is small.
    pub(crate) fn bytes(mut self) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = Vec::new();
        let reader = self.response.body_mut().as_reader();
        match reader.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 <= LARGEST_DOCUMENT => Ok(bytes),
            Ok(_) => Err(self.unexpected("is too large")),
            Err(error) => Err(RegistryError::Unreachable {
                registry: self.registry,
                action: self.action,
                reason: error.to_string(),
            }),
        }
    }

    /// The body, to be read piece by piece.
    pub(crate) fn into_reader(self) -> impl Read {
        self.response.into_body().into_with_config().limit(u64::MAX).reader()
    }

    /// An error that says what is wrong with it.
    pub(crate) fn unexpected(&self, problem: &str) -> RegistryError {
        RegistryError::UnexpectedAnswer {
            registry: self.registry.clone(),
            action: self.action.clone(),
            reason: format!("its answer {problem}"),
        }
    }

    /// The same answer if it has one of these statuses.
    pub(crate) fn expect(self, statuses: &[u16]) -> Result<Self, RegistryError> {
        if statuses.contains(&self.status()) { Ok(self) } else { Err(self.refusal()) }
    }

    /// An error with what the registry said.
    pub(crate) fn refusal(self) -> RegistryError {
        let (registry, action, status) = (self.registry.clone(), self.action.clone(), self.status());
        let title = self.response.status().to_string();
        let details = self.bytes().map(|bytes| reason(&bytes)).unwrap_or_default();
        let reason = if details.is_empty() { title } else { format!("{title}: {details}") };
        RegistryError::Refused { registry, action, status, reason }
    }
}

/// What the body of an error says (OCI distribution specification, "Error Codes"). A page for browsers says nothing.
pub(super) fn reason(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(json) => {
            let errors =
                json.get("errors").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
            let text = |error: &serde_json::Value| {
                let field = |name| error.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
                [field("code"), field("message")]
                    .into_iter()
                    .filter(|text| !text.is_empty())
                    .collect::<Vec<_>>()
                    .join(": ")
            };
            errors.iter().map(text).collect::<Vec<_>>().join("; ")
        }
        Err(_) => {
            let text = String::from_utf8_lossy(body);
            if text.trim_start().starts_with('<') { String::new() } else { text.trim().to_owned() }
        }
    };
    // Whatever a registry says is printed on a terminal.
    text.chars().filter(|character| !character.is_control()).take(LONGEST_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_is_shown() {
        let json = br#"{"errors":[{"code":"DENIED","message":"no \u001b[31mrights"},{"code":"X"}]}"#;
        assert_eq!(reason(json), "DENIED: no [31mrights; X");
        assert_eq!(reason(b"<html>503</html>"), "");
        assert_eq!(reason(b" too many requests\n"), "too many requests");
        assert_eq!(reason("x".repeat(5000).as_bytes()).len(), LONGEST_REASON);
    }
}
