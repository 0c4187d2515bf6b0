//! Whether a system that was just started is ready, for who has started it and stays.
//!
//! A node that has begun to listen and does not know its cookie yet reports whoever connects, as an error in the system's
//! log. So it is only looked whether it listens until it does, and it is asked a moment later.

use std::time::{Duration, Instant};

use node::{Deadline, is_listening};

use crate::commands::look_natively;
use crate::control::{Route, SETUP};
use crate::distribution::Distribution;
use crate::environment::Environment;
use crate::release::Release;

/// How long a node may listen without its cookie: it gets that from the boot script, as soon as kernel is started.
const WITHOUT_COOKIE: Duration = Duration::from_millis(200);

/// How often it may be asked.
pub(crate) const INTERVAL: Duration = Duration::from_millis(50);

/// What is known of the start so far.
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
    pub(crate) fn look(&mut self) -> bool {
        if Distribution::from_environment(&self.environment).is_ok_and(|it| it == Distribution::None) {
            return true;
        }
        let (address, cookie) = match Route::find(&self.release, &self.environment) {
            Ok(Route::Native { address, cookie }) => (address, cookie),
            Ok(Route::VirtualMachine { .. }) => return true,
            Err(_) => return false,
        };
        if self.listens_since.is_none() && is_listening(&address, Deadline::after(SETUP)) {
            self.listens_since = Some(Instant::now());
        }
        self.listens_since.is_some_and(|since| since.elapsed() >= WITHOUT_COOKIE)
            && look_natively(&self.release, &self.environment, &address, &cookie).is_ok()
    }
}
