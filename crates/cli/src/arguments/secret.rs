//! Arguments of `beamship secret`.

use clap::Args;

/// Arguments of `beamship secret`.
#[derive(Clone, Debug, Args)]
pub struct SecretArguments {
    /// How many characters it has
    #[arg(value_name = "LENGTH", default_value_t = 64, value_parser = clap::value_parser!(u16).range(32..=4096))]
    pub length: u16,

    /// Print a cookie for a release instead, in the form that Mix gives cookies
    #[arg(long, conflicts_with_all = ["length", "env"])]
    pub cookie: bool,

    /// Print a line for a shell: export SECRET_KEY_BASE=… (with --json an object with that name)
    #[arg(long)]
    pub env: bool,
}
