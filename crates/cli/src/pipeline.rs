//! The steps that `build` and `release` share: ask the project, plan the release, write it.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use project::{
    Bridge, BridgeError, BridgeOptions, CompileOptions, Notice, Outcome, ReleaseRequest, Step, Stream,
};
use release::{MANIFEST, Materials, Plan, ReleaseSpec};
use tree::directory::{self, DirectoryOptions};
use tree::{Content, Node, TreePath};

use crate::arguments::{CompileArguments, GlobalArguments, TargetArguments};
use crate::failure::AlreadyExplained;
use crate::files::MachineFiles;
use crate::printer::{Phase, Printer, Verbosity, count, size};
use crate::report::Report;
use crate::{cookie, launcher_file};

/// A build under way.
pub(crate) struct Pipeline<'a> {
    printer: &'a Printer,
    bridge: Bridge,
    report: Report,
}

impl<'a> Pipeline<'a> {
    /// Loads the project.
    ///
    /// # Errors
    ///
    /// When there is no project, no Elixir, or `mix.exs` does not load.
    pub(crate) fn start(global: &GlobalArguments, printer: &'a Printer) -> anyhow::Result<Self> {
        let phase = printer.phase("project");
        let mut options = BridgeOptions::new(project_directory(global)?);
        if printer.verbosity() == Verbosity::Verbose {
            options.sink = Some(Arc::new(|_: Stream, bytes: &[u8]| {
                let _ = anstream::stderr().write_all(bytes);
            }));
        }
        let bridge = match Bridge::start(&options) {
            Ok(bridge) => bridge,
            Err(error) => return Err(explain(error, phase, printer)),
        };
        let information = bridge.information();
        let versions = format!(
            "Elixir {} on OTP {}, MIX_ENV={}",
            information.elixir_version, information.otp_release, information.mix_env
        );
        printer.pass_on_warnings(&bridge.loading().output);
        if information.aliases.iter().any(|alias| alias == "release") {
            printer.warn(
                "the project has an alias `release`, which `mix release` would run and beamship does not",
            );
        }
        let mut pipeline = Self { printer, bridge, report: Report::default() };
        pipeline.report.phase("project", phase.finish(&versions));
        Ok(pipeline)
    }

    /// Fetches dependencies that are missing.
    ///
    /// # Errors
    ///
    /// When they cannot be fetched.
    pub(crate) fn dependencies(&mut self) -> anyhow::Result<()> {
        self.phase("dependencies", Bridge::fetch_dependencies, |dependencies| {
            let number = count(dependencies.count as usize);
            match (dependencies.count, dependencies.fetched) {
                (0, _) => "none".to_owned(),
                (_, true) => format!("{number}, fetched"),
                (_, false) => format!("{number}, as locked"),
            }
        })?;
        Ok(())
    }

    /// Compiles the project, or only sets up its code paths.
    ///
    /// # Errors
    ///
    /// When it does not compile.
    pub(crate) fn compile(&mut self, arguments: &CompileArguments, no_compile: bool) -> anyhow::Result<()> {
        let options = CompileOptions {
            no_compile,
            no_deps_check: arguments.no_deps_check,
            no_archives_check: arguments.no_archives_check,
            no_elixir_version_check: arguments.no_elixir_version_check,
        };
        let result = if no_compile { "not asked for" } else { "done" };
        self.phase("compile", |bridge| bridge.compile(&options), |()| result.to_owned())
    }

    /// Runs `assets.deploy`, when the project has such an alias.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub(crate) fn assets(&mut self) -> anyhow::Result<()> {
        let text = |deployed: &bool| {
            if *deployed { "assets.deploy".to_owned() } else { "no alias `assets.deploy`".to_owned() }
        };
        self.phase("assets", Bridge::deploy_assets, text)?;
        Ok(())
    }

    /// Reads the options of the release and evaluates its configuration.
    ///
    /// # Errors
    ///
    /// When they are wrong, or ask for what beamship cannot do.
    pub(crate) fn describe(
        &mut self,
        target: &TargetArguments,
        overwrite: bool,
    ) -> anyhow::Result<project::ReleaseDescription> {
        let request = ReleaseRequest {
            name: target.name.clone(),
            path: target.path.clone(),
            version: target.version.clone(),
            overwrite: overwrite.then_some(true),
            quiet: (self.printer.verbosity() == Verbosity::Quiet).then_some(true),
        };
        let description = self.phase(
            "configuration",
            |bridge| bridge.describe_release(&request),
            |description| format!("{}-{}", description.spec.name, description.spec.version),
        )?;
        if description.steps.contains(&Step::Tar) {
            anyhow::bail!(
                "the steps of the release ask for a tarball (`:tar`), which beamship does not make yet\n\
                 hint: remove `:tar` from `steps:`, or build this release with `mix release`"
            );
        }
        for notice in &description.notices {
            match notice {
                Notice::Warning(text) => self.printer.warn(text),
                Notice::Information(text) => self.printer.say(&format!("  {text}")),
            }
        }
        Ok(description)
    }

    fn phase<T>(
        &mut self,
        name: &'static str,
        run: impl FnOnce(&mut Bridge) -> Result<Outcome<T>, BridgeError>,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<T> {
        let phase = self.printer.phase(name);
        match run(&mut self.bridge) {
            Ok(outcome) => {
                let duration = phase.finish(&text(&outcome.value));
                self.printer.pass_on_warnings(&outcome.output);
                self.report.phase(name, duration);
                Ok(outcome.value)
            }
            Err(error) => Err(explain(error, phase, self.printer)),
        }
    }

    /// Ends the virtual machine: what follows is native. The release is planned from what the project said.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the release.
    pub(crate) fn plan(self, spec: &ReleaseSpec) -> anyhow::Result<PlannedRelease<'a>> {
        let Self { printer, bridge, mut report } = self;
        // It has nothing left to say, and takes longer to end than the plan to make.
        let ending = std::thread::spawn(move || bridge.stop());
        let start = Instant::now();
        report.name.clone_from(&spec.name);
        report.version.clone_from(&spec.version);
        report.environment.clone_from(&spec.mix_env);
        report.path = spec.path.to_string();
        let materials = Materials {
            launcher: launcher_file::find()?,
            cookie: cookie::cookie(spec.cookie.as_deref(), &spec.path)?,
        };
        let plan = Plan::make(spec, &materials, &MachineFiles)?;
        report.plan(&plan);
        report.phase("plan", start.elapsed());
        Ok(PlannedRelease { printer, report, plan, target: spec.path.clone(), ending })
    }
}

