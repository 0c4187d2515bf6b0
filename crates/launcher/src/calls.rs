//! Calls of functions on the running system, for what the launcher itself wants to know.
//!
//! Commands ask for small values: a process number, a status, a list of applications. Whatever else comes back (an
//! exception, the end of the process that was called, a value that is too large to be a term here) is one failure, which
//! says what came.

use etf::{RawTerm, Term};
use node::{Connection, Deadline, Reply};

use crate::control::call_failed;
use crate::failure::Failure;

/// Reasons that are printed, in bytes of the external format.
const LONGEST_REASON: usize = 256 << 10;

/// Calls `Module:Function(Arguments…)`, and gives the value.
pub(crate) fn value(
    connection: &mut Connection,
    (module, function): (&str, &str),
    arguments: Vec<Term>,
    deadline: Deadline,
) -> Result<Term, Failure> {
    let reply = connection
        .call(module, function, arguments, deadline)
        .map_err(|error| call_failed(connection.node().as_str(), &error))?;
    reply.value().ok_or_else(|| aborted(connection.node().as_str(), &reply))
}

/// The number of the node's operating system process (`os:getpid/0`), as text.
pub(crate) fn os_process_id(connection: &mut Connection, deadline: Deadline) -> Result<String, Failure> {
    let value = value(connection, ("os", "getpid"), vec![], deadline)?;
    value.to_text().ok_or_else(|| {
        let value = etf::text::plain(&value);
        Failure::new(format!("`{}` says that its process is {value}", connection.node().as_str()))
    })
}

/// A call that has not returned what it should.
pub(crate) fn aborted(node: &str, reply: &Reply) -> Failure {
    let reason = match reply {
        Reply::Returned(value) | Reply::Raised { reason: value, .. } | Reply::Killed { reason: value } => {
            value
        }
    };
    let reason = described(reason, etf::text::plain).map_or_else(String::new, |reason| format!(": {reason}"));
    Failure::new(format!("the call on `{node}` was aborted{reason}"))
}

/// A reason as text; only the size of one that is large.
pub(crate) fn described(reason: &[u8], written: fn(&Term) -> String) -> Option<String> {
    if reason.len() > LONGEST_REASON {
        return Some(format!("a reason of {} bytes", reason.len()));
    }
    RawTerm::split(reason).ok()?.0.decode().ok().map(|reason| written(&reason))
}
