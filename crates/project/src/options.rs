//! How the bridge is started.

use std::ffi::OsString;
use std::fmt;

use camino::Utf8PathBuf;

use crate::output::Sink;

/// How the bridge is started, and in which project.
#[derive(Clone)]
pub struct BridgeOptions {
    /// Directory of the project: where its `mix.exs` is.
    pub directory: Utf8PathBuf,
    /// `MIX_ENV`, when the environment does not set it already.
    pub mix_env: String,
    /// Additions to the environment of this process, which the virtual machine inherits.
    pub environment: Vec<(OsString, OsString)>,
    /// The program that starts Elixir.
    pub elixir: OsString,
    /// Directory for caches; the compiled bridge is kept in it. Without one it is compiled each time (about 0.5 s).
    pub cache: Option<Utf8PathBuf>,
    /// The program whose `digest` command takes the place of `phx.digest` in `assets.deploy`. Without one the task of
    /// Phoenix runs.
    pub digest: Option<Utf8PathBuf>,
    /// Whether Mix colours what it prints.
    pub color: bool,
    /// Receives what Mix prints while it prints it; without one it is only collected.
    pub sink: Option<Sink>,
}

impl BridgeOptions {
    /// The usual options: `MIX_ENV=prod`, `elixir` from `PATH`; with a directory for caches, if there is one.
    pub fn new(directory: impl Into<Utf8PathBuf>, cache: Option<Utf8PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            mix_env: "prod".to_owned(),
            environment: Vec::new(),
            elixir: OsString::from("elixir"),
            cache,
            digest: None,
            color: false,
            sink: None,
        }
    }

    /// What the variable will be in the virtual machine.
    pub(crate) fn variable(&self, name: &str) -> Option<OsString> {
        let added = self.environment.iter().rev().find(|(key, _)| key == name);
        added.map(|(_, value)| value.clone()).or_else(|| std::env::var_os(name))
    }
}

impl fmt::Debug for BridgeOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of variables may be secrets.
        let variables: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        formatter
            .debug_struct("BridgeOptions")
            .field("directory", &self.directory)
            .field("mix_env", &self.mix_env)
            .field("environment", &variables)
            .field("elixir", &self.elixir)
            .field("cache", &self.cache)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}
