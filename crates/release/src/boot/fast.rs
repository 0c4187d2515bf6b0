//! A script that starts with the modules that a start uses, and loads the others when the system runs.
//!
//! In embedded mode every module of every application is loaded before the first process starts, and a start calls a
//! quarter of them. In interactive mode each is looked for when it is first called, one after the other. This script is for
//! interactive mode, and loads those that a recorded start has used all at once before: what stands before
//! `kernel_load_completed` is loaded in every mode (`init:eval_script/2`), in parallel, from the whole code path, consolidated
//! protocols first.
//!
//! When the system has started, a process of low priority loads the rest in small batches, so that it neither slows the start
//! nor occupies the code server, and a running system has as much code loaded as in embedded mode. A module that cannot
//! be loaded is reported in the log, and `ready` says so. The process is an expression for `erl_eval`, which every script loads
//! first (`background.erl` is its source).

use std::collections::BTreeSet;

use etf::{Atom, Term};

use super::script::apply;
use super::{atoms, configuration};
use crate::spec::RuntimeConfiguration;

/// The expression in the abstract format.
const BACKGROUND: &[u8] = include_bytes!("background.term");

/// The script for a fast start; none when the given one is not a script as `systools` writes it. Of `used` only modules that
/// the script loads count: a profile that is out of date costs time and nothing else.
pub(crate) fn fast(script: &Term, used: &BTreeSet<Atom>, runtime: &RuntimeConfiguration) -> Option<Term> {
    let [tag, identity, Term::List(instructions)] = script.as_tuple()? else { return None };
    let completed = instructions.iter().position(is_completed)?;
    let path =
        instructions.iter().filter_map(path).max_by_key(|path| path.as_list().map_or(0, <[Term]>::len))?;
    let early: BTreeSet<&Atom> = instructions[..completed].iter().flat_map(loaded).collect();
    let all: BTreeSet<&Atom> = instructions.iter().flat_map(loaded).collect();
    let wanted = |module: &&Atom| used.contains(*module) && !early.contains(module);
    let now: Vec<Atom> = all.iter().copied().filter(wanted).cloned().collect();
    let later: Vec<Atom> = all
        .iter()
        .copied()
        .filter(|module| !early.contains(module) && !used.contains(*module))
        .cloned()
        .collect();
    let mut result = instructions[..completed].to_vec();
    result.push(Term::pair(Term::atom("path"), path.clone()));
    result.push(Term::pair(Term::atom("primLoad"), atoms(&now)));
    result.extend_from_slice(&instructions[completed..]);
    if let (Some(compiled), Some(provider)) = (&runtime.compiled, runtime.providers.first()) {
        configuration::insert(&mut result, compiled, provider)?;
    }
    let end = result.iter().rposition(is_started)?;
    result.insert(end, load_later(&later)?);
    Some(Term::Tuple(vec![tag.clone(), identity.clone(), Term::List(result)]))
}

/// The same script without the modules that it loads before the system starts, and without those that it loads afterwards:
/// in interactive mode only what is used is loaded. None when it is no script of [`fast`].
pub(super) fn without_modules(script: &Term) -> Option<Term> {
    let [tag, identity, Term::List(instructions)] = script.as_tuple()? else { return None };
    let completed = instructions.iter().position(is_completed)?;
    let used = completed.checked_sub(1)?;
    let later = instructions.iter().rposition(is_started)?.checked_sub(1)?;
    let kept = instructions.iter().enumerate().filter(|(index, _)| ![used, later].contains(index));
    let kept = kept.map(|(_, instruction)| instruction.clone()).collect();
    Some(Term::Tuple(vec![tag.clone(), identity.clone(), Term::List(kept)]))
}

/// `{apply, {erlang, spawn_opt, [erl_eval, exprs, [Expressions, [{'Modules', Modules}]], [{priority, low}]]}}`.
fn load_later(modules: &[Atom]) -> Option<Term> {
    let expressions = etf::text::consult(BACKGROUND).ok()?.pop()?;
    let bindings = Term::List(vec![Term::pair(Term::atom("Modules"), atoms(modules))]);
    let options = Term::List(vec![Term::pair(Term::atom("priority"), Term::atom("low"))]);
    let arguments =
        vec![Term::atom("erl_eval"), Term::atom("exprs"), Term::List(vec![expressions, bindings]), options];
    Some(apply("erlang", "spawn_opt", arguments))
}

fn is_completed(instruction: &Term) -> bool {
    matches!(instruction.as_tuple(), Some([tag]) if tag.is_atom("kernel_load_completed"))
}

