//! What `build` and `release` share: the project is asked, phase by phase, until the release can be planned.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use camino::Utf8PathBuf;
use freshness::Beginning;
use project::{
    Bridge, BridgeError, BridgeOptions, CompileOptions, LocalApplication, Notice, Outcome,
    ReleaseDescription, ReleaseLocation, ReleaseRequest, Step, Stream,
};
use release::{Materials, Plan, ReleaseSpec};
use tree::directory::Snapshot;
use tree::{Content, Node, TreePath};

use crate::archiving::Archiving;
use crate::arguments::{ArchiveArguments, CompileArguments, GlobalArguments, TargetArguments};
use crate::assembly::{Assembly, Machine};
use crate::compilation::{Look, external_resources};
use crate::failure::AlreadyExplained;
use crate::machine_files::MachineFiles;
use crate::printer::{Printer, Verbosity, count};
use crate::report::Report;
use crate::{compilation, cookie, launcher_file, native_code};

/// What is said of a project whose alias beamship does not follow.
pub(crate) const RELEASE_ALIAS: &str =
    "the project has an alias `release`, which `mix release` would run and beamship does not";

/// A build under way.
pub(crate) struct Pipeline<'a> {
    printer: &'a Printer,
    bridge: Bridge,
    report: Report,
    request: ReleaseRequest,
    /// What custom steps have written into the directory of the release, relative to it.
    made_by_steps: Vec<PathBuf>,
    project: Utf8PathBuf,
    look: Option<Look>,
    beginning: Option<Beginning>,
    external_resources: Vec<Utf8PathBuf>,
}

