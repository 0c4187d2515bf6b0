//! A system that runs already is not started a second time.
//!
//! Two nodes of one name cannot be. The second virtual machine would find that out late, after it has written its own
//! cookie and configuration for control commands to find, and would end with a crash dump. So the start asks first, in the
//! ways in which a control command finds a running system, and says which process it is.

use std::thread::sleep;
use std::time::Duration;

use node::{Connection, Deadline, NodeError};

use crate::calls::os_process_id;
use crate::control::Route;
use crate::distribution::Distribution;
use crate::environment::Environment;
use crate::epmd::Epmd;
use crate::failure::Failure;
use crate::release::Release;
use crate::state::State;

/// How long a system that is found may take to be gone: `stop` returns when it has been asked to, not when it has ended.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// How often it is searched for in that time.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a search may take. Its EPMD and its node are on this machine.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(1);

/// Fails when a node of this name runs. Without distribution nodes have no names. Else it tells what is known of EPMD, which was asked.
pub(crate) fn refuse(release: &Release, environment: &Environment) -> Result<Epmd, Failure> {
    if Distribution::from_environment(environment)? == Distribution::None {
        return Ok(Epmd::NotSeen);
    }
    let deadline = Deadline::after(SHUTDOWN_TIMEOUT);
    loop {
        let found = match running(release, environment) {
            Search::Found(found) => found,
            Search::Nothing(epmd) => return Ok(epmd),
        };
        let Some(left) = deadline.remaining() else {
            let node = environment.text("RELEASE_NODE")?;
            let program = environment.get("RELEASE_PROG").display();
            return Err(Failure::new(format!("`{node}` is already running{found}")).hint(format!(
                "`{program} stop --wait` stops it, `{program} restart` starts it again; a second system beside it needs another RELEASE_NODE"
            )));
        };
        sleep(left.min(POLL_INTERVAL));
    }
}

/// What a search has found.
enum Search {
    /// The running system, as the message describes it.
    Found(String),
    /// None that could be asked.
    Nothing(Epmd),
}

fn running(release: &Release, environment: &Environment) -> Search {
    if let Some(state) = State::of_running(environment) {
        return Search::Found(format!(" as process {}", state.process.pid));
    }
    // One that was started elsewhere, or that has another RELEASE_TMP. When this finds nothing, the start goes on.
    let Ok(Route::Native { address, cookie }) = Route::find(release, environment) else {
        return Search::Nothing(Epmd::NotSeen);
    };
    match Connection::open(&address, &cookie, Deadline::after(SEARCH_TIMEOUT)) {
        Ok(mut connection) => {
            let found = os_process_id(&mut connection, Deadline::after(SEARCH_TIMEOUT));
            Search::Found(
                found.map_or_else(|_| format!(" on `{}`", address.host), |pid| format!(" as process {pid}")),
            )
        }
        Err(NodeError::Cookie) => Search::Found(", with another cookie".to_owned()),
        Err(NodeError::NotRegistered { address, .. }) if address.ip().is_loopback() => {
            Search::Nothing(Epmd::Answers)
        }
        Err(_) => Search::Nothing(Epmd::NotSeen),
    }
}
