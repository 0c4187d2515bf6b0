//! Runtime configuration without a compiler.
//!
//! `runtime.exs` is evaluated when a system starts, and what evaluates it, most of Elixir's compiler, is a quarter of the code
//! that a start loads. So the build compiles the file to a module of its own (`crates/project`), and the script for a fast
//! start brings it along: right before the providers run, a function of the start module puts it in the
//! place of the provider that would evaluate the file. It does so only while the file of the release is, byte by byte,
//! what was compiled; one that was changed after the build is evaluated as ever.

use etf::Term;

use super::script::applied;
use super::start_module;
use crate::spec::CompiledConfiguration;

/// Puts the compiled configuration into the instructions of a script, if it runs providers. `provider` is `{Module, State}`
/// of the one that evaluates the file.
pub(super) fn insert(
    instructions: &mut Vec<Term>,
    compiled: &CompiledConfiguration,
    provider: &Term,
) -> Option<()> {
    let boot = instructions.iter().position(runs_providers)?;
    instructions.insert(boot, start_module::use_compiled(provider, &compiled.source, &compiled.beam));
    Some(())
}

/// `{apply, {'Elixir.Config.Provider', boot, _}}`.
fn runs_providers(instruction: &Term) -> bool {
    applied(instruction, "Elixir.Config.Provider", "boot").is_some()
}
