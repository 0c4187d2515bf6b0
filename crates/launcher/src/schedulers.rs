//! How many schedulers the virtual machine has online.
//!
//! It looks at the CPU quota of its control group itself, and does not find it where both versions of control groups are
//! mounted. Then it runs a thread for every processor of the machine in the time of one. So the launcher passes the number.

#![allow(unsafe_code, reason = "the number of processors is a system call that std does not have")]

use std::num::NonZeroUsize;

use crate::environment::Environment;
use crate::vm_arguments::has_word;

/// How many processors this process may use, and how many the machine has.
pub(crate) fn processors() -> (usize, usize) {
    let usable = std::thread::available_parallelism().map_or(0, NonZeroUsize::get);
    // SAFETY: it has no pointer arguments.
    let all = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    (usable, usize::try_from(all).unwrap_or(0))
}

/// The value of `+S` that limits it, when not all processors are available and the project has not set it.
pub(crate) fn argument(environment: &Environment) -> Option<String> {
    let (usable, all) = processors();
    (usable > 0 && usable < all && !has_word(environment, sets_schedulers)).then(|| format!(":{usable}"))
}

/// Whether an argument says how many schedulers there are: `+S` with its value behind it or in the next word, or `+SP`, the
/// same in percentages. `+SDcpu`, `+SDPcpu` and `+SDio` speak of dirty schedulers; those for the processor are never more
/// than the others (`erl(1)`).
fn sets_schedulers(argument: &str) -> bool {
    let Some(rest) = argument.strip_prefix("+S") else { return false };
    rest.chars().next().is_none_or(|first| first == 'P' || first == ':' || first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With any flag that begins with `+S` the virtual machine ran a thread for every processor of the machine.
    #[test]
    fn only_flags_for_schedulers_themselves_set_them() {
        for argument in ["+S", "+S4:2", "+S:2", "+SP", "+SP50:25"] {
            assert!(sets_schedulers(argument), "{argument}");
        }
        for argument in ["+SDio", "+SDio20", "+SDcpu", "+SDcpu2:2", "+SDPcpu", "+sbt", "S", "-S"] {
            assert!(!sets_schedulers(argument), "{argument}");
        }
    }
}
