//! How many schedulers the virtual machine has online.
//!
//! It looks at the CPU quota of its control group itself, and does not find it where both versions of control groups are
//! mounted. Then it runs a thread for every processor of the machine in the time of one. So the launcher passes the number.

#![allow(unsafe_code, reason = "the number of processors is a system call that std does not have")]

use std::num::NonZeroUsize;

use crate::environment::Environment;
use crate::vm_arguments::has_flag;

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
    (usable > 0 && usable < all && !has_flag(environment, "+S")).then(|| format!(":{usable}"))
}
