//! What `build` and `release` share: the project is asked, phase by phase, until the release can be planned.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use camino::Utf8PathBuf;
use freshness::{Compilation, InitialSnapshot};
use project::{
    Bridge, BridgeError, BridgeOptions, CompileOptions, LocalApplication, LocalSources, Notice, Outcome,
    ReleaseDescription, ReleaseLocation, ReleaseRequest, Step, Stream,
};
use release::{Materials, Plan};
use tree::directory::Snapshot;

use crate::archiving::Archiving;
use crate::arguments::{ArchiveArguments, CompileArguments, TargetArguments};
use crate::assembly::{Assembly, VirtualMachine};
use crate::bridge_failure::explain;
use crate::compilation::{BackgroundScan, external_resources};
use crate::machine_files::MachineFiles;
use crate::printer::{Printer, Verbosity, count};
use crate::report::Report;
use crate::{
    cache_directory, compilation, cookie, launcher_file, native_code, project_directory, release_alias,
    step_output,
};

/// What is going to happen to the release that is located.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intent {
    /// Whether an existing release is replaced without a question; none leaves that to `mix.exs`.
    pub(crate) overwrite: Option<bool>,
    /// Nothing is written, and no custom step runs.
    pub(crate) dry_run: bool,
}

/// What the command line says about every compilation.
fn compile_options(arguments: &CompileArguments) -> CompileOptions {
    CompileOptions {
        no_deps_check: arguments.no_deps_check,
        no_archives_check: arguments.no_archives_check,
        no_elixir_version_check: arguments.no_elixir_version_check,
        ..CompileOptions::default()
    }
}

/// A build under way.
pub(crate) struct Pipeline<'a> {
    printer: &'a Printer,
    bridge: Bridge,
    report: Report,
    request: ReleaseRequest,
    /// What custom steps have written into the directory of the release, relative to it.
    made_by_steps: Vec<PathBuf>,
    project: Utf8PathBuf,
    scan: Option<BackgroundScan>,
    initial: Option<InitialSnapshot>,
    local: LocalSources,
    external_resources: Vec<Utf8PathBuf>,
}

