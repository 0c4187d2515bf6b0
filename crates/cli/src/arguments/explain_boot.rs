//! Arguments of `beamship explain-boot`.

use camino::Utf8PathBuf;
use clap::Args;

use super::BuiltReleaseArguments;

/// Arguments of `beamship explain-boot`.
#[derive(Clone, Debug, Args)]
pub struct ExplainBootArguments {
    /// Which release.
    #[command(flatten)]
    pub built: BuiltReleaseArguments,

    /// Draw the start into this file, too
    #[arg(long, value_name = "FILE")]
    pub svg: Option<Utf8PathBuf>,

    /// How long the system may take until it has started, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub wait: u32,
}
