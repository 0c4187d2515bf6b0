//! Whether the system is ready: it has started, all its permanent applications run, and all its code can be loaded.
//!
//! [`check`] asks once, for the command `ready` and for the doctor. [`Readiness`] is for a process that has just started a
//! system and waits. A node that listens and does not know its cookie yet logs an error for every connection. So until the node
//! listens nothing but that is tried, and it is asked a moment later.

use std::time::{Duration, Instant};

use etf::Term;
use node::{Address, Connection, Cookie, Deadline, is_listening};

use crate::calls::value;
use crate::control::{Route, SETUP_TIMEOUT, connect};
use crate::distribution::Distribution;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::release::Release;

/// How long a node may listen without its cookie: it gets that from the boot script, as soon as kernel is started.
const WITHOUT_COOKIE: Duration = Duration::from_millis(200);

/// How often it may be asked.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// An application that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunningApplication {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
}

/// What is known about a start so far.
#[derive(Clone, Debug)]
pub(crate) struct Readiness {
    release: Release,
    environment: Environment,
    listens_since: Option<Instant>,
}

impl Readiness {
    /// Of the system of this release and environment.
    pub(crate) fn of(release: &Release, environment: &Environment) -> Self {
        Self { release: release.clone(), environment: environment.clone(), listens_since: None }
    }

    /// Whether it is ready now. A system that cannot be asked counts as ready: one without distribution, and one that only a
    /// virtual machine can reach.
    pub(crate) fn poll(&mut self) -> bool {
        if Distribution::from_environment(&self.environment).is_ok_and(|it| it == Distribution::None) {
            return true;
        }
        let (address, cookie) = match Route::find(&self.release, &self.environment) {
            Ok(Route::Native { address, cookie }) => (address, cookie),
            Ok(Route::VirtualMachine { .. }) => return true,
            Err(_) => return false,
        };
        if self.listens_since.is_none() && is_listening(&address, Deadline::after(SETUP_TIMEOUT)) {
            self.listens_since = Some(Instant::now());
        }
        self.listens_since.is_some_and(|since| since.elapsed() >= WITHOUT_COOKIE)
            && check(&self.release, &self.environment, &address, &cookie).is_ok()
    }
}

/// Fails with the reason when the system is not ready.
pub(crate) fn check(
    release: &Release,
    environment: &Environment,
    address: &Address,
    cookie: &Cookie,
) -> Result<(), Failure> {
    let deadline = Deadline::after(SETUP_TIMEOUT);
    let mut connection = connect(address, cookie, deadline)?;
    let not_ready =
        |reason: String| Err(Failure::new(format!("`{}` is not ready: {reason}", address.node())));
    let status = status(&mut connection, deadline)?;
    if !is_started(&status) {
        return not_ready(format!("its status is {}", etf::text::plain(&status)));
    }
    let running = running_applications(&mut connection, deadline)?;
    let mut missing = release.permanent_applications(environment)?;
    missing.retain(|name| !running.iter().any(|application| application.name == *name));
    if !missing.is_empty() {
        return not_ready(format!("these applications do not run: {}", missing.join(", ")));
    }
    if release.has_fast_start()
        && let Some(failed) = failed_modules(&mut connection, deadline)?
    {
        return not_ready(format!("modules cannot be loaded: {}", etf::text::plain(&failed)));
    }
    Ok(())
}

/// `init:get_status()`.
pub(crate) fn status(connection: &mut Connection, deadline: Deadline) -> Result<Term, Failure> {
    value(connection, ("init", "get_status"), vec![], deadline)
}

/// Whether this status says that the system is neither starting nor stopping.
pub(crate) fn is_started(status: &Term) -> bool {
    matches!(status.as_tuple(), Some([phase, _]) if phase.is_atom("started"))
}

/// `application:which_applications()`, sorted by name.
pub(crate) fn running_applications(
    connection: &mut Connection,
    deadline: Deadline,
) -> Result<Vec<RunningApplication>, Failure> {
    let applications = value(connection, ("application", "which_applications"), vec![], deadline)?;
    let mut running: Vec<RunningApplication> = applications
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(|application| match application.as_tuple()? {
            [name, description, version] => Some(RunningApplication {
                name: name.as_atom()?.to_string(),
                version: version.to_text()?,
                description: description.to_text().unwrap_or_default(),
            }),
            _ => None,
        })
        .collect();
    running.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(running)
}

/// After a fast start code is loaded while the system runs: the modules that could not be, as soon as that is known.
fn failed_modules(connection: &mut Connection, deadline: Deadline) -> Result<Option<Term>, Failure> {
    let arguments = vec![Term::atom("kernel"), Term::atom("beamship_code")];
    let code = value(connection, ("application", "get_env"), arguments, deadline)?;
    Ok(match code.as_tuple() {
        Some([_, failed @ Term::List(_)]) => Some(failed.clone()),
        _ => None,
    })
}