impl<'a> Pipeline<'a> {
    /// Loads the project, while its files are scanned.
    ///
    /// # Errors
    ///
    /// When there is no project, no Elixir, or `mix.exs` does not load.
    pub(crate) fn start(printer: &'a Printer, scan: BackgroundScan) -> anyhow::Result<Self> {
        let phase = printer.phase("project");
        let project = project_directory::find()?;
        let mut options = BridgeOptions::new(project.clone(), cache_directory::find());
        options.digest = std::env::current_exe().ok().and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
        if printer.verbosity() == Verbosity::Verbose {
            options.sink = Some(Arc::new(|_: Stream, bytes: &[u8]| {
                let _ = anstream::stderr().write_all(bytes);
            }));
        }
        let bridge = match Bridge::start(&options) {
            Ok(bridge) => bridge,
            Err(error) => {
                drop(phase);
                return Err(explain(error, printer));
            }
        };
        let information = bridge.information();
        let versions = format!(
            "Elixir {} on OTP {}, MIX_ENV={}",
            information.elixir_version, information.otp_release, information.mix_env
        );
        printer.pass_on_warnings(&bridge.loading().output);
        if release_alias::is_among(information.aliases.iter().map(String::as_str)) {
            printer.warn(release_alias::WARNING);
        }
        let mut pipeline = Self {
            printer,
            bridge,
            report: Report::default(),
            request: ReleaseRequest::default(),
            made_by_steps: Vec::new(),
            project,
            scan: Some(scan),
            initial: None,
            local: LocalSources::default(),
            external_resources: Vec::new(),
        };
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
                (_, false) => format!("{number}, in place"),
            }
        })?;
        Ok(())
    }

    /// Compiles the project.
    ///
    /// # Errors
    ///
    /// When it does not compile.
    pub(crate) fn compile(&mut self, arguments: &CompileArguments) -> anyhow::Result<()> {
        self.run_compile_task(arguments, false)
    }

    /// Takes the project as it has been compiled before: only sets up its code paths.
    ///
    /// # Errors
    ///
    /// When it has not been compiled.
    pub(crate) fn use_compiled(&mut self, arguments: &CompileArguments) -> anyhow::Result<()> {
        self.run_compile_task(arguments, true)?;
        let information = self.bridge.information();
        let is_compiled =
            |name: &String| information.build_path.join(format!("lib/{name}/ebin/{name}.app")).is_file();
        match information.own_applications.iter().find(|name| !is_compiled(name)) {
            None => Ok(()),
            Some(name) => anyhow::bail!(
                "`{name}` has not been compiled for MIX_ENV={}, so what is in its release is not known\nhint: `beamship build`, or `beamship release --dry-run`, compiles it first",
                information.mix_env
            ),
        }
    }

    fn run_compile_task(&mut self, arguments: &CompileArguments, no_compile: bool) -> anyhow::Result<()> {
        self.initial = self.scan.take().and_then(BackgroundScan::finish);
        self.local = match self.bridge.local_sources() {
            Ok(outcome) => outcome.value,
            Err(error) => return Err(explain(error, self.printer)),
        };
        let initial = self.initial.as_ref().filter(|_| !no_compile);
        let compilation = initial.map(|initial| self.begin_compilation(arguments, initial));
        let options = CompileOptions { force: arguments.force, no_compile, ..compile_options(arguments) };
        self.finish_compilation(options, compilation)
    }

    fn begin_compilation(&self, arguments: &CompileArguments, initial: &InitialSnapshot) -> Compilation {
        let information = self.bridge.information();
        let is_own = |name: &String| information.own_applications.contains(name);
        // Dependencies that are not checked are taken as they are.
        let is_compiled = |it: &&LocalApplication| !arguments.no_deps_check || is_own(&it.name);
        let compiled: Vec<_> = self.local.applications.iter().filter(is_compiled).collect();
        let directories = &self.local.source_directories;
        compilation::begin(&self.project, information, &compiled, directories, initial, self.printer)
    }

    fn finish_compilation(
        &mut self,
        mut options: CompileOptions,
        mut compilation: Option<Compilation>,
    ) -> anyhow::Result<()> {
        if compilation.as_ref().is_some_and(|compilation| compilation.rebuild_reason().is_some()) {
            options.force = true;
        }
        let result = if options.no_compile { "not asked for" } else { "done" };
        let compiled = self.phase("compile", |bridge| bridge.compile(&options), |()| result.to_owned());
        if let (Err(_), Some(compilation)) = (&compiled, &mut compilation) {
            compilation.fail();
        }
        compiled?;
        let build = &self.bridge.information().build_path;
        self.external_resources = external_resources::of_applications(build, &self.local.applications);
        if let Some(compilation) = &mut compilation {
            compilation.succeed();
            compilation.include(self.external_resources.iter().cloned());
        }
        Ok(())
    }

    /// Runs `assets.deploy`, when the project has such an alias. Where that has changed a file of the project the code is compiled
    /// once more: it may be compiled from what the assets have become, and an application that had no `priv` may have one now.
    ///
    /// # Errors
    ///
    /// When one of both fails.
    pub(crate) fn assets(&mut self, arguments: &CompileArguments) -> anyhow::Result<()> {
        let text = |deployed: &bool| {
            if *deployed { "assets.deploy".to_owned() } else { "no alias `assets.deploy`".to_owned() }
        };
        if !self.phase("assets", Bridge::deploy_assets, text)? {
            return Ok(());
        }
        // By the content of what there is now: much of it has been written in the second of the first compilation.
        let now = BackgroundScan::of_sources(&self.project).finish();
        if let (Some(initial), Some(now)) = (&self.initial, &now)
            && initial.has_same_sources(now)
        {
            return Ok(());
        }
        let compilation = now.as_ref().map(|now| self.begin_compilation(arguments, now));
        let options = CompileOptions { no_all_warnings: true, ..compile_options(arguments) };
        self.finish_compilation(options, compilation)
    }

    /// Finds out which release is meant, and where it goes.
    ///
    /// # Errors
    ///
    /// When there is no such release, or its options are wrong.
    pub(crate) fn locate(
        &mut self,
        target: &TargetArguments,
        intent: Intent,
    ) -> anyhow::Result<ReleaseLocation> {
        self.request = ReleaseRequest {
            name: target.name.clone(),
            path: target.path.clone(),
            version: target.version.clone(),
            overwrite: intent.overwrite,
            quiet: (self.printer.verbosity() == Verbosity::Quiet).then_some(true),
            run_steps: !intent.dry_run,
        };
        match self.bridge.locate_release(&self.request) {
            Ok(outcome) => {
                self.printer.pass_on_warnings(&outcome.output);
                Ok(outcome.value)
            }
            Err(error) => Err(explain(error, self.printer)),
        }
    }

    /// Runs the custom steps before the assembly, reads the options of the release and evaluates its configuration.
    ///
    /// # Errors
    ///
    /// When they are wrong, or a step fails.
    pub(crate) fn describe(&mut self, location: &ReleaseLocation) -> anyhow::Result<ReleaseDescription> {
        let before = if location.custom_steps && self.request.run_steps {
            Some(Snapshot::take(&location.path)?)
        } else {
            None
        };
        let phase = self.printer.phase("configuration");
        let outcome = match self.bridge.describe_release(&self.request) {
            Ok(outcome) => outcome,
            Err(error) => {
                drop(phase);
                return Err(explain(error, self.printer));
            }
        };
        let description = outcome.value;
        let duration = phase.finish(&format!("{}-{}", description.spec.name, description.spec.version));
        self.report.phase("configuration", duration);
        if let Some(before) = before {
            // What steps print is for the user.
            self.printer.pass_on_output(&outcome.output);
            self.made_by_steps = before.changes(&location.path)?;
        } else {
            self.printer.pass_on_warnings(&outcome.output);
        }
        for notice in &description.notices {
            match notice {
                Notice::Warning(text) => self.printer.warn(text),
                Notice::Information(text) => self.printer.say(&format!("  {text}")),
            }
        }
        if !self.request.run_steps && description.steps.contains(&Step::Custom) {
            self.printer
                .say("  the custom steps of the release are not run, so what they change is not shown");
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
            Err(error) => {
                drop(phase);
                Err(explain(error, self.printer))
            }
        }
    }

    /// Plans the release from what the project said. What follows is native, apart from custom steps.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the release.
    pub(crate) fn plan(
        self,
        description: ReleaseDescription,
        archive: ArchiveArguments,
    ) -> anyhow::Result<Assembly<'a>> {
        let Self { printer, bridge, mut report, made_by_steps, initial, external_resources, .. } = self;
        let virtual_machine = VirtualMachine::new(bridge, &description.steps);
        let start = Instant::now();
        let spec = &description.spec;
        report.name.clone_from(&spec.name);
        report.version.clone_from(&spec.version);
        report.environment.clone_from(&spec.mix_env);
        report.path = spec.path.to_string();
        let materials = Materials {
            launcher: launcher_file::find()?,
            cookie: cookie::cookie(spec.cookie.as_deref(), &spec.path)?,
            additional: step_output::files(spec, &made_by_steps),
        };
        let plan = Plan::make(spec, &materials, &MachineFiles)?;
        plan.warnings.iter().for_each(|warning| printer.warn(warning));
        native_code::warn_of_other_architectures(&plan.tree, printer);
        report.plan(&plan);
        report.phase("plan", start.elapsed());
        Ok(Assembly {
            printer,
            report,
            plan,
            archive: Archiving::new(&description, archive)?,
            description,
            made_by_steps: !made_by_steps.is_empty(),
            virtual_machine,
            initial,
            external_resources,
        })
    }
}
