//! What can be typed: the one definition that help, the manual page, completions and docs/cli.md come from.
//!
//! Nothing is decided here. Each command turns its arguments into settings of its own.

mod check;
mod digest;
mod doctor;
mod explain_boot;
mod generate;
mod image;
mod profile_boot;
mod secret;
mod values;

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand};

pub use self::digest::{CleanArguments, DigestArguments, DigestCommand};
pub use self::doctor::DoctorArguments;
pub use self::explain_boot::ExplainBootArguments;
pub use self::generate::{DockerBuilder, GenerateArguments, GeneratedPart};
pub use self::image::{ImageArguments, ImageCommand, InspectArguments};
pub use self::profile_boot::ProfileBootArguments;
pub use self::secret::SecretArguments;
pub use check::{Check, CheckAbiArguments, CheckArguments};

/// Builds releases of Mix projects (Phoenix, Elixir).
#[derive(Debug, Parser)]
#[command(name = "beamship", version, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArguments,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct GlobalArguments {
    /// Work as if beamship had been started in this directory: on its project, with all paths meant from there
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub directory: Option<Utf8PathBuf>,

    /// Say nothing but warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Show everything that Mix prints, as it prints it
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Print the result as JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the project and its release: dependencies, compilation, assets, release
    Build(BuildArguments),

    /// Assemble the release of a project whose dependencies and assets are ready (≙ `mix release`)
    Release(ReleaseArguments),

    /// Fingerprint and compress static assets (≙ `mix phx.digest`)
    Digest(DigestArguments),

    /// Generate what the project needs to be deployed: release tasks, Dockerfile and more (≙ `mix phx.gen.release`)
    #[command(name = "gen")]
    Generate(GenerateArguments),

    /// Record which modules a start uses, for releases that start faster: a trial start writes rel/boot.profile
    ProfileBoot(ProfileBootArguments),

    /// Show where the time of a start goes: a trial start is timed, per step and application
    ExplainBoot(ExplainBootArguments),

    /// Write the templates of vm.args, remote.vm.args, env.sh and env.bat into rel/ (≙ `mix release.init`)
    Init(InitArguments),

    /// Build the project and a container image of its release, without Docker (≙ `docker build`)
    Image(ImageArguments),

    /// Check a release before it is shipped
    Check(CheckArguments),

    /// Check toolchain, project and release, and say what to do about what is wrong
    Doctor(DoctorArguments),

    /// Print a random secret (≙ `mix phx.gen.secret`)
    Secret(SecretArguments),

    /// Print a completion script for a shell
    Completions(CompletionsArguments),

    /// Print the manual page
    #[command(hide = true)]
    Man,
}

/// Arguments of `beamship build`.
#[derive(Clone, Debug, Args)]
pub struct BuildArguments {
    /// What to release and where to.
    #[command(flatten)]
    pub target: TargetArguments,

    /// Leave the project's assets as they are
    #[arg(long)]
    pub no_assets: bool,

    /// Whether it is packed too.
    #[command(flatten)]
    pub archive: ArchiveArguments,

    /// How Mix compiles.
    #[command(flatten)]
    pub compile: CompileArguments,

    /// Make everything anew, whatever is known from the last build, and keep nothing for the next one
    #[arg(long)]
    pub no_cache: bool,

    /// Print what would be done and what the release would consist of, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `beamship release`.
#[derive(Clone, Debug, Args)]
pub struct ReleaseArguments {
    /// What to release and where to.
    #[command(flatten)]
    pub target: TargetArguments,

    /// Replace an existing release of this version without asking
    #[arg(long, overrides_with = "no_overwrite")]
    pub overwrite: bool,

    /// Ask before an existing release of this version is replaced, whatever mix.exs says; fail where nobody can be asked
    #[arg(long, overrides_with = "overwrite")]
    pub no_overwrite: bool,

    /// Whether it is packed too.
    #[command(flatten)]
    pub archive: ArchiveArguments,

    /// Do not compile first
    #[arg(long)]
    pub no_compile: bool,

    /// How Mix compiles.
    #[command(flatten)]
    pub compile: CompileArguments,

    /// Make everything anew, whatever is known from the last release, and keep nothing for the next one
    #[arg(long)]
    pub no_cache: bool,

    /// Compile, print what the release would consist of, and write nothing of it
    #[arg(long)]
    pub dry_run: bool,
}

/// Which release, and where it goes.
#[derive(Clone, Debug, Args)]
pub struct TargetArguments {
    /// Name of the release; needed when the project has several and no `default_release`
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Directory of the release instead of `_build/ENV/rel/NAME`
    #[arg(long, value_name = "DIR", value_parser = values::path)]
    pub path: Option<Utf8PathBuf>,

    /// Version of the release instead of the project's
    #[arg(long, value_name = "VERSION", value_parser = values::version)]
    pub version: Option<String>,
}

/// Which release that has been built before.
#[derive(Clone, Debug, Args)]
pub struct BuiltReleaseArguments {
    /// Name of the release; needed when several have been built
    #[arg(value_name = "NAME", conflicts_with = "release")]
    pub name: Option<String>,

    /// Directory of the release instead of `_build/ENV/rel/NAME`
    #[arg(long, value_name = "DIR")]
    pub release: Option<Utf8PathBuf>,
}

/// Whether and how a release is packed into a tarball.
#[derive(Clone, Copy, Debug, Args)]
pub struct ArchiveArguments {
    /// Also pack the release into NAME-VERSION.tar.gz, as the step `:tar` does; only its owner can read it, for the cookie's sake
    #[arg(long)]
    pub tar: bool,

    /// Also pack the release, into NAME-VERSION.tar.zst; a step `:tar` makes that instead of .tar.gz
    #[arg(long)]
    pub zstd: bool,

    /// Leave the cookie out of the tarball, for one that others can read: where it runs, RELEASE_COOKIE has to be set
    #[arg(long)]
    pub no_cookie: bool,
}

/// Switches that are handed to `mix compile`.
#[derive(Clone, Debug, Default, Args)]
pub struct CompileArguments {
    /// Compile the project and its path dependencies anew, even if nothing has changed
    #[arg(short, long)]
    pub force: bool,

    /// Do not check that the dependencies are the ones of the lock file
    #[arg(long)]
    pub no_deps_check: bool,

    /// Do not check archives
    #[arg(long)]
    pub no_archives_check: bool,

    /// Do not check the version of Elixir against the project's requirement
    #[arg(long)]
    pub no_elixir_version_check: bool,
}

/// Arguments of `beamship init`.
#[derive(Clone, Debug, Args)]
pub struct InitArguments {
    /// Replace files that are there and differ
    #[arg(short, long)]
    pub force: bool,

    /// Say what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `beamship completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
