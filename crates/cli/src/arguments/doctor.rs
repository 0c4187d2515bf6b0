//! Arguments of `beamship doctor`.

use clap::Args;

/// Arguments of `beamship doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArguments {
    /// The release to look at: its directory, or its name below `_build/ENV/rel` (default: all that are there)
    #[arg(long, value_name = "DIR|NAME")]
    pub release: Option<String>,
}
