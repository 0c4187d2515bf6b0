//! The result of a build, for machines (`--json`).

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::output;

/// Prints a result for a machine.
///
/// # Errors
///
/// When stdout is gone.
pub(crate) fn print_json(result: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(result).context("cannot write the result as JSON")?;
    text.push('\n');
    Ok(output::print(text)?)
}

/// What a build did.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Name of the release.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// `Mix.env()` it was built for.
    pub(crate) environment: String,
    /// The directory it is in.
    pub(crate) path: String,
    /// Whether anything was written (`false` after `--dry-run`, and when nothing had changed since the last build).
    pub(crate) written: bool,
    /// Number of files.
    pub(crate) files: usize,
    /// Their size in bytes; none when they have not been written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// The tarball, when one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archive: Option<ArchiveReport>,
    /// Its applications by name.
    pub(crate) applications: Vec<ApplicationReport>,
    /// Its boot lists by name: applications and modes, in order.
    pub(crate) boot_lists: BTreeMap<String, Vec<BootedReport>>,
    /// What was done, in order.
    pub(crate) phases: Vec<PhaseReport>,
}

/// A tarball of the release.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ArchiveReport {
    /// Where it is.
    pub(crate) path: String,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

/// An application of the release.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ApplicationReport {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its mode in the boot list `start`.
    pub(crate) mode: String,
}

/// An application in a boot list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BootedReport {
    /// Its name.
    pub(crate) name: String,
    /// Its mode.
    pub(crate) mode: String,
}

/// A step of the build.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PhaseReport {
    /// Its name.
    pub(crate) name: String,
    /// Wall time in milliseconds.
    pub(crate) milliseconds: f64,
}

impl Report {
    /// Adds a phase.
    pub(crate) fn phase(&mut self, name: &'static str, duration: Duration) {
        self.phases.push(PhaseReport { name: name.to_owned(), milliseconds: duration.as_secs_f64() * 1e3 });
    }

    /// Notes how many files there are.
    pub(crate) fn count(&mut self, tree: &tree::Tree) {
        self.files =
            tree.entries().filter(|entry| !matches!(entry.node, tree::Node::Directory { .. })).count();
    }

    /// Adds what a plan consists of.
    pub(crate) fn plan(&mut self, plan: &release::Plan) {
        self.count(&plan.tree);
        self.applications = plan
            .graph
            .start
            .iter()
            .filter_map(|(name, mode)| {
                let application = plan.graph.applications.get(name)?;
                Some(ApplicationReport {
                    name: name.to_string(),
                    version: application.version.clone(),
                    mode: mode.name().to_owned(),
                })
            })
            .collect();
        self.applications.sort_by(|one, other| one.name.cmp(&other.name));
        let lists = plan.graph.boot_lists();
        self.boot_lists = lists
            .map(|(name, list)| {
                let booted = list.iter().map(|(name, mode)| BootedReport {
                    name: name.to_string(),
                    mode: mode.name().to_owned(),
                });
                (name.to_owned(), booted.collect())
            })
            .collect();
    }
}
