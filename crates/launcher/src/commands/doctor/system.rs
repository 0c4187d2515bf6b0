//! The running system: is it there, and does it answer?

use std::time::Duration;

use diagnosis::{Findings, Severity};
use node::{Connection, Deadline, NodeError};

use super::DoctorContext;
use crate::commands::stop::process_of;
use crate::control::{Route, unreachable};
use crate::distribution::Distribution;
use crate::exposure::without_epmd;
use crate::readiness;
use crate::state::{State, StateFile};

/// How long the node may take to answer.
const TIMEOUT: Duration = Duration::from_secs(3);

const CHECK: &str = "system";

/// What is known about a running system.
#[derive(Debug, Default)]
pub(super) struct System {
    /// Its process; none when it does not run, or in another container.
    pub(super) pid: Option<u32>,
    /// Where its node listens.
    pub(super) port: Option<u16>,
}

pub(super) fn check(context: &DoctorContext<'_>, findings: &mut Findings) -> System {
    let state = state(context, findings);
    let mut system = System {
        pid: state.as_ref().map(|state| state.process.pid),
        port: state.as_ref().and_then(|state| state.port),
    };
    let not_asked = |why: &str, findings: &mut Findings| match &state {
        Some(state) => findings.ok(CHECK, format_args!("runs as process {}; {why}", state.process.pid)),
        None => findings.ok(CHECK, format_args!("not known to run; {why}")),
    };
    let distribution = context.distribution.as_ref();
    if distribution.is_none_or(|distribution| *distribution == Distribution::None) {
        not_asked("without distribution it cannot be asked", findings);
        return system;
    }
    let (address, cookie) = match Route::find(context.release, context.environment) {
        Ok(Route::Native { address, cookie }) => (address, cookie),
        Ok(Route::VirtualMachine { protocol }) => {
            not_asked(&format!("over `{protocol}` it is not asked"), findings);
            return system;
        }
        Err(_) if state.is_none() && without_epmd().unwrap_or(false) => {
            findings.ok(CHECK, format_args!("does not run: there is no state file in RELEASE_TMP"));
            return system;
        }
        // What is wrong with the cookie has been reported.
        Err(_) => {
            not_asked("it was not asked", findings);
            return system;
        }
    };
    let node = address.node();
    match Connection::open(&address, &cookie, Deadline::after(TIMEOUT)) {
        Ok(mut connection) => {
            system.port = connection.peer().map(|peer| peer.port());
            let process = process_of(context.environment, &mut connection);
            system.pid = process.map(|process| process.pid).or(system.pid);
            let number = system.pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            match readiness::check(context.release, context.environment, &address, &cookie) {
                Ok(()) => findings.ok(CHECK, format_args!("`{node}` answers and is ready{number}")),
                Err(failure) => {
                    let hint =
                        "it may be starting or stopping: `ready --wait 30` waits; else look into its log";
                    findings.push(failure.hint(hint).into_finding(CHECK, Severity::Warning));
                }
            }
        }
        Err(NodeError::NoEpmd { .. } | NodeError::NotRegistered { .. } | NodeError::NoNode { .. })
            if state.is_none() =>
        {
            findings.ok(CHECK, format_args!("`{node}` does not run"));
        }
        Err(error) => findings.push(unreachable(&node, &error).into_finding(CHECK, Severity::Error)),
    }
    system
}

/// What the state file says.
fn state(context: &DoctorContext<'_>, findings: &mut Findings) -> Option<State> {
    let check = "state_file";
    let not_used = "remove it; until then control commands ask EPMD";
    let found = StateFile::read(context.environment);
    match &found {
        StateFile::Missing => findings.detail(check, format_args!("there is none")),
        StateFile::Running(state) => findings.detail(check, format_args!("its process {} runs", state.process.pid)),
        StateFile::Stale(path, pid) => findings.warning(check, format_args!(
                "{} is of process {pid}, which is gone: the system was killed, or the machine",
                path.display()
            ), format_args!("look for the reason (`journalctl`, `dmesg`, erl_crash.dump); the next start replaces the file")),
        StateFile::Untrusted(path) => findings.warning(check, format_args!("{} belongs to another user, and is not trusted", path.display()), format_args!("{not_used}")),
        StateFile::Invalid(path) => {
            findings.warning(check, format_args!("{} is damaged, or of another node", path.display()), format_args!("{not_used}"));
        }
    };
    match found {
        StateFile::Running(state) => Some(state),
        _ => None,
    }
}
