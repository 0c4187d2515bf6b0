//! What Phoenix's own tests assert of `Phoenix.Digester` and of `mix phx.digest` and `mix phx.digest.clean`, and what happens when
//! a run is killed or not alone.
//!
//! These assertions have the numbers D01 to D25, which stand in the names of the tests. It is checked that none is missing.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod cases;
mod cleaning;
mod faults;
mod languages;
mod place;

/// D24 is about the command: `crates/cli/tests/digest`.
const OF_THE_COMMAND: u32 = 24;

#[test]
fn no_case_is_missing() {
    let sources = [include_str!("cases.rs"), include_str!("cleaning.rs")].concat();
    let shown: Vec<u32> = sources
        .split("fn d")
        .flat_map(|rest| {
            rest.split('_').map_while(|part| part.trim_start_matches('d').parse().ok()).collect::<Vec<_>>()
        })
        .collect();
    let missing: Vec<u32> =
        (1..=25).filter(|number| *number != OF_THE_COMMAND && !shown.contains(number)).collect();
    assert_eq!(missing, [0; 0]);
}
