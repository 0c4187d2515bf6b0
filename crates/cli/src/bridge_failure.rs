//! What the user sees when Mix, or the project, has failed.
//!
//! Mix explains most failures itself, in its own words and at length. That is shown once, and the error that follows only says
//! what it was that failed.

use project::BridgeError;

use crate::failure::AlreadyExplained;
use crate::printer::Printer;

/// Shows what was printed until it failed, unless that has been shown already, and makes the error short where that explains it.
pub(crate) fn explain(error: BridgeError, printer: &Printer) -> anyhow::Error {
    let mut is_silent = false;
    if let Some(output) = error.output() {
        let text = output.text();
        is_silent = text.trim().is_empty();
        if !output.is_forwarded() {
            printer.pass_on(&text);
        }
    }
    match error {
        // A step or a task that ends without a word: `exit({:shutdown, 1})`.
        BridgeError::Failed { phase, message, .. } if is_silent => {
            AlreadyExplained(format!("{phase} failed: {message}")).into()
        }
        BridgeError::Failed { phase, message, .. } => {
            let hint = if message.contains("errors on dependencies") {
                "\nhint: `mix deps.get` and `mix deps.compile --force`, with MIX_ENV=prod, put dependencies right"
            } else {
                ""
            };
            AlreadyExplained(format!("{phase} failed, see above{hint}")).into()
        }
        other => other.into(),
    }
}
