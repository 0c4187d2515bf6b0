//! The order of applications in a boot script: each after what it uses and includes.
//!
//! A port of `add_top_apps_to_uses/3`, `sort_used_and_incl_appls/2` and `sort_appls/1` of `systools_make.erl`, down to
//! the order in which equal choices are made, because the bytes of the boot file depend on it.

use std::collections::HashMap;

use etf::Atom;

use super::Booted;
use crate::error::ReleaseError;

/// Sorts the applications of a boot list; `uses` and `includes` of each come out as they are written to the script.
pub(super) fn order(mut booted: Vec<Booted<'_>>) -> Result<Vec<Booted<'_>>, ReleaseError> {
    use_top_applications(&mut booted);
    sort_lists(&mut booted);
    sort(booted)
}

/// An application that needs one which another includes needs the including one instead.
fn use_top_applications(booted: &mut [Booted<'_>]) {
    let mut includer: HashMap<Atom, Atom> = HashMap::new();
    for item in booted.iter() {
        for included in &item.includes {
            includer.entry(included.clone()).or_insert_with(|| item.application.name.clone());
        }
    }
    if includer.is_empty() {
        return;
    }
    // Inclusion is unique, but a circle of inclusions would go round for ever: the steps are bounded.
    let top = |name: &Atom| {
        let mut current = name.clone();
        for _ in 0..=includer.len() {
            match includer.get(&current) {
                Some(parent) => current = parent.clone(),
                None => break,
            }
        }
        current
    };
    for item in booted {
        let own_top = top(&item.application.name);
        for used in item.uses.clone() {
            if used == own_top {
                remove(&mut item.uses, &own_top);
            } else if includer.contains_key(&used) {
                let used_top = top(&used);
                if item.uses.contains(&used_top) {
                    remove(&mut item.uses, &used);
                } else if used_top != own_top {
                    remove(&mut item.uses, &used);
                    item.uses.push(used_top);
                }
            }
        }
    }
}

fn remove(list: &mut Vec<Atom>, name: &Atom) {
    if let Some(position) = list.iter().position(|element| element == name) {
        list.remove(position);
    }
}

/// Both lists in the order of the boot list; what is not in it (absent optional applications) last.
fn sort_lists(booted: &mut [Booted<'_>]) {
    let position: HashMap<Atom, usize> =
        booted.iter().enumerate().map(|(index, item)| (item.application.name.clone(), index)).collect();
    let key = |name: &Atom| position.get(name).copied().unwrap_or(usize::MAX);
    for item in booted {
        item.uses.sort_by_key(key);
        item.includes.sort_by_key(key);
    }
}

/// `sort_appls/4`: the first application that waits for another one is put off until right after those.
fn sort(booted: Vec<Booted<'_>>) -> Result<Vec<Booted<'_>>, ReleaseError> {
    let mut waiting = booted;
    let mut visited: Vec<Atom> = Vec::new();
    let mut circular: Vec<Atom> = Vec::new();
    let mut sorted = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let item = waiting.remove(0);
        let mut first = take_all(&item, &item.uses, &mut waiting);
        first.extend(take_all(&item, &item.includes, &mut waiting));
        let name = item.application.name.clone();
        if first.is_empty() {
            sorted.push(item);
        } else {
            let again: Vec<Atom> = first
                .iter()
                .map(|other| other.application.name.clone())
                .filter(|other| visited.contains(other))
                .collect();
            first.push(item);
            first.append(&mut waiting);
            if !again.is_empty() {
                circular.push(name.clone());
                circular.extend(again.iter().cloned());
                first.retain(|other| !again.contains(&other.application.name));
            }
            waiting = first;
        }
        visited.push(name);
    }
    if circular.is_empty() {
        return Ok(sorted);
    }
    circular.sort();
    circular.dedup();
    Err(ReleaseError::CircularDependency { applications: circular })
}

/// `find_all/6`: takes the named applications out of those that wait, in the order of the names. One that includes the
/// asking application stays: X may include Y while Y uses X.
fn take_all<'graph>(
    asking: &Booted<'graph>,
    names: &[Atom],
    waiting: &mut Vec<Booted<'graph>>,
) -> Vec<Booted<'graph>> {
    let mut taken = Vec::new();
    for name in names {
        let found = waiting.iter().position(|item| item.application.name == *name);
        if let Some(position) = found
            && !waiting[position].includes.contains(&asking.application.name)
        {
            taken.push(waiting.remove(position));
        }
    }
    taken
}
