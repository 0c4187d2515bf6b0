//! Questions to the user, where there is one.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Context;

/// Asks a question on the terminal. None where there is nobody to ask: stdin or stderr is not a terminal. An answer that
/// never comes (the end of the input) is no.
///
/// # Errors
///
/// When the terminal is gone.
pub(crate) fn ask(question: &str, default: bool) -> anyhow::Result<Option<bool>> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let choices = if default { "[Y/n]" } else { "[y/N]" };
    write!(anstream::stderr(), "{question} {choices} ").context("cannot ask on the terminal")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer from the terminal")?;
    Ok(Some(understood(&answer, default)))
}

fn understood(answer: &str, default: bool) -> bool {
    match answer.trim().to_lowercase().as_str() {
        "" => default && answer.ends_with('\n'),
        "y" | "yes" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::understood;

    #[test]
    fn answers() {
        for default in [true, false] {
            assert!(understood("y\n", default) && understood(" YES\n", default) && understood("y", default));
            assert!(
                !understood("n\n", default) && !understood("what?\n", default) && !understood("", default)
            );
            assert_eq!(understood("\n", default), default);
        }
    }
}
