//! The running system: is it there, and does it answer?

use std::time::Duration;

use diagnosis::{Finding, Findings, Severity};
use node::{Connection, Deadline, NodeError};

use super::Patient;
use crate::commands::apps::look_natively;
use crate::commands::stop::process_of;
use crate::control::{Route, unreachable};
use crate::distribution::Distribution;
use crate::exposure::without_epmd;
use crate::state::{Found, State};

/// How long the node may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

const CHECK: &str = "system";

/// What is known about a running system.
#[derive(Debug, Default)]
pub(super) struct System {
    /// Its process; none when it does not run, or in another container.
    pub(super) pid: Option<u32>,
    /// Where its node listens.
    pub(super) port: Option<u16>,
}

pub(super) fn check(patient: &Patient<'_>, findings: &mut Findings) -> System {
    let state = state(patient, findings);
    let mut system = System {
        pid: state.as_ref().map(|state| state.process.pid),
        port: state.as_ref().and_then(|state| state.port),
    };
    let not_asked = |why: &str| match &state {
        Some(state) => Finding::ok(CHECK, format!("runs as process {}; {why}", state.process.pid)),
        None => Finding::ok(CHECK, format!("not known to run; {why}")),
    };
    let distribution = patient.distribution.as_ref();
    if distribution.is_none_or(|distribution| *distribution == Distribution::None) {
        findings.push(not_asked("without distribution it cannot be asked"));
        return system;
    }
    let (address, cookie) = match Route::find(patient.release, patient.environment) {
        Ok(Route::Native { address, cookie }) => (address, cookie),
        Ok(Route::VirtualMachine { protocol }) => {
            findings.push(not_asked(&format!("over `{protocol}` it is not asked")));
            return system;
        }
        Err(_) if state.is_none() && without_epmd().unwrap_or(false) => {
            findings.push(Finding::ok(CHECK, "does not run: there is no state file in RELEASE_TMP"));
            return system;
        }
        // What is wrong with the cookie has been said.
        Err(_) => {
            findings.push(not_asked("it was not asked"));
            return system;
        }
    };
    let node = address.node();
    findings.push(match Connection::open(&address, &cookie, Deadline::after(PATIENCE)) {
        Ok(mut connection) => {
            system.port = connection.peer().map(|peer| peer.port());
            let process = process_of(patient.environment, &mut connection);
            system.pid = process.map(|process| process.pid).or(system.pid);
            let number = system.pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            match look_natively(patient.release, patient.environment, &address, &cookie) {
                Ok(()) => Finding::ok(CHECK, format!("`{node}` answers and is ready{number}")),
                Err(failure) => failure
                    .hint("it may be starting or stopping: `ready --wait 30` waits; else look into its log")
                    .into_finding(CHECK, Severity::Warning),
            }
        }
        Err(NodeError::NoEpmd { .. } | NodeError::NotRegistered { .. } | NodeError::NoNode { .. })
            if state.is_none() =>
        {
            Finding::ok(CHECK, format!("`{node}` does not run"))
        }
        Err(error) => unreachable(&node, &error).into_finding(CHECK, Severity::Error),
    });
    system
}

/// What the state file says.
fn state(patient: &Patient<'_>, findings: &mut Findings) -> Option<State> {
    let check = "state_file";
    let not_used = "remove it; until then control commands ask EPMD";
    let found = Found::look(patient.environment);
    findings.push(match &found {
        Found::Nothing => Finding::detail(check, "there is none"),
        Found::Running(state) => Finding::detail(check, format!("its process {} runs", state.process.pid)),
        Found::Stale(path, pid) => Finding::warning(
            check,
            format!(
                "{} is of process {pid}, which is gone: the system was killed, or the machine",
                path.display()
            ),
            "look for the reason (`journalctl`, `dmesg`, erl_crash.dump); the next start replaces the file",
        ),
        Found::NotTrusted(path) => Finding::warning(
            check,
            format!("{} belongs to somebody else, and is not believed", path.display()),
            not_used,
        ),
        Found::Unusable(path) => {
            Finding::warning(check, format!("{} is damaged, or of another node", path.display()), not_used)
        }
    });
    match found {
        Found::Running(state) => Some(state),
        _ => None,
    }
}
