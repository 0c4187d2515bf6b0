//! The result of a build, for machines (`--json`).

use std::time::Duration;

use serde::Serialize;

/// What a build did.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Name of the release.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `Mix.env()` it was built for.
    pub environment: String,
    /// The directory it is in.
    pub path: String,
    /// Whether anything was written (`false` after `--dry-run`).
    pub written: bool,
    /// Number of files.
    pub files: usize,
    /// Their size in bytes; 0 when nothing was written.
    pub bytes: u64,
    /// Its applications by name.
    pub applications: Vec<ApplicationReport>,
    /// What was done, in order.
    pub phases: Vec<PhaseReport>,
}

/// An application of the release.
#[derive(Debug, Serialize)]
pub struct ApplicationReport {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its mode in the boot list `start`.
    pub mode: &'static str,
}

/// A step of the build.
#[derive(Debug, Serialize)]
pub struct PhaseReport {
    /// Its name.
    pub name: &'static str,
    /// Wall time in milliseconds.
    pub milliseconds: f64,
}

impl Report {
    /// Adds a phase.
    pub fn phase(&mut self, name: &'static str, duration: Duration) {
        self.phases.push(PhaseReport { name, milliseconds: duration.as_secs_f64() * 1e3 });
    }

    /// Adds what a plan consists of.
    pub fn plan(&mut self, plan: &release::Plan) {
        self.files = plan.tree.entries().filter(|entry| !matches!(entry.node, tree::Node::Directory { .. })).count();
        self.applications = plan
            .graph
            .start
            .iter()
            .filter_map(|(name, mode)| {
                let application = plan.graph.applications.get(name)?;
                Some(ApplicationReport {
                    name: name.to_string(),
                    version: application.version.clone(),
                    mode: mode.name(),
                })
            })
            .collect();
        self.applications.sort_by(|one, other| one.name.cmp(&other.name));
    }
}
