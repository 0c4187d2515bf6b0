//! Arguments of `beamship gen`.

use clap::{Args, ValueEnum};

/// Arguments of `beamship gen`.
#[derive(Clone, Debug, Args)]
pub struct GenerateArguments {
    /// What to generate [default: what fits the project: release tasks and a Dockerfile]
    #[arg(value_enum, value_name = "PART")]
    pub parts: Vec<GeneratedPart>,

    /// Give the release tasks a start of their own, in which the application is told that only tasks run
    #[arg(long)]
    pub minimal: bool,

    /// What builds the release in the Dockerfile
    #[arg(long, value_enum, default_value = "mix")]
    pub builder: DockerBuilder,

    /// Replace files that are there and differ
    #[arg(short, long)]
    pub force: bool,

    /// Say what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Something that can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GeneratedPart {
    /// bin/server, bin/migrate and the module with release tasks
    Release,
    /// Dockerfile and .dockerignore
    Docker,
    /// bin/entrypoint, which migrates and starts
    Entrypoint,
    /// fly.toml
    Fly,
    /// A unit of systemd
    Systemd,
    /// Manifests for Kubernetes
    K8s,
}

/// What builds a release in a Dockerfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DockerBuilder {
    /// Mix
    Mix,
    /// beamship
    Beamship,
}
