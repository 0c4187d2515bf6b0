//! Runtime configuration without a compiler.
//!
//! `runtime.exs` is evaluated when a system starts, and what evaluates it, most of Elixir's compiler, is a quarter of the code
//! that a start loads. So the build compiles the file to a module of its own (`crates/project`), and the script for a fast
//! start brings it along: right before the providers run, an expression (`configuration.erl` is its source) puts it in the
//! place of the provider that would evaluate the file. It does so only while the file of the release is, byte by byte,
//! what was compiled; one that was changed after the build is evaluated as ever.

use etf::Term;

use super::script::apply;
use crate::spec::CompiledConfiguration;

/// The expression in the abstract format.
const EXPRESSIONS: &[u8] = include_bytes!("configuration.term");

/// Puts the compiled configuration into the instructions of a script, if it runs providers. `provider` is `{Module, State}`
/// of the one that evaluates the file.
pub(super) fn insert(
    instructions: &mut Vec<Term>,
    compiled: &CompiledConfiguration,
    provider: &Term,
) -> Option<()> {
    let boot = instructions.iter().position(runs_providers)?;
    let expressions = etf::text::consult(EXPRESSIONS).ok()?.pop()?;
    let bindings = vec![
        Term::pair(Term::atom("Beam"), Term::binary(&compiled.beam)),
        Term::pair(Term::atom("Provider"), provider.clone()),
        Term::pair(Term::atom("Source"), Term::binary(&compiled.source)),
    ];
    instructions.insert(boot, apply("erl_eval", "exprs", vec![expressions, Term::List(bindings)]));
    Some(())
}

/// `{apply, {'Elixir.Config.Provider', boot, _}}`.
fn runs_providers(instruction: &Term) -> bool {
    let Some([tag, called]) = instruction.as_tuple() else { return false };
    let Some([module, function, _]) = called.as_tuple() else { return false };
    tag.is_atom("apply") && module.is_atom("Elixir.Config.Provider") && function.is_atom("boot")
}