impl<'a> Pipeline<'a> {
    /// Loads the project. It is looked at meanwhile.
    ///
    /// # Errors
    ///
    /// When there is no project, no Elixir, or `mix.exs` does not load.
    pub(crate) fn start(global: &GlobalArguments, printer: &'a Printer, look: Look) -> anyhow::Result<Self> {
        let phase = printer.phase("project");
        let project = project_directory(global)?;
        let mut options = BridgeOptions::new(project.clone());
        options.digest = std::env::current_exe().ok().and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
        if printer.verbosity() == Verbosity::Verbose {
            options.sink = Some(Arc::new(|_: Stream, bytes: &[u8]| {
                let _ = anstream::stderr().write_all(bytes);
            }));
        }
        let bridge = match Bridge::start(&options) {
            Ok(bridge) => bridge,
            Err(error) => {
                phase.abandon();
                return Err(explain(error, printer));
            }
        };
        let information = bridge.information();
        let versions = format!(
            "Elixir {} on OTP {}, MIX_ENV={}",
            information.elixir_version, information.otp_release, information.mix_env
        );
        printer.pass_on_warnings(&bridge.loading().output);
        if information.aliases.iter().any(|alias| alias == "release") {
            printer.warn(RELEASE_ALIAS);
        }
        let mut pipeline = Self {
            printer,
            bridge,
            report: Report::default(),
            request: ReleaseRequest::default(),
            made_by_steps: Vec::new(),
            project,
            look: Some(look),
            beginning: None,
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

    /// Compiles the project, or only sets up its code paths.
    ///
    /// # Errors
    ///
    /// When it does not compile.
    pub(crate) fn compile(&mut self, arguments: &CompileArguments, no_compile: bool) -> anyhow::Result<()> {
        self.beginning = self.look.take().and_then(Look::end);
        let local = match self.bridge.local_applications() {
            Ok(outcome) => outcome.value,
            Err(error) => return Err(explain(error, self.printer)),
        };
        let information = self.bridge.information();
        let mut compilation = self.beginning.as_ref().filter(|_| !no_compile).map(|beginning| {
            let is_own = |name: &String| information.own_applications.contains(name);
            // Without a look at dependencies these are taken as they are.
            let is_compiled = |it: &&LocalApplication| !arguments.no_deps_check || is_own(&it.name);
            let compiled: Vec<_> = local.iter().filter(is_compiled).collect();
            compilation::begin(&self.project, information, &compiled, beginning, self.printer)
        });
        let anew = compilation.as_ref().is_some_and(|compilation| compilation.doubt().is_some());
        let options = CompileOptions {
            force: arguments.force || anew,
            anew,
            no_compile,
            no_deps_check: arguments.no_deps_check,
            no_archives_check: arguments.no_archives_check,
            no_elixir_version_check: arguments.no_elixir_version_check,
        };
        let result = if no_compile { "not asked for" } else { "done" };
        let compiled = self.phase("compile", |bridge| bridge.compile(&options), |()| result.to_owned());
        if let (Err(_), Some(compilation)) = (&compiled, &mut compilation) {
            compilation.fail();
        }
        compiled?;
        let build = &self.bridge.information().build_path;
        self.external_resources = external_resources::of_applications(build, &local);
        if let Some(compilation) = &mut compilation {
            compilation.succeed();
            compilation.include(self.external_resources.iter().cloned());
        }
        Ok(())
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

    /// Finds out which release is meant, and where it goes.
    ///
    /// # Errors
    ///
    /// When there is no such release, or its options are wrong.
    pub(crate) fn locate(
        &mut self,
        target: &TargetArguments,
        overwrite: bool,
        dry_run: bool,
    ) -> anyhow::Result<ReleaseLocation> {
        self.request = ReleaseRequest {
            name: target.name.clone(),
            path: target.path.clone(),
            version: target.version.clone(),
            overwrite: overwrite.then_some(true),
            quiet: (self.printer.verbosity() == Verbosity::Quiet).then_some(true),
            run_steps: !dry_run,
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
                phase.abandon();
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
                phase.abandon();
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
        let Self { printer, bridge, mut report, made_by_steps, beginning, external_resources, .. } = self;
        let machine = Machine::new(bridge, &description.steps);
        let start = Instant::now();
        let spec = &description.spec;
        report.name.clone_from(&spec.name);
        report.version.clone_from(&spec.version);
        report.environment.clone_from(&spec.mix_env);
        report.path = spec.path.to_string();
        let materials = Materials {
            launcher: launcher_file::find()?,
            cookie: cookie::cookie(spec.cookie.as_deref(), &spec.path)?,
            additional: additional(spec, &made_by_steps),
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
            machine,
            beginning,
            external_resources,
        })
    }
}

/// The directory of the project, as an absolute path, so that messages say which one is meant.
pub(crate) fn project_directory(global: &GlobalArguments) -> anyhow::Result<Utf8PathBuf> {
    let given = global.directory.clone().unwrap_or_else(|| Utf8PathBuf::from("."));
    match given.canonicalize_utf8() {
        Ok(directory) => Ok(directory),
        Err(error) => anyhow::bail!("cannot use `{given}` as the directory of the project: {error}"),
    }
}

/// The directory of a project that has to be one of Mix.
///
/// # Errors
///
/// When there is no `mix.exs`.
pub(crate) fn mix_project(global: &GlobalArguments) -> anyhow::Result<Utf8PathBuf> {
    let project = project_directory(global)?;
    let file = project.join("mix.exs");
    let is_there = match fs_err::metadata(&file) {
        Ok(metadata) => metadata.is_file(),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error.into()),
    };
    if !is_there {
        anyhow::bail!(
            "there is no mix.exs in `{project}`\nhint: run this in the directory of a Mix project, or name it with -C"
        );
    }
    Ok(project)
}

/// Shows what Mix said, once, and makes the error short where Mix has explained it.
pub(crate) fn explain(error: BridgeError, printer: &Printer) -> anyhow::Error {
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

/// What custom steps have put into the directory of the release before it is assembled, as far as that is kept: what is
/// the release's own there is made anew, and `tmp/` belongs to running systems.
fn additional(spec: &ReleaseSpec, made: &[PathBuf]) -> Vec<(TreePath, Node)> {
    let version_directory = format!("releases/{}", spec.version);
    let kept = |path: &&PathBuf| !path.starts_with(&version_directory) && !path.starts_with("tmp");
    made.iter()
        .filter(kept)
        .filter_map(|path| {
            let path = TreePath::new(path.to_str()?).ok()?;
            let full = spec.path.join(path.as_str());
            let metadata = fs_err::symlink_metadata(&full).ok()?;
            let node = if metadata.is_symlink() {
                Node::Link { target: fs_err::read_link(&full).ok()?.to_str()?.to_owned() }
            } else if metadata.is_file() {
                let mode = metadata.permissions().mode() & 0o7777;
                Node::File { mode, content: Content::Copy(full) }
            } else {
                return None;
            };
            Some((path, node))
        })
        .collect()
}
