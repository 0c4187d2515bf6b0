//! What can go wrong, and what to do about it.

use std::fmt;
use std::process::ExitStatus;

use camino::Utf8PathBuf;

use crate::output::Output;

/// What the bridge was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Starting Elixir and loading `mix.exs`.
    Load,
    /// Fetching dependencies.
    Dependencies,
    /// Compiling dependencies and the project.
    Compile,
    /// Running the alias `assets.deploy`.
    Assets,
    /// Looking at the project without compiling it.
    Survey,
    /// Evaluating the options of the release and the configuration.
    Describe,
    /// Running custom steps of the release.
    Steps,
    /// Ending the virtual machine.
    Stop,
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Load => "loading the project",
            Self::Dependencies => "fetching dependencies",
            Self::Compile => "compiling",
            Self::Assets => "building assets",
            Self::Survey => "looking at the project",
            Self::Describe => "reading the options of the release",
            Self::Steps => "running the custom steps of the release",
            Self::Stop => "ending the virtual machine",
        })
    }
}

/// Why the bridge could not do what it was asked for.
///
/// Where [`BridgeError::output`] is there, it holds what Mix printed, and shows the reason: print it first (unless it is
/// forwarded already), then the error.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The directory is not that of a Mix project.
    #[error(
        "there is no {file} in `{directory}`\nhint: run this in the directory of a Mix project, or name it with -C"
    )]
    NoProject {
        /// Where it was looked for.
        directory: Utf8PathBuf,
        /// What was looked for: `mix.exs`, or what `MIX_EXS` says.
        file: String,
    },
    /// Elixir is not installed.
    #[error(
        "cannot find `{program}`, which builds the project\nhint: install Elixir 1.14 or newer \
         (https://elixir-lang.org/install.html) and make sure that it is in PATH"
    )]
    ElixirMissing {
        /// What was looked for.
        program: String,
    },
    /// The operating system refused something that the bridge needs.
    #[error("cannot {action} `{subject}`: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        subject: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The virtual machine ended before it had answered.
    #[error("{phase} failed: Elixir ended with {}", describe(*status))]
    Exited {
        /// What it was doing.
        phase: Phase,
        /// How it ended.
        status: ExitStatus,
        /// What was printed.
        output: Output,
    },
    /// A Mix task failed; what it printed says why.
    #[error("{phase} failed: {message}")]
    Failed {
        /// What was being done.
        phase: Phase,
        /// The message of the exception.
        message: String,
        /// What was printed; the message is part of it.
        output: Output,
    },
    /// The project asks for something that is wrong or not supported.
    #[error("{message}")]
    Refused {
        /// What was being done.
        phase: Phase,
        /// What is wrong and what to do; it was not printed.
        message: String,
        /// What was printed.
        output: Output,
    },
    /// The two halves of the bridge do not understand each other. This is a defect of beamship.
    #[error("{phase} failed: {reason}; please report this as a defect of beamship")]
    Protocol {
        /// What was being done.
        phase: Phase,
        /// What was not understood.
        reason: String,
        /// What was printed.
        output: Output,
    },
}

impl BridgeError {
    /// What was printed until it went wrong.
    pub fn output(&self) -> Option<&Output> {
        match self {
            Self::Exited { output, .. }
            | Self::Failed { output, .. }
            | Self::Refused { output, .. }
            | Self::Protocol { output, .. } => Some(output),
            Self::NoProject { .. } | Self::ElixirMissing { .. } | Self::Io { .. } => None,
        }
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(9)) => "signal 9 (killed, perhaps because memory ran out)".to_owned(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
