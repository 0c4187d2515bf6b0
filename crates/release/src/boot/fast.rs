//! A script that starts with the modules that a start uses, and loads the others when the system runs.
//!
//! In embedded mode every module of every application is loaded before the first process starts, and a start calls a
//! quarter of them. In interactive mode each is looked for when it is first called, one after the other. This script is for
//! interactive mode, and loads those that a recorded start has used all at once before: what stands before
//! `kernel_load_completed` is loaded in every mode (`init:eval_script/2`), in parallel, from the whole code path, consolidated
//! protocols first. The largest come first, so that none of them is waited for when all others are done.
//!
//! When the system has started, a process of low priority loads the rest in small batches, so that it neither slows the start
//! nor occupies the code server, and a running system has as much code loaded as in embedded mode. A module that cannot
//! be loaded is reported in the log, and `ready` says so.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use etf::{Atom, Term};

use super::{atoms, configuration, script, start_module};
use crate::spec::RuntimeConfiguration;

/// What OTP loads first and a start does not need: `erl_eval` asks it to check expressions, and those of beamship are not checked.
const NOT_NEEDED: &str = "erl_lint";

/// How many modules are loaded at once, at most.
const BATCH: usize = 128;

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

    let mut result: Vec<Term> =
        instructions[..completed].iter().filter(|instruction| !is_load(instruction)).cloned().collect();
    result.push(start_module::load());
    result.push(start_module::wake_schedulers());
    result.push(Term::pair(Term::atom("path"), shortest_search(path, instructions, &first)));
    result.extend(batches(&now).iter().map(|batch| load(batch)));
    result.extend_from_slice(&instructions[completed..]);
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
    let mut kept: Vec<Term> = first.iter().filter(|instruction| !is_load(instruction)).cloned().collect();
    kept.push(load(&mandatory));
    kept.extend(rest.iter().filter(|instruction| !start_module::is_load_later(instruction)).cloned());
    Some(Term::Tuple(vec![tag.clone(), identity.clone(), Term::List(kept)]))
}

/// The same path with those directories first that have the most of these modules: each module is looked for in one directory
/// after the other, in a release of fifty applications in 17 of them. A module is in one directory only, but for consolidated
/// protocols, whose directory stays in front.
fn shortest_search(path: &Term, instructions: &[Term], modules: &BTreeSet<&Atom>) -> Term {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut current = None;
    for instruction in instructions {
        if let Some(directories) = self::path(instruction).and_then(Term::as_list) {
            // Before the modules of an application stands its own path, its directory last.
            current = directories.last().and_then(Term::to_text);
        } else if let Some(directory) = &current {
            let wanted = loaded(instruction).into_iter().filter(|module| modules.contains(module)).count();
            *counts.entry(directory.clone()).or_default() += wanted;
        }
    }
    let mut directories = path.as_list().unwrap_or_default().to_vec();
    directories.sort_by_key(|directory| {
        let count = directory.to_text().and_then(|directory| counts.get(&directory)).copied();
        count.map_or((false, Reverse(0)), |count| (true, Reverse(count)))
    });
    Term::List(directories)
}

/// Batches of about the same size, each with its part of the large modules, which come first.
fn batches(modules: &[Atom]) -> Vec<Vec<Atom>> {
    let count = modules.len().div_ceil(BATCH);
    (0..count).map(|first| modules.iter().skip(first).step_by(count).cloned().collect()).collect()
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
            {primLoad,[error_handler,erl_lint,gen]},{kernel_load_completed},{path,["$RELEASE_LIB/demo/ebin"]},{primLoad,[a,b,c,d]},
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
        // Most of them are in the application.
        let path = r#"["consolidated","$RELEASE_LIB/demo/ebin","$ROOT/lib/kernel/ebin"]"#;
        let path = etf::text::plain(&etf::text::consult(format!("{path}.").as_bytes()).unwrap()[0]);
        let first = format!(
            "{{apply,{{beamship_start,wake_schedulers,[]}}}},{{path,{path}}},\
             {{primLoad,[d,b,a,gen,error_handler]}},{{kernel_load_completed}},"
        );
        assert!(fast.contains(&first), "{fast}");
        let end = "{apply,{erlang,spawn_opt,[beamship_start,load_later,[[c,erl_lint]],[{priority,low}]]}},\
             {progress,started}]}";
        assert!(fast.ends_with(end), "{fast}");
    }

    #[test]
    fn many_modules_are_loaded_in_batches_with_the_large_ones_spread() {
        let modules: Vec<Atom> = (0..300).map(|number| Atom::new(format!("m{number:03}"))).collect();
        let batches = batches(&modules);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 100]);
        assert_eq!(batches[1][..2], ["m001", "m004"].map(Atom::new));
        assert!(super::batches(&[]).is_empty());
    }

    #[test]
    fn a_trial_start_is_told_nothing_of_modules() {
        let bare = without_modules(&fast(&script(), &[Atom::new("b")], &runtime(None)).unwrap()).unwrap();
        let bare = etf::text::plain(&bare);
        assert!(!bare.contains("load_later"), "{bare}");
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
