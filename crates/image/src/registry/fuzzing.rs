//! What a registry and a configuration of Docker's say, for `fuzz/fuzz_targets/registry_answers.rs`. Nobody else sees it.

use super::answer::reason;
use super::authentication::token_in;
use super::challenge::Challenge;
use super::credentials::{Configuration, login};
use crate::reference::Reference;

/// Reads any bytes as the challenges of a header, the body of a refusal, the answer of a token service, and a configuration
/// with logins.
pub fn read(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for challenge in Challenge::parse(&text) {
        assert!(!challenge.scheme.is_empty());
        let values: usize = challenge.parameters.values().map(String::len).sum();
        assert!(values <= text.len());
    }
    // It is shown on a terminal.
    assert!(!reason(bytes).contains(char::is_control));
    let _ = token_in(bytes);
    if let Ok(configuration) = serde_json::from_slice::<Configuration>(bytes)
        && let Ok(reference) = Reference::parse("registry.example.com/team/shop")
    {
        // Without its helpers: they are programs.
        let _ = login(&configuration, &reference);
    }
}
