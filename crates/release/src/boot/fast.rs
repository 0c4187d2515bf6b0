//! A script that starts with the modules that a start uses, and loads the others when the system runs.
//!
//! In embedded mode every module of every application is loaded before the first process starts, and a start calls a
//! quarter of them. In interactive mode each is looked for when it is first called, one after the other. This script is for
//! interactive mode, and loads those that a recorded start has used before everything else, in parallel, consolidated protocols
//! from where they are consolidated. The largest come first, so that none of them is waited for when all others are done. A module
//! of the script brought along does it (`beamship_start.erl`). `primLoad` comes after it for what it could not load: what stands
//! before `kernel_load_completed` is loaded in every mode (`init:eval_script/2`).
//!
//! The runtime looks at every directory of a path that it is given, so this script gives it one path, where that of `systools`
//! gives one for each application.
//!
//! When the system has started, a process of low priority loads the rest in small batches, so that it neither slows the start
//! nor occupies the code server, and a running system has as much code loaded as in embedded mode. A module that cannot
//! be loaded is reported in the log, and `ready` says so.

use std::collections::{BTreeSet, HashMap};

use etf::{Atom, Term};

use super::{atoms, configuration, script, start_module};
use crate::spec::RuntimeConfiguration;

/// What OTP loads first and a start does not need: `erl_eval` asks it to check expressions, and those of beamship are not checked.
const NOT_NEEDED: &str = "erl_lint";

/// The script for a fast start; none when the given one is not a script as `systools` writes it. `used` are the modules that a
/// start uses, the largest first. Only those count that the script loads: a profile that is out of date costs time and
/// nothing else.
pub(crate) fn fast(script: &Term, used: &[Atom], runtime: &RuntimeConfiguration) -> Option<Term> {
    let [tag, identity, Term::List(instructions)] = script.as_tuple()? else { return None };
    let completed = instructions.iter().position(is_completed)?;
    let path =
        instructions.iter().filter_map(path).max_by_key(|path| path.as_list().map_or(0, <[Term]>::len))?;
    let all: BTreeSet<&Atom> = instructions.iter().flat_map(loaded).collect();
    let mut now: Vec<Atom> = used.iter().filter(|module| all.contains(module)).cloned().collect();
    let known: BTreeSet<&Atom> = used.iter().collect();
    let mandatory = instructions[..completed].iter().flat_map(loaded).filter(|module| **module != NOT_NEEDED);
    now.extend(mandatory.filter(|module| !known.contains(module)).cloned());
    let first: BTreeSet<&Atom> = now.iter().collect();
    let later: Vec<Atom> = all.into_iter().filter(|module| !first.contains(module)).cloned().collect();

    let is_replaced = |instruction: &&Term| is_load(instruction) || self::path(instruction).is_some();
    let (before, after) = instructions.split_at(completed);
    let mut result: Vec<Term> =
        before.iter().filter(|instruction| !is_replaced(instruction)).cloned().collect();
    result.push(Term::pair(Term::atom("path"), path.clone()));
    result.push(start_module::load());
    let directories = path.as_list().unwrap_or_default();
    result.push(start_module::load_first(&locate(&now, instructions, directories), directories.len()));
    result.push(load(&now));
    result.extend(after.iter().filter(|instruction| !is_replaced(instruction)).cloned());
    if let (Some(compiled), Some(provider)) = (&runtime.compiled, runtime.providers.first()) {
        configuration::insert(&mut result, compiled, provider)?;
    }
    let end = result.iter().rposition(is_started)?;
    result.insert(end, start_module::load_later(&later));
    Some(Term::Tuple(vec![tag.clone(), identity.clone(), Term::List(result)]))
}

/// The same script without the modules that it loads before the system starts and that it can do without, and without those
/// that it loads afterwards: in interactive mode only what is used is loaded. None when it is not a script of [`fast`].
pub(super) fn without_modules(script: &Term) -> Option<Term> {
    let [tag, identity, Term::List(instructions)] = script.as_tuple()? else { return None };
    let completed = instructions.iter().position(is_completed)?;
    let (first, rest) = instructions.split_at(completed);
    let mandatory: Vec<Atom> = first
        .iter()
        .flat_map(loaded)
        .filter(|module| script::MANDATORY.contains(&module.as_str()))
        .cloned()
        .collect();
    let loads = |instruction: &&Term| is_load(instruction) || start_module::is_load_first(instruction);
    let mut kept: Vec<Term> = first.iter().filter(|instruction| !loads(instruction)).cloned().collect();
    kept.push(load(&mandatory));
    kept.extend(rest.iter().filter(|instruction| !start_module::is_load_later(instruction)).cloned());
    Some(Term::Tuple(vec![tag.clone(), identity.clone(), Term::List(kept)]))
}

