//! Arguments of `beamship profile-boot`.

use camino::Utf8PathBuf;
use clap::Args;

/// Arguments of `beamship profile-boot`.
#[derive(Clone, Debug, Args)]
pub struct ProfileBootArguments {
    /// Name of the release; needed when several have been built
    #[arg(value_name = "NAME", conflicts_with = "release")]
    pub name: Option<String>,

    /// Directory of the release instead of `_build/ENV/rel/NAME`
    #[arg(long, value_name = "DIR")]
    pub release: Option<Utf8PathBuf>,

    /// Run this shell command once the system is ready, such as a request of its first page: what it uses counts too
    #[arg(long, value_name = "COMMAND")]
    pub exercise: Option<String>,

    /// How long the system may take until it is ready, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub wait: u32,
}
