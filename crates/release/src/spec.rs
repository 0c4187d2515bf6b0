//! What a release is made from: plain data, evaluated by the project's own Elixir, not yet interpreted.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use etf::{Atom, Term};

/// One release of one project, as its `mix.exs`, its configuration and the command line describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseSpec {
    /// Name of the release.
    pub name: String,
    /// Version of the release.
    pub version: String,
    /// Absolute path of the directory that the release goes to.
    pub path: Utf8PathBuf,
    /// The directory of the project.
    pub project_directory: Utf8PathBuf,
    /// `Mix.env()` of the build.
    pub mix_env: String,
    /// `Mix.target()` of the build.
    pub mix_target: String,
    /// The project's own application; none at the root of an umbrella.
    pub project_application: Option<Atom>,
    /// The `applications` option as given: application and mode. Modes are checked when the boot scripts are made.
    pub applications: Vec<(Atom, Atom)>,
    /// Boot lists as custom steps have left them, when these have changed any; otherwise they follow from the applications.
    pub boot_scripts: Option<Vec<BootList>>,
    /// Names of all dependencies of the project (children of an umbrella included): these are never looked for in OTP.
    pub dependencies: Vec<Atom>,
    /// Where the build machine has each application that its code path knows: the directory that holds `ebin`.
    pub application_directories: BTreeMap<Atom, Utf8PathBuf>,
    /// Directory of consolidated protocols, when the project consolidates and it exists.
    pub consolidated: Option<Utf8PathBuf>,
    /// Elixir, OTP and ERTS.
    pub toolchain: Toolchain,
    /// Whether and how BEAM files are stripped.
    pub strip: Strip,
    /// The evaluated `config/config.exs`: a keyword list of keyword lists, `[]` when there is none.
    pub configuration: Term,
    /// Runtime configuration.
    pub runtime: RuntimeConfiguration,
    /// The `cookie` option.
    pub cookie: Option<String>,
    /// Whether `bin/NAME` and `env.sh` for Unix are wanted (`include_executables_for`).
    pub unix_executables: bool,
    /// `bin/NAME.bat`, when the scripts for Windows are wanted.
    pub windows_command: Option<String>,
    /// Directory of templates and of the default overlays, absolute (`rel_templates_path`).
    pub templates: Utf8PathBuf,
    /// Rendered templates by file name (`vm.args`, `remote.vm.args`, `env.sh`, `env.bat`); absent ones have defaults.
    pub rendered_templates: BTreeMap<String, Vec<u8>>,
    /// Overlay directories in order, absolute: the default one where it exists, then the `overlays` option.
    pub overlays: Vec<Utf8PathBuf>,
    /// Applications whose modes are not validated (`skip_mode_validation_for`).
    pub skip_mode_validation_for: Vec<Atom>,
    /// How the system starts by default (`boot`, an option of beamship's).
    pub boot: Boot,
}

/// `runtime.exs` as a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledConfiguration {
    /// The bytes of the file.
    pub source: Vec<u8>,
    /// The module `Beamship.RuntimeConfig`, whose `load/2` takes the configuration so far and the provider
    /// (`{Module, State}`) that would evaluate the file, and returns the configuration with what the file adds.
    pub beam: Vec<u8>,
}

/// How a system loads its code when nothing else is said at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// What a start uses at once, and the rest when the system runs.
    Fast,
    /// All of it before the first process starts, as in Mix's releases.
    Embedded,
}

/// Name of a boot script, and the applications it boots with their modes, in order.
pub type BootList = (String, Vec<(Atom, Atom)>);

/// Elixir and Erlang on the build machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Toolchain {
    /// Version of Elixir: `1.18.3`.
    pub elixir_version: String,
    /// Directory of Elixir's own executables (`elixir`, `iex`), where they are.
    pub elixir_bin: Option<Utf8PathBuf>,
    /// Major version of OTP: 27.
    pub otp_release: u32,
    /// `code:lib_dir()`, or the directory beside a given ERTS.
    pub otp_lib: Utf8PathBuf,
    /// The runtime system.
    pub erts: Erts,
}

/// The runtime system of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Erts {
    /// Its version: `15.2.7`.
    pub version: String,
    /// The `erts-VSN` directory that is copied; none when the release uses the one of the target machine.
    pub source: Option<Utf8PathBuf>,
}

/// What happens to BEAM files on their way into the release.
#[derive(Clone, Debug, PartialEq)]
pub enum Strip {
    /// They are copied as they are.
    Keep,
    /// Only these chunks stay, in this order; see `Mix.Release.strip_beam/2`.
    Chunks {
        /// Ids of the chunks that stay.
        chunks: Vec<[u8; 4]>,
        /// Whether the file is compressed.
        compress: bool,
    },
}

/// Configuration that is evaluated when the release starts.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeConfiguration {
    /// The file that becomes `releases/VSN/runtime.exs`.
    pub file: Option<Utf8PathBuf>,
    /// The same file, compiled for a fast start; none when it has to be evaluated.
    pub compiled: Option<CompiledConfiguration>,
    /// Initialised providers in order: `{Module, State}`. The one for [`RuntimeConfiguration::file`] is the first.
    pub providers: Vec<Term>,
    /// `reboot_system_after_config`.
    pub reboot: bool,
    /// `prune_runtime_sys_config_after_boot`.
    pub prune: bool,
    /// `start_distribution_during_config`.
    pub start_distribution: bool,
    /// `validate_compile_env`.
    pub validate_compile_env: bool,
}