/// Modules, each with the numbers of those directories of the path that may have it, counted from one: where the script loads it
/// from, and before that the consolidated protocols.
fn locate<'m>(
    modules: &'m [Atom],
    instructions: &[Term],
    directories: &[Term],
) -> Vec<(&'m Atom, Vec<usize>)> {
    let mut places: HashMap<&Atom, Vec<usize>> = HashMap::new();
    let mut current = Vec::new();
    for instruction in instructions {
        if let Some(path) = path(instruction).and_then(Term::as_list) {
            let number = |directory| directories.iter().position(|other| other == directory);
            current = path.iter().filter_map(number).map(|index| index + 1).collect();
        }
        for module in loaded(instruction) {
            places.entry(module).or_insert_with(|| current.clone());
        }
    }
    modules.iter().map(|module| (module, places.remove(module).unwrap_or_default())).collect()
}

fn load(modules: &[Atom]) -> Term {
    Term::pair(Term::atom("primLoad"), atoms(modules))
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

fn is_load(instruction: &Term) -> bool {
    matches!(instruction.as_tuple(), Some([tag, _]) if tag.is_atom("primLoad"))
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
            {primLoad,[error_handler,erl_lint,gen]},{kernel_load_completed},{path,["consolidated","$RELEASE_LIB/demo/ebin"]},
            {primLoad,[a,b,c,d]},
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
        let text = etf::text::plain(&fast(&script, &[], &runtime(Some(compiled))).unwrap());
        let call = "{apply,{beamship_start,use_compiled,[{'Elixir.Config.Reader',{a_file,[]}},<<65>>,<<66>>]}},\
             {apply,{'Elixir.Config.Provider',boot,[]}}";
        assert!(text.contains(call), "{text}");
        let without = etf::text::plain(&fast(&script, &[], &runtime(None)).unwrap());
        assert!(!without.contains("use_compiled"), "{without}");
    }

    #[test]
    fn what_is_used_comes_first_and_the_rest_later() {
        let used = ["d", "gone", "b", "a", "gen"].map(Atom::new);
        let fast = etf::text::plain(&fast(&script(), &used, &runtime(None)).unwrap());
        // One path; each module with its directories in it, consolidated protocols before all others.
        let path = r#"{path,["consolidated","$ROOT/lib/kernel/ebin","$RELEASE_LIB/demo/ebin"]}"#;
        let path = etf::text::plain(&etf::text::consult(format!("{path}.").as_bytes()).unwrap()[0]);
        assert_eq!(fast.matches("{path,").count(), 1, "{fast}");
        assert!(
            fast.contains(&format!("{{progress,preloaded}},{path},{{apply,{{erlang,load_module,")),
            "{fast}"
        );
        let first = "{apply,{beamship_start,load_first,[[{d,[1,3]},{b,[1,3]},{a,[1,3]},{gen,[2]},\
             {error_handler,[2]}],3]}},{primLoad,[d,b,a,gen,error_handler]},{kernel_load_completed},";
        let first = etf::text::plain(&etf::text::consult(format!("[{first}x].").as_bytes()).unwrap()[0]);
        let first = first.trim_start_matches('[').trim_end_matches("x]").to_owned();
        assert!(fast.contains(&first), "{fast}");
        let end = "{apply,{erlang,spawn_opt,[beamship_start,load_later,[[c,erl_lint]],[{priority,low}]]}},\
             {progress,started}]}";
        assert!(fast.ends_with(end), "{fast}");
    }

    #[test]
    fn a_trial_start_is_told_nothing_of_modules() {
        let bare = without_modules(&fast(&script(), &[Atom::new("b")], &runtime(None)).unwrap()).unwrap();
        let bare = etf::text::plain(&bare);
        assert!(!bare.contains("load_later") && !bare.contains("load_first"), "{bare}");
        assert!(
            bare.contains("{primLoad,[error_handler,gen]}") && bare.contains("{apply,{x,y,[]}}"),
            "{bare}"
        );
    }

    #[test]
    fn something_else_is_no_script() {
        for text in ["x.", "{script,{\"a\",\"1\"},[]}.", "{script,{\"a\",\"1\"},[{kernel_load_completed}]}."]
        {
            let term = etf::text::consult(text.as_bytes()).unwrap().remove(0);
            assert_eq!(super::fast(&term, &[], &runtime(None)), None, "{text}");
        }
    }
}
