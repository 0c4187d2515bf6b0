//! `sys.config`: the configuration that the node starts with.
//!
//! The evaluated `config/config.exs` as it is, and, when something is configured at start, the instructions for
//! `Config.Provider`, merged in as `Mix.Release.make_sys_config/3` does. Maps are written in the order of their keys,
//! because the order in which the virtual machine hands them out is not the same from one build to the next.

use etf::Term;

use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::spec::ReleaseSpec;

/// The text of `sys.config`.
///
/// # Errors
///
/// When a value cannot be written so that it can be read back.
pub(crate) fn sys_config(spec: &ReleaseSpec, graph: &Graph) -> Result<String, ReleaseError> {
    let base = entries(&spec.configuration, "the configuration")?;
    let reboots = !spec.runtime.providers.is_empty() && spec.runtime.reboot;
    let merged = if spec.runtime.providers.is_empty() {
        base
    } else {
        merge(&base, provider_entries(spec, graph), &merge_values)
    };
    for (application, values) in &merged {
        for (key, value) in entries(values, &format!("the configuration of `{application}`"))? {
            if let Some(kind) = unwritable(&value) {
                return Err(ReleaseError::UnwritableConfiguration {
                    application: application.clone(),
                    key,
                    kind,
                });
            }
        }
    }
    let term = canonical(keyword(merged));
    Ok(format!("%% coding: utf-8\n%% RUNTIME_CONFIG={reboots}\n{}.\n", etf::text::pretty(&term)))
}

/// A keyword list, its keys as text.
type Keyword = Vec<(String, Term)>;

fn keyword(entries: Keyword) -> Term {
    Term::List(entries.into_iter().map(|(key, value)| Term::pair(Term::atom(key), value)).collect())
}

fn as_keyword(term: &Term) -> Option<Keyword> {
    term.as_list()?
        .iter()
        .map(|element| match element.as_tuple() {
            Some([Term::Atom(key), value]) => Some((key.as_str().to_owned(), value.clone())),
            _ => None,
        })
        .collect()
}

fn entries(term: &Term, what: &str) -> Result<Keyword, ReleaseError> {
    as_keyword(term).ok_or_else(|| ReleaseError::MalformedConfiguration {
        reason: format!("{what} is not a keyword list"),
    })
}

/// What `Config.Provider.boot/0` needs at start.
fn provider_entries(spec: &ReleaseSpec, graph: &Graph) -> Keyword {
    let runtime = &spec.runtime;
    // While providers run, a node that reboots afterwards must not be reachable yet.
    let late_distribution = runtime.reboot && !runtime.start_distribution;
    let distribution = |start: bool| {
        vec![("kernel".to_owned(), keyword(vec![("start_distribution".to_owned(), Term::boolean(start))]))]
    };
    let init = Term::Map(vec![
        (Term::atom("__struct__"), Term::atom("Elixir.Config.Provider")),
        (
            Term::atom("config_path"),
            Term::Tuple(vec![
                Term::atom("system"),
                Term::binary("RELEASE_SYS_CONFIG"),
                Term::binary(".config"),
            ]),
        ),
        (
            Term::atom("extra_config"),
            if late_distribution { keyword(distribution(true)) } else { Term::nil() },
        ),
        (Term::atom("providers"), Term::List(runtime.providers.clone())),
        (Term::atom("prune_runtime_sys_config_after_boot"), Term::boolean(runtime.prune)),
        (Term::atom("reboot_system_after_config"), Term::boolean(runtime.reboot)),
        (Term::atom("validate_compile_env"), compile_env(spec, graph)),
    ]);
    let mut entries = vec![("elixir".to_owned(), keyword(vec![("config_provider_init".to_owned(), init)]))];
    if late_distribution {
        entries.extend(distribution(false));
    }
    entries
}

/// What was read from the configuration at compile time, by application; `false` when nothing was or nobody asks.
fn compile_env(spec: &ReleaseSpec, graph: &Graph) -> Term {
    let recorded: Vec<Term> =
        graph.applications.values().flat_map(|application| application.compile_env.clone()).collect();
    if recorded.is_empty() || !spec.runtime.validate_compile_env {
        Term::boolean(false)
    } else {
        Term::List(recorded)
    }
}

/// `Config.Reader.merge/2`: deep wherever both sides are keyword lists.
fn merge_values(left: &Term, right: Term) -> Term {
    match (as_keyword(left), as_keyword(&right)) {
        (Some(left), Some(right)) => keyword(merge(&left, right, &merge_values)),
        _ => right,
    }
}

/// `Keyword.merge/3`: keys that are on both sides move to the end, in the order of the right side.
fn merge(left: &[(String, Term)], right: Keyword, join: &dyn Fn(&Term, Term) -> Term) -> Keyword {
    let mut merged: Keyword =
        left.iter().filter(|(key, _)| !right.iter().any(|(other, _)| other == key)).cloned().collect();
    for (key, value) in right {
        let value = match left.iter().find(|(other, _)| *other == key) {
            Some((_, before)) => join(before, value),
            None => value,
        };
        merged.push((key, value));
    }
    merged
}

