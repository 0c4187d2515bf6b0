//! What is said of a command line that cannot be understood.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};

use crate::arguments::Arguments;

/// Says of an argument too many that it is one. Where there are subcommands, and options exclude them, clap takes it for a
/// subcommand that was typed too late, whatever it is.
pub(crate) fn plain(error: Error) -> Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let command = Arguments::command();
    if error.kind() != ErrorKind::ArgumentConflict || has_subcommand(&command, argument) {
        return error;
    }
    let mut plain = Error::new(ErrorKind::UnknownArgument).with_cmd(&command);
    plain.insert(ContextKind::InvalidArg, ContextValue::String(argument.clone()));
    if let Some(usage) = error.get(ContextKind::Usage) {
        plain.insert(ContextKind::Usage, usage.clone());
    }
    plain
}

/// Whether it, or any command in it, has a subcommand of this name.
fn has_subcommand(command: &clap::Command, name: &str) -> bool {
    command.get_subcommands().any(|inner| inner.get_name() == name || has_subcommand(inner, name))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn said(arguments: &[&str]) -> String {
        let all = ["beamship"].iter().chain(arguments);
        plain(Arguments::try_parse_from(all).unwrap_err()).to_string()
    }

    #[test]
    fn an_argument_too_many_is_unexpected() {
        for arguments in [["digest", "priv/static", "extra"], ["image", "shop", "extra"]] {
            let text = said(&arguments);
            assert!(text.starts_with("error: unexpected argument 'extra' found\n"), "{text}");
            assert!(text.contains(&format!("Usage: beamship {} ", arguments[0])), "{text}");
        }
        // As everywhere else.
        assert!(said(&["build", "shop", "extra"]).starts_with("error: unexpected argument 'extra' found\n"));
    }

    #[test]
    fn a_subcommand_that_comes_too_late_is_told_as_one() {
        let text = said(&["digest", "priv/static", "clean"]);
        assert!(text.contains("the subcommand 'clean' cannot be used with"), "{text}");
    }
}
