//! Arguments of `beamship profile-boot`.

use clap::Args;

use super::BuiltReleaseArguments;

/// Arguments of `beamship profile-boot`.
#[derive(Clone, Debug, Args)]
pub struct ProfileBootArguments {
    /// Which release.
    #[command(flatten)]
    pub built: BuiltReleaseArguments,

    /// Run this shell command once the system is ready, such as a request of its first page: what it uses counts too
    #[arg(long, value_name = "COMMAND")]
    pub exercise: Option<String>,

    /// How long the system may take until it is ready, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub wait: u32,
}
