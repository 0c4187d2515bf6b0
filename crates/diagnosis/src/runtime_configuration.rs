//! Which variables a `runtime.exs` asks for, found out without evaluating it.
//!
//! The file is code, and what it asks for depends on what it finds. But most of them look alike: `System.fetch_env!("X")`
//! and `System.get_env("X") || raise "…"` need a variable, `System.get_env("X", "default")` does not, and all of it is inside
//! `if config_env() == :prod do`. These forms are understood. What is inside a condition that is not understood may be
//! needed or not, and is reported as such. A variable whose name is computed is not found.

mod condition;
mod fetch;
mod token;

use fetch::{Fetch, fetches};

/// Whether a start needs a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// It starts without.
    None,
    /// It does, or it fails: that depends on a condition.
    Unclear,
    /// It fails without.
    Certain,
}

/// Variables that are asked for in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variables {
    /// Their names. Where there are several, one of them is enough.
    pub names: Vec<String>,
    /// The line in which they are asked for.
    pub line: usize,
    /// Whether one of them has to be set.
    pub need: Need,
}

/// The variables that a configuration asks for, each once, in the order of their first place. `environment` is what
/// `config_env()` gives, and `is_set` says which variables are there: conditions may ask for both.
pub fn variables(source: &str, environment: &str, is_set: &dyn Fn(&str) -> bool) -> Vec<Variables> {
    let mut all: Vec<Variables> = Vec::new();
    for fetch in fetches(source) {
        let need = need(&fetch, environment, is_set);
        match all.iter_mut().find(|known| known.names == fetch.names) {
            Some(known) if need > known.need => {
                known.need = need;
                known.line = fetch.line;
            }
            Some(_) => {}
            None => {
                let names = fetch.names.iter().map(|name| (*name).to_owned()).collect();
                all.push(Variables { names, line: fetch.line, need });
            }
        }
    }
    all
}

fn need(fetch: &Fetch<'_>, environment: &str, is_set: &dyn Fn(&str) -> bool) -> Need {
    let mut need = if fetch.is_required { Need::Certain } else { Need::None };
    for condition in &fetch.conditions {
        match condition.is_met(environment, is_set) {
            Some(true) => {}
            Some(false) => return Need::None,
            None => need = need.min(Need::Unclear),
        }
    }
    need
}

#[cfg(test)]
mod tests;
