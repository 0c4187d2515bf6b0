//! Arguments of `beamship check`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::BuiltReleaseArguments;

/// Arguments of `beamship check`.
#[derive(Clone, Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct CheckArguments {
    /// What to check.
    #[command(subcommand)]
    pub check: Check,
}

/// The checks.
#[derive(Clone, Debug, Subcommand)]
pub enum Check {
    /// Check that the native code of a release finds its libraries, in the versions it needs, on a system
    Abi(CheckAbiArguments),
}

/// Arguments of `beamship check abi`.
#[derive(Clone, Debug, Args)]
pub struct CheckAbiArguments {
    /// Which release.
    #[command(flatten)]
    pub built: BuiltReleaseArguments,

    /// The system that the release will run on: a directory with its root file system, or an image (default: this
    /// machine)
    #[arg(long, value_name = "DIR|IMAGE")]
    pub target: Option<String>,

    /// Leave out what is at or below this path of the release, such as `lib/app-0.1.0/priv/other` (repeatable)
    #[arg(long, value_name = "PATH")]
    pub ignore: Vec<Utf8PathBuf>,
}
