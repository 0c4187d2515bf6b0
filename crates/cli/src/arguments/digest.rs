//! Arguments of `beamship digest`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

/// Arguments of `beamship digest`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct DigestArguments {
    /// Another task on digested files.
    #[command(subcommand)]
    pub command: Option<DigestCommand>,

    /// Directory of the assets
    #[arg(value_name = "INPUT", default_value = "priv/static")]
    pub input: Utf8PathBuf,

    /// Directory of the digested files [default: INPUT]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<Utf8PathBuf>,

    /// Do not add ?vsn=d to URLs in stylesheets and modules
    #[arg(long)]
    pub no_vsn: bool,

    /// Give exactly the result of `mix phx.digest`: the switches below that begin with `no`, and compressed files even
    /// where they are larger
    #[arg(long)]
    pub compat: bool,

    /// Find references as Phoenix does: no modules, no import maps, and in comments too
    #[arg(long)]
    pub no_modules: bool,

    /// Digest files as they are before references in them are rewritten
    #[arg(long)]
    pub no_content_digests: bool,

    /// Digest files again that esbuild or Vite have hashed already
    #[arg(long)]
    pub no_hashed: bool,

    /// Compress with gzip at this level, 1 to 12
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u32).range(1..=12))]
    pub gzip: Option<u32>,

    /// Do not compress with gzip
    #[arg(long, conflicts_with = "gzip")]
    pub no_gzip: bool,

    /// Compress with Brotli too, at this level, 1 to 11
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "11", value_parser = clap::value_parser!(u32).range(1..=11))]
    pub brotli: Option<u32>,

    /// Compress with Zstandard too, at this level, 1 to 19
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "19", value_parser = clap::value_parser!(u32).range(1..=19))]
    pub zstd: Option<u32>,

    /// Extensions of the files that are compressed, instead of those that Phoenix compresses
    #[arg(long, value_name = "EXTENSION,…", value_delimiter = ',')]
    pub extensions: Vec<String>,

    /// Bring along the digested files of an earlier release: its `priv/static`, or its directory
    #[arg(long, value_name = "DIR")]
    pub carry: Vec<Utf8PathBuf>,

    /// Neither use nor fill the cache of compressed files
    #[arg(long)]
    pub no_cache: bool,
}

/// Other tasks on digested files.
#[derive(Clone, Debug, Subcommand)]
pub enum DigestCommand {
    /// Remove old digested files (≙ `mix phx.digest.clean`)
    Clean(CleanArguments),
}

/// Arguments of `beamship digest clean`.
#[derive(Clone, Debug, Args)]
pub struct CleanArguments {
    /// Directory of the digested files
    #[arg(short, long, value_name = "DIR", default_value = "priv/static")]
    pub output: Utf8PathBuf,

    /// Remove files that are older than this
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub age: u64,

    /// How many earlier versions of a file to keep
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    pub keep: usize,

    /// Remove all digested and compressed files, and the manifest
    #[arg(long)]
    pub all: bool,

    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
}