/// What a term holds that no file can: these exist in one running node only.
fn unwritable(term: &Term) -> Option<&'static str> {
    match term {
        Term::Pid { .. } => Some("a process identifier"),
        Term::Port { .. } => Some("a port"),
        Term::Reference { .. } => Some("a reference (or a compiled regular expression)"),
        Term::Opaque(_) => Some("an anonymous function"),
        Term::Tuple(elements) | Term::List(elements) => elements.iter().find_map(unwritable),
        Term::ImproperList(elements, tail) => {
            elements.iter().find_map(unwritable).or_else(|| unwritable(tail))
        }
        Term::Map(entries) => {
            entries.iter().find_map(|(key, value)| unwritable(key).or_else(|| unwritable(value)))
        }
        Term::Integer(_)
        | Term::BigInteger(_)
        | Term::Float(_)
        | Term::Atom(_)
        | Term::Binary(_)
        | Term::Bitstring(..)
        | Term::ExternalFun { .. } => None,
    }
}

/// The same term, entries of maps in the order of their keys.
fn canonical(term: Term) -> Term {
    match term {
        Term::Map(entries) => {
            let mut entries: Vec<(Term, Term)> =
                entries.into_iter().map(|(key, value)| (canonical(key), canonical(value))).collect();
            entries.sort_by(|(one, _), (other, _)| one.compare(other));
            Term::Map(entries)
        }
        Term::Tuple(elements) => Term::Tuple(elements.into_iter().map(canonical).collect()),
        Term::List(elements) => Term::List(elements.into_iter().map(canonical).collect()),
        Term::ImproperList(elements, tail) => {
            Term::ImproperList(elements.into_iter().map(canonical).collect(), Box::new(canonical(*tail)))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use etf::Atom;

    use super::*;
    use crate::memory::{machine, spec};

    fn text(configuration: &str, change: impl Fn(&mut ReleaseSpec)) -> Result<String, ReleaseError> {
        let mut spec = spec();
        spec.configuration = etf::text::consult(configuration.as_bytes()).unwrap().remove(0);
        change(&mut spec);
        sys_config(&spec, &Graph::resolve(&spec, &machine(&[])).unwrap())
    }

    fn term(text: &str) -> Term {
        etf::text::consult(text.as_bytes()).unwrap().remove(0)
    }

    fn with_provider(spec: &mut ReleaseSpec) {
        spec.runtime.providers = vec![term("{my_provider, state}.")];
        spec.runtime.reboot = true;
    }

    #[test]
    fn without_providers_the_configuration_stays_as_it_is() {
        let configuration = "[{demo,[{'ключ',<<\"значение\"/utf8>>},{list,\"é\"}]},{unused,[]}].";
        let text = text(configuration, |_| {}).unwrap();
        assert!(text.starts_with("%% coding: utf-8\n%% RUNTIME_CONFIG=false\n["), "{text}");
        assert_eq!(term(&text), term(configuration));
    }

    /// What providers need is there, and the distribution waits until they are done.
    #[test]
    fn providers_with_reboot_delay_the_distribution() {
        let text = text("[{kernel,[{logger_level,info}]},{demo,[]}].", with_provider).unwrap();
        assert!(text.starts_with("%% coding: utf-8\n%% RUNTIME_CONFIG=true\n"), "{text}");
        let config = term(&text);
        let init =
            config.property("elixir").and_then(|elixir| elixir.property("config_provider_init")).unwrap();
        assert!(init.map_value("__struct__").unwrap().is_atom("Elixir.Config.Provider"));
        assert_eq!(init.map_value("extra_config"), Some(&term("[{kernel,[{start_distribution,true}]}].")));
        assert_eq!(
            config.property("kernel"),
            Some(&term("[{logger_level,info},{start_distribution,false}]."))
        );
        // A key that is on both sides moves to the end.
        let order: Vec<String> =
            as_keyword(&config).unwrap().into_iter().map(|(application, _)| application).collect();
        assert_eq!(order, ["demo", "elixir", "kernel"]);
    }

    #[test]
    fn options_of_runtime_configuration_are_kept() {
        let early = text("[].", |spec| {
            with_provider(spec);
            spec.runtime.start_distribution = true;
            spec.runtime.prune = true;
        });
        let early = term(&early.unwrap());
        let init =
            early.property("elixir").and_then(|elixir| elixir.property("config_provider_init")).unwrap();
        assert_eq!(init.map_value("extra_config"), Some(&Term::nil()));
        assert!(init.map_value("prune_runtime_sys_config_after_boot").unwrap().is_atom("true"));
        assert!(early.property("kernel").is_none());
        let without_reboot = text("[].", |spec| {
            with_provider(spec);
            spec.runtime.reboot = false;
        });
        assert!(without_reboot.unwrap().contains("RUNTIME_CONFIG=false"));
    }

    #[test]
    fn values_that_no_file_can_hold_are_named() {
        let mut spec = spec();
        let pid = Term::Pid { node: Atom::new("n@h"), id: 1, serial: 0, creation: 1 };
        let value = Term::Map(vec![(Term::atom("nested"), Term::List(vec![pid]))]);
        spec.configuration = keyword(vec![("demo".to_owned(), keyword(vec![("owner".to_owned(), value)]))]);
        let graph = Graph::resolve(&spec, &machine(&[])).unwrap();
        let message = sys_config(&spec, &graph).unwrap_err().to_string();
        assert!(
            message.starts_with(
                "cannot write sys.config: the value of `owner` for the application `demo` holds a process identifier"
            ),
            "{message}"
        );
    }

    #[test]
    fn maps_are_written_in_the_order_of_their_keys() {
        let one = text("[{demo,[{map,#{b=>1,a=>2,1=>3}}]}].", |_| {}).unwrap();
        let other = text("[{demo,[{map,#{1=>3,a=>2,b=>1}}]}].", |_| {}).unwrap();
        assert_eq!(one, other);
    }
}
