//! Arguments of `beamship explain-boot`.

use camino::Utf8PathBuf;
use clap::Args;

/// Arguments of `beamship explain-boot`.
#[derive(Clone, Debug, Args)]
pub struct ExplainBootArguments {
    /// Name of the release; needed when several have been built
    #[arg(value_name = "NAME", conflicts_with = "release")]
    pub name: Option<String>,

    /// Directory of the release instead of `_build/ENV/rel/NAME`
    #[arg(long, value_name = "DIR")]
    pub release: Option<Utf8PathBuf>,

    /// Draw the start into this file, too
    #[arg(long, value_name = "FILE")]
    pub svg: Option<Utf8PathBuf>,

    /// How long the system may take until it has started, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub wait: u32,
}