/// A release that only has to be written.
pub(crate) struct PlannedRelease<'a> {
    printer: &'a Printer,
    report: Report,
    plan: Plan,
    target: Utf8PathBuf,
    ending: std::thread::JoinHandle<Result<Outcome<()>, BridgeError>>,
}

impl PlannedRelease<'_> {
    /// Writes the release, all or nothing, and says so.
    ///
    /// # Errors
    ///
    /// When it cannot be written; what was there before is then still there.
    pub(crate) fn write(mut self, json: bool) -> anyhow::Result<()> {
        let phase = self.printer.phase("assemble");
        let options = DirectoryOptions { manifest: Some(TreePath::new(MANIFEST)?) };
        let written = match directory::write(&self.plan.tree, &self.target, &options, &phase) {
            Ok(written) => written,
            Err(error) => {
                phase.abandon();
                return Err(error.into());
            }
        };
        let text = format!("{} files, {}", count(written.files), size(written.bytes));
        self.report.phase("assemble", phase.finish(&text));
        self.report.written = true;
        self.report.bytes = written.bytes;
        let printer = self.printer;
        let report = self.end_bridge();
        announce(&report, printer);
        if json { print_json(&report) } else { Ok(()) }
    }

    /// Prints the plan instead of writing it.
    ///
    /// # Errors
    ///
    /// When stdout is gone.
    pub(crate) fn print(self, json: bool) -> anyhow::Result<()> {
        if json {
            return print_json(&self.end_bridge());
        }
        let mut text = format!("{} {} in {}\n", self.report.name, self.report.version, self.report.path);
        for application in &self.report.applications {
            text.push_str(&format!(
                "{:<10} {} {}\n",
                application.mode, application.name, application.version
            ));
        }
        for entry in self.plan.tree.entries() {
            let line = match entry.node {
                Node::Directory { .. } => continue,
                Node::Link { target } => format!("link {} -> {target}", entry.path),
                Node::File { mode, content } => {
                    let origin = match content {
                        Content::Bytes(_) => String::new(),
                        Content::Copy(from) => format!(" = {from}"),
                        Content::StrippedBeam(from, _) => format!(" = stripped {from}"),
                    };
                    format!("{mode:04o} {}{origin}", entry.path)
                }
            };
            text.push_str(&line);
            text.push('\n');
        }
        self.end_bridge();
        Ok(anstream::stdout().write_all(text.as_bytes())?)
    }

    /// The release is done whatever the virtual machine does at its end; only a strange end is worth a word.
    fn end_bridge(self) -> Report {
        if let Ok(Err(error)) = self.ending.join() {
            self.printer.warn(&error.to_string());
        }
        self.report
    }

    /// Whether a release of this version is at the target already.
    pub(crate) fn exists(&self) -> bool {
        self.target.join("releases").join(&self.report.version).exists()
    }

    /// `NAME-VERSION`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}-{}", self.report.name, self.report.version)
    }
}

/// The directory of the project, as an absolute path, so that messages say which one is meant.
fn project_directory(global: &GlobalArguments) -> anyhow::Result<Utf8PathBuf> {
    let given = global.directory.clone().unwrap_or_else(|| Utf8PathBuf::from("."));
    match given.canonicalize_utf8() {
        Ok(directory) => Ok(directory),
        Err(error) => anyhow::bail!("cannot use `{given}` as the directory of the project: {error}"),
    }
}

impl tree::Progress for Phase {
    fn files(&self, done: usize, total: usize) {
        self.progress(done, total);
    }

    fn message(&self, text: &str) {
        self.say(text);
    }
}

fn announce(report: &Report, printer: &Printer) {
    let path = Utf8Path::new(&report.path);
    let current = Utf8PathBuf::from_path_buf(std::env::current_dir().unwrap_or_default()).unwrap_or_default();
    let shown = path.strip_prefix(&current).unwrap_or(path);
    let command = format!("{shown}/bin/{}", report.name);
    printer.say(&format!(
        "\nThe release {}-{} is in {shown}\n\n    {command} start      start it\n    {command}            list its commands",
        report.name, report.version
    ));
}

fn print_json(report: &Report) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(report).context("cannot write the result as JSON")?;
    text.push('\n');
    Ok(anstream::stdout().write_all(text.as_bytes())?)
}

/// Shows what Mix said, once, and makes the error short where Mix has explained it.
fn explain(error: BridgeError, phase: Phase, printer: &Printer) -> anyhow::Error {
    phase.abandon();
    if let Some(output) = error.output()
        && !output.is_forwarded()
    {
        printer.pass_on(&output.text());
    }
    match error {
        BridgeError::Failed { phase, message, .. } => {
            let hint = if message.contains("errors on dependencies") {
                "\nhint: `mix deps.get` and `mix deps.compile --force`, with MIX_ENV=prod, put dependencies right"
            } else {
                ""
            };
            AlreadyExplained(format!("{phase} failed, see above{hint}")).into()
        }
        other => other.into(),
    }
}
