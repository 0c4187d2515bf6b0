//! What the launcher reads that others have written, for `fuzz/fuzz_targets/launcher_inputs.rs`. Nobody else sees it.

use crate::state::State;
use crate::vm_arguments::{DEEPEST_INCLUDE, DistributionArguments, expanded, variable_in, words};
use crate::{configuration, env_sh, exposure};

/// Reads any bytes as each of `vm.args`, `env.sh`, the runtime configuration, the state file, and an address.
pub fn read(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let words = words(&text);
    assert!(words.iter().map(String::len).sum::<usize>() <= text.len());
    // No file is included: the fuzzer would read any.
    let words = expanded(&words, DEEPEST_INCLUDE);
    let mut arguments = DistributionArguments::default();
    arguments.add(&words);
    let _ = variable_in(&words, "ERL_CRASH_DUMP");
    let _ = (env_sh::needs_shell(bytes), configuration::reboots(bytes));
    if let Ok(address) = exposure::address(&text) {
        assert!(exposure::tuple(address).starts_with('{'));
    }
    if let Some(state) = State::parse(bytes) {
        assert_eq!(State::parse(state.text().as_bytes()), Some(state));
    }
}
