//! `releases/VSN/env.sh`: the project's own shell code, which may set anything.
//!
//! It is sourced by a shell that then becomes this executable again, so `export`, `ulimit`, `umask`, `cd`, `exit` and
//! `set --` do what they do in Mix's script. A file that holds nothing but comments, as the default one does, needs no
//! shell: it is skipped, and a release without one of its own works where there is no `/bin/sh`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use contract::ENDS_WITH;

use crate::environment::{Environment, is_sourced};
use crate::failure::Failure;
use crate::release::{Release, executable};
use crate::supervision::end_with_trial;

/// The shell that reads it.
const SHELL: &str = "/bin/sh";

/// Sources the file, exports what Mix's script exports, and becomes the executable `$1` with the arguments that are
/// left. `SELF` and `REL_VSN_DIR` are variables of Mix's script that files in use refer to. The process that a
/// trial start ends with (`$2`) is handed to the executable that this shell becomes, and to no other that the file starts.
const SCRIPT: &str = r#"
SELF="$1"; __beamship_ends_with="$2"; shift 2
REL_VSN_DIR="$RELEASE_ROOT/releases/$RELEASE_VSN"
__beamship_launcher="$SELF"
. "$REL_VSN_DIR/env.sh"
export RELEASE_ROOT RELEASE_NAME RELEASE_VSN RELEASE_COMMAND RELEASE_PROG RELEASE_COOKIE RELEASE_MODE RELEASE_NODE
export RELEASE_TMP RELEASE_VM_ARGS RELEASE_REMOTE_VM_ARGS RELEASE_DISTRIBUTION RELEASE_BOOT_SCRIPT
export RELEASE_BOOT_SCRIPT_CLEAN RELEASE_SYS_CONFIG
BEAMSHIP_ENV_SH_SOURCED=1; export BEAMSHIP_ENV_SH_SOURCED
BEAMSHIP_ENDS_WITH="$__beamship_ends_with"; export BEAMSHIP_ENDS_WITH
exec "$__beamship_launcher" "$@"
"#;

/// Whether `env.sh` still has to be sourced.
pub(crate) fn is_needed(release: &Release) -> Result<bool, Failure> {
    if is_sourced() {
        return Ok(false);
    }
    let path = release.version_directory().join("env.sh");
    let text = std::fs::read(&path).map_err(|error| {
        Failure::cannot("read", path.display(), error).hint("the release is incomplete: build it again")
    })?;
    Ok(needs_shell(&text))
}

/// Whether there is a shell to source it.
pub(crate) fn has_shell() -> bool {
    Path::new(SHELL).exists()
}

/// Becomes a shell that sources `env.sh` and then this executable again. Only ever returns a failure.
pub(crate) fn source(release: &Release, environment: &Environment) -> Failure {
    let path = release.version_directory().join("env.sh");
    let executable = match executable() {
        Ok(executable) => executable,
        Err(failure) => return failure,
    };
    let mut given = std::env::args_os();
    let mut shell = Command::new(SHELL);
    shell.args(["-e", "-c", SCRIPT]).arg(given.next().unwrap_or_default()).arg(executable);
    shell.arg(std::env::var_os(ENDS_WITH).unwrap_or_default()).args(given);
    environment.apply(&mut shell);
    // What it runs may take long.
    end_with_trial();
    let error = shell.exec();
    Failure::cannot("run `/bin/sh` for", path.display(), error)
        .hint("the release's env.sh holds shell code; without a shell, remove rel/env.sh.eex and set variables instead")
}

/// Whether a start sources this `env.sh`, for which it needs a shell: there is a line that is neither empty nor a comment.
pub fn needs_shell(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| {
        let first = line.iter().find(|byte| !byte.is_ascii_whitespace());
        first.is_some_and(|byte| *byte != b'#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_need_no_shell() {
        assert!(!needs_shell(b""));
        assert!(!needs_shell(b"#!/bin/sh\n\n  # export A=1\n\t\r\n"));
        assert!(needs_shell(b"#!/bin/sh\n# comment\n  export A=1"));
    }
}
