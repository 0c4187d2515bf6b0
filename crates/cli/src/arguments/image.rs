//! Arguments of `beamship image`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};
use image::document::Platform;

use super::values;
use crate::image_build::CommandLine;

/// Arguments of `beamship image`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct ImageArguments {
    /// Another task on images.
    #[command(subcommand)]
    pub command: Option<ImageCommand>,

    /// Name of the release; needed when the project has several and no `default_release`
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Name of the image, such as `registry.example.com/team/shop:1.4` [default: NAME:VERSION]
    #[arg(short, long, value_name = "IMAGE")]
    pub tag: Option<String>,

    /// Write the image there: an archive when it ends in `.tar`, else a directory with an OCI layout
    /// [default: `_build/ENV/image/NAME`]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<Utf8PathBuf>,

    /// Load the image into the Docker or Podman of this machine
    #[arg(long)]
    pub load: bool,

    /// Push the image to a registry under this name; without one under that of --tag
    #[arg(long, value_name = "IMAGE", num_args = 0..=1)]
    pub push: Option<Option<String>>,

    /// Build upon this image instead of nothing: one of a registry, an OCI layout or an archive
    #[arg(long, value_name = "IMAGE", default_value = "scratch")]
    pub base: String,

    /// Take a release that has been built already, such as one for another platform (repeatable: one image for several
    /// platforms)
    #[arg(long, value_name = "DIR")]
    pub release: Vec<Utf8PathBuf>,

    /// Take system libraries from this root file system instead of this machine's (once for each --release, in order)
    #[arg(long, value_name = "DIR")]
    pub root: Vec<Utf8PathBuf>,

    /// The platforms that the image has to be for, such as `linux/arm64` (repeatable)
    #[arg(long, value_name = "PLATFORM", value_parser = values::platform)]
    pub platform: Vec<Platform>,

    /// Set a variable in the image (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,

    /// Add a label (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    pub label: Vec<String>,

    /// Say that the system listens on this TCP port (repeatable)
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Vec<u16>,

    /// What the image runs when nothing is said: a command of the release, quoted as in a shell [default: `server` where
    /// there is a bin/server, else `start`]
    #[arg(long = "command", value_name = "COMMAND")]
    pub default_command: Option<CommandLine>,

    /// Compress layers with Zstandard instead of gzip
    #[arg(long)]
    pub zstd: bool,

    /// Put a shell into the image even where nothing in the release needs one
    #[arg(long)]
    pub shell: bool,

    /// Put the operating system's time zone database into the image
    #[arg(long)]
    pub time_zones: bool,

    /// Leave the project's assets as they are
    #[arg(long)]
    pub no_assets: bool,

    /// Say what the image would consist of, and write nothing
    #[arg(long, conflicts_with_all = ["load", "push", "output"])]
    pub dry_run: bool,
}

/// Tasks on images.
#[derive(Clone, Debug, Subcommand)]
pub enum ImageCommand {
    /// Show what an image consists of, and what has changed since another one
    Inspect(InspectArguments),
}

/// Arguments of `beamship image inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectArguments {
    /// An image of a registry, an OCI layout or an archive [default: the one built last]
    #[arg(value_name = "IMAGE")]
    pub image: Option<String>,

    /// Another image to compare it with
    #[arg(long, value_name = "IMAGE")]
    pub since: Option<String>,
}
