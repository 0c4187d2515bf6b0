//! Commands beside the release's own that need no shell.
//!
//! In a container image `bin/server` and its like are links to this executable. What they do stands in
//! `releases/COMMANDS` ([`OverlayCommand`]), found by the name that this executable is called by, or by its first argument.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use contract::{COMMANDS, OverlayCommand};

use crate::environment::BETWEEN_LAUNCHERS;
use crate::failure::Failure;
use crate::release::{Release, executable};

/// The command line that was meant, when it is not one of the release's own commands.
pub(crate) fn find(release: &Release) -> Result<Option<Command>, Failure> {
    let path = release.root.join(COMMANDS);
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let Some(expanded) = expand(&text, &release.name, &arguments) else { return Ok(None) };
    let mut command = Command::new(executable()?);
    command.envs(expanded.variables).args(expanded.arguments);
    Ok(Some(command))
}

/// The script of the project's own in `bin` that has the name of a command: in an image it is what is asked for beside what
/// stands in `releases/COMMANDS`.
pub(crate) fn script(release: &Release, name: &str, arguments: &[OsString]) -> Option<Command> {
    let file = release.root.join("bin").join(name);
    let is_one = !name.contains('/') && name != release.name && file.is_file();
    is_one.then(|| {
        let mut command = Command::new(file);
        command.args(arguments);
        // An `env.sh` that has changed the arguments was read for another command than those that the script runs.
        for name in BETWEEN_LAUNCHERS.into_iter().chain(["RELEASE_COMMAND"]) {
            command.env_remove(name);
        }
        command
    })
}

/// Becomes such a command. Only ever returns a failure.
pub(crate) fn become_command(mut command: Command) -> Failure {
    let error = command.exec();
    Failure::cannot("run", command.get_program().display(), error)
}

#[derive(Debug, PartialEq, Eq)]
struct Expanded {
    variables: Vec<(String, String)>,
    arguments: Vec<OsString>,
}

fn expand(text: &str, release: &str, arguments: &[OsString]) -> Option<Expanded> {
    let mut given = arguments.iter();
    let called = Path::new(given.next()?).file_name()?;
    let is_argument = called == OsStr::new(release);
    let name = if is_argument { given.next()?.as_os_str() } else { called };
    let command = OverlayCommand::find(text, name.to_str()?)?;
    let mut result: Vec<OsString> = command.arguments.into_iter().map(OsString::from).collect();
    if command.passes_arguments {
        result.extend(given.cloned());
    }
    // A `bin/start` that runs `start` means the release's own.
    if is_argument && result.first()? == name {
        return None;
    }
    Some(Expanded { variables: command.variables, arguments: result })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: &[&str]) -> Option<(usize, String)> {
        let text = "migrate\t--\teval\tShop.Release.migrate\nserver\tPHX_SERVER=true\t--\tstart\nx\t--\teval\ta b\t$@\nstart\t--\tstart\n";
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let expanded = expand(text, "shop", &arguments)?;
        let arguments: Vec<String> =
            expanded.arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
        Some((expanded.variables.len(), arguments.join("|")))
    }

    #[test]
    fn commands_are_found_by_both_names() {
        assert_eq!(expanded(&["/app/bin/server"]), Some((1, "start".to_owned())));
        assert_eq!(expanded(&["/app/bin/shop", "server"]), Some((1, "start".to_owned())));
        assert_eq!(expanded(&["migrate", "ignored"]), Some((0, "eval|Shop.Release.migrate".to_owned())));
        assert_eq!(expanded(&["bin/start"]), Some((0, "start".to_owned())));
        assert_eq!(expanded(&["bin/x", "1", "2"]), Some((0, "eval|a b|1|2".to_owned())));
        for own in [&["/app/bin/shop", "start"][..], &["shop"], &["other"], &["shop", "unknown"]] {
            assert_eq!(expanded(own), None, "{own:?}");
        }
    }
}