fn is_started(instruction: &Term) -> bool {
    matches!(instruction.as_tuple(), Some([tag, state]) if tag.is_atom("progress") && state.is_atom("started"))
}

fn path(instruction: &Term) -> Option<&Term> {
    match instruction.as_tuple() {
        Some([tag, path]) if tag.is_atom("path") => Some(path),
        _ => None,
    }
}

fn loaded(instruction: &Term) -> Vec<&Atom> {
    match instruction.as_tuple() {
        Some([tag, modules]) if tag.is_atom("primLoad") => {
            modules.as_list().unwrap_or_default().iter().filter_map(Term::as_atom).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::spec;
    use crate::spec::CompiledConfiguration;

    fn script() -> Term {
        let text = r#"{script,{"demo","1"},[{preLoaded,[init]},{progress,preloaded},{path,["$ROOT/lib/kernel/ebin"]},
            {primLoad,[error_handler]},{kernel_load_completed},{path,["$RELEASE_LIB/demo/ebin"]},{primLoad,[a,b,c,d]},
            {path,["consolidated","$ROOT/lib/kernel/ebin","$RELEASE_LIB/demo/ebin"]},{apply,{x,y,[]}},{progress,started}]}."#;
        etf::text::consult(text.as_bytes()).unwrap().remove(0)
    }

    fn runtime(compiled: Option<CompiledConfiguration>) -> RuntimeConfiguration {
        let provider = etf::text::consult(b"{'Elixir.Config.Reader',{a_file,[]}}.").unwrap().remove(0);
        RuntimeConfiguration { compiled, providers: vec![provider], ..spec().runtime }
    }

    #[test]
    fn the_compiled_configuration_takes_its_place_before_the_providers_run() {
        let text = "{script,{\"demo\",\"1\"},[{kernel_load_completed},{path,[]},{apply,{application,start_boot,[elixir]}},
            {apply,{'Elixir.Config.Provider',boot,[]}},{progress,started}]}.";
        let script = etf::text::consult(text.as_bytes()).unwrap().remove(0);
        let compiled = CompiledConfiguration { source: b"A".to_vec(), beam: b"B".to_vec() };
        let text = etf::text::plain(&fast(&script, &BTreeSet::new(), &runtime(Some(compiled))).unwrap());
        let bindings = "[{'Beam',<<66>>},{'Provider',{'Elixir.Config.Reader',{a_file,[]}}},{'Source',<<65>>}]]}},\
             {apply,{'Elixir.Config.Provider',boot,[]}}";
        assert!(text.contains(bindings), "{text}");
        let without = etf::text::plain(&fast(&script, &BTreeSet::new(), &runtime(None)).unwrap());
        assert!(!without.contains("Beam"), "{without}");
    }

    #[test]
    fn what_is_used_comes_first_and_the_rest_later() {
        let used = ["b", "d", "gone", "error_handler"].map(Atom::new).into();
        let fast = etf::text::plain(&fast(&script(), &used, &runtime(None)).unwrap());
        let path = r#"["consolidated","$ROOT/lib/kernel/ebin","$RELEASE_LIB/demo/ebin"]"#;
        let path = etf::text::plain(&etf::text::consult(format!("{path}.").as_bytes()).unwrap()[0]);
        let first = format!(
            "{{primLoad,[error_handler]}},{{path,{path}}},{{primLoad,[b,d]}},{{kernel_load_completed}},"
        );
        assert!(fast.contains(&first), "{fast}");
        assert!(fast.contains("[{'Modules',[a,c]}]"), "{fast}");
        assert!(fast.ends_with(",[{priority,low}]]}},{progress,started}]}"), "{fast}");
    }

    #[test]
    fn a_trial_start_is_told_nothing_of_modules() {
        let used = ["b"].map(Atom::new).into();
        let bare = without_modules(&fast(&script(), &used, &runtime(None)).unwrap()).unwrap();
        let bare = etf::text::plain(&bare);
        assert!(!bare.contains("{primLoad,[b]}") && !bare.contains("spawn_opt"), "{bare}");
        assert!(bare.contains("{primLoad,[error_handler]}") && bare.contains("{apply,{x,y,[]}}"), "{bare}");
    }

    #[test]
    fn something_else_is_no_script() {
        for text in ["x.", "{script,{\"a\",\"1\"},[]}.", "{script,{\"a\",\"1\"},[{kernel_load_completed}]}."]
        {
            let term = etf::text::consult(text.as_bytes()).unwrap().remove(0);
            assert_eq!(super::fast(&term, &BTreeSet::new(), &runtime(None)), None, "{text}");
        }
    }
}
