//! The steps that `build` and `release` share: ask the project, plan the release, write it.

use std::time::Instant;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use project::Bridge;
use release::{Materials, Plan, ReleaseSpec};
use tree::{Node, Tree};

use crate::files::MachineFiles;
use crate::printer::{Phase, Printer, count, size};
use crate::report::Report;
use crate::{cookie, launcher_file};

/// A build under way.
pub struct Pipeline<'a> {
    /// Where progress is shown.
    pub printer: &'a Printer,
    /// What has been done so far.
    pub report: Report,
}

impl Pipeline<'_> {
    /// Plans the release that the project describes.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the project's release.
    pub fn plan(&mut self, spec: &ReleaseSpec) -> anyhow::Result<Plan> {
        let start = Instant::now();
        self.report.name.clone_from(&spec.name);
        self.report.version.clone_from(&spec.version);
        self.report.environment.clone_from(&spec.mix_env);
        self.report.path = spec.path.to_string();
        let materials = Materials {
            launcher: launcher_file::find()?,
            cookie: cookie::cookie(spec.cookie.as_deref(), &spec.path)?,
        };
        let plan = Plan::make(spec, &materials, &MachineFiles)?;
        self.report.plan(&plan);
        self.report.phase("plan", start.elapsed());
        Ok(plan)
    }
}
