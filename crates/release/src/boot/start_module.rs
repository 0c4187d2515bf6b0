//! The module that the script of a fast start brings along.
//!
//! A boot script calls functions, and what a fast start needs done is more than a call. `beamship_start.erl` has the functions; its
//! compiled form is in the script, which puts it into the runtime before anything else is loaded. It was compiled by
//! OTP 25, and every later one that is tested loads it; `it/erlang_modules.rs` among the tests of `cli` compares it with its source,
//! and writes it.

use etf::{Atom, Term};

use super::atoms;
use super::script::{applied, apply};

/// The module, compiled and stripped.
const BEAM: &[u8] = include_bytes!("beamship_start.beam");

const NAME: &str = "beamship_start";

/// Puts the module into the runtime.
pub(super) fn load() -> Term {
    apply("erlang", "load_module", vec![Term::atom(NAME), Term::binary(BEAM)])
}

/// Loads these modules, each from the first that has it of the directories with these numbers in a path of this length.
pub(super) fn load_first(modules: &[(&Atom, Vec<usize>)], length: usize) -> Term {
    let number = |number: usize| Term::Integer(i64::try_from(number).unwrap_or_default());
    let modules = modules.iter().map(|(module, directories)| {
        let directories = directories.iter().copied().map(number).collect();
        Term::pair(Term::Atom((*module).clone()), Term::List(directories))
    });
    apply(NAME, "load_first", vec![Term::List(modules.collect()), number(length)])
}

/// Whether an instruction is [`load_first`].
pub(super) fn is_load_first(instruction: &Term) -> bool {
    applied(instruction, NAME, "load_first").is_some()
}

/// Puts the compiled form of a file in the place of the provider that evaluates it, if the file still is `source`.
pub(super) fn use_compiled(provider: &Term, source: &[u8], beam: &[u8]) -> Term {
    apply(NAME, "use_compiled", vec![provider.clone(), Term::binary(source), Term::binary(beam)])
}

/// Starts the process of low priority that loads these modules when the system has started.
pub(super) fn load_later(modules: &[Atom]) -> Term {
    let options = Term::List(vec![Term::pair(Term::atom("priority"), Term::atom("low"))]);
    let arguments = Term::List(vec![atoms(modules)]);
    apply("erlang", "spawn_opt", vec![Term::atom(NAME), Term::atom("load_later"), arguments, options])
}

/// Whether an instruction is [`load_later`].
pub(super) fn is_load_later(instruction: &Term) -> bool {
    matches!(applied(instruction, "erlang", "spawn_opt"),
        Some([module, function, ..]) if module.is_atom(NAME) && function.is_atom("load_later"))
}
