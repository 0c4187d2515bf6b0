//! The Elixir half of the bridge, embedded.
//!
//! `bootstrap.exs` is evaluated by `elixir -e`. It takes the compiled bridge from the cache or compiles it, connects,
//! and calls `Mix.CLI` with the task `beamship.bridge`; so everything from archives to `mix.exs` is loaded by Mix itself
//! and reported in its words.

use std::fmt::Write;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

/// What `elixir -e` evaluates.
pub(crate) const BOOTSTRAP: &str = include_str!("elixir/bootstrap.exs");

/// The modules of the bridge.
pub(crate) const BRIDGE: &str = concat!(
    include_str!("elixir/bridge.ex"),
    include_str!("elixir/phases.ex"),
    include_str!("elixir/digest.ex"),
    include_str!("elixir/options.ex"),
    include_str!("elixir/runtime.ex"),
    include_str!("elixir/compiled_configuration.ex"),
    include_str!("elixir/strip.ex"),
    include_str!("elixir/steps.ex"),
    include_str!("elixir/templates.ex"),
    include_str!("elixir/describe.ex"),
    include_str!("elixir/survey.ex"),
    include_str!("elixir/inputs.ex"),
);

/// The module that loads what a build uses before Elixir starts, compiled and stripped. `it/erlang_modules.rs` among the tests of `cli`
/// compares it with its source, and writes it.
pub(crate) const PRELOAD: &[u8] = include_bytes!("elixir/beamship_preload.beam");

/// Name of [`PRELOAD`].
pub(crate) const PRELOAD_NAME: &str = "beamship_preload";

/// Beginning of the path of the compiled bridge; the virtual machine appends its versions.
pub(crate) fn cache_path(cache: &Utf8Path) -> Utf8PathBuf {
    let digest = Sha256::digest(BRIDGE);
    let mut name = String::new();
    for byte in digest.iter().take(8) {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    cache.join("bridge").join(name)
}
