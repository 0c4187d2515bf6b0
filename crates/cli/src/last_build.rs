//! What is known of the last build of a release, so that the next one does no more than it has to.
//!
//! The record is kept in the user's cache, one for every project, release and set of arguments. With it `beamship build`
//! says that there is nothing to do, without starting Elixir; or takes the code that has not changed from the release that
//! stands at the target. A cache that cannot be read or written, and a record that is damaged, only cost time.

use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::HEXLOWER;
use freshness::{Beginning, Difference, Ended, EnvironmentScope, Record, Scope, Snapshot, Stamps};
use project::{ReleaseDescription, Step};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tree::directory::Earlier;
use tree::{Content, Node, Tree, TreePath};

use crate::arguments::{BuildArguments, GlobalArguments, ReleaseArguments};
use crate::assembly::{Assembly, announce};
use crate::compilation::Look;
use crate::pipeline::project_directory;
use crate::printer::{Printer, Remark};
use crate::report::Report;

/// What a user is told of a build, once more when it need not run.
#[derive(Debug, Deserialize)]
pub(crate) struct Summary {
    /// The result.
    pub(crate) report: Report,
    /// Whether the release's options ask for few words.
    pub(crate) quiet: bool,
    /// Warnings.
    pub(crate) remarks: Vec<Remark>,
}

/// The last build like this one.
#[derive(Debug)]
pub(crate) struct LastBuild {
    project: Utf8PathBuf,
    /// Where the record of builds with these arguments is; none when nothing is to be kept of them.
    file: Option<Utf8PathBuf>,
    record: Option<Record>,
}

impl LastBuild {
    /// The last `beamship build` with these arguments.
    ///
    /// # Errors
    ///
    /// When there is no such directory as the project's is said to be.
    pub(crate) fn of_build(arguments: &BuildArguments, global: &GlobalArguments) -> anyhow::Result<Self> {
        let BuildArguments { target, archive, no_assets, compile, no_cache, dry_run } = arguments;
        let way = format!("{target:?} {archive:?} {no_assets:?} {:?}", compile.no_deps_check);
        Self::find(&way, !no_cache && !dry_run, global)
    }

    /// The last `beamship release` with these arguments.
    ///
    /// # Errors
    ///
    /// As [`LastBuild::of_build`].
    pub(crate) fn of_release(arguments: &ReleaseArguments, global: &GlobalArguments) -> anyhow::Result<Self> {
        let ReleaseArguments { target, archive, no_cache, dry_run, .. } = arguments;
        Self::find(&format!("release {target:?} {archive:?}"), !no_cache && !dry_run, global)
    }

    fn find(way: &str, is_kept: bool, global: &GlobalArguments) -> anyhow::Result<Self> {
        let project = project_directory(global)?;
        let Some(cache) = project::user_cache().filter(|_| is_kept) else {
            return Ok(Self { project, file: None, record: None });
        };
        let variable = |name| std::env::var(name).unwrap_or_default();
        let (environment, target) = (variable("MIX_ENV"), variable("MIX_TARGET"));
        let key = format!("{} {project} {way} {environment:?} {target:?}", env!("CARGO_PKG_VERSION"));
        let file = cache.join("builds").join(HEXLOWER.encode(&Sha256::digest(key)[..16]));
        let record = Record::load(&file);
        Ok(Self { project, file: Some(file), record })
    }

    /// Why it is not enough, or what the user was told of it.
    pub(crate) fn is_enough(&mut self) -> Result<Summary, Option<Difference>> {
        let record = self.record.as_mut().ok_or(None)?;
        let touched = record.difference(std::env::vars_os())?;
        if let (true, Some(file)) = (touched, &self.file) {
            record.save(file);
        }
        serde_json::from_value(record.summary.clone()).map_err(|_| None)
    }

    /// Looks at what there is to read while Elixir starts.
    pub(crate) fn look(&self) -> Look {
        match (&self.file, &self.record) {
            (None, _) => Look::at_sources(&self.project),
            (Some(_), None) => Look::start(of_every_build(&self.project), Snapshot::default()),
            (Some(_), Some(record)) => Look::start(record.scope().clone(), record.snapshot().clone()),
        }
    }

    /// Writes the release, keeps what the next build needs to know of it, and says so.
    ///
    /// # Errors
    ///
    /// As [`Assembly::make`].
    pub(crate) fn write(self, mut assembly: Assembly<'_>, json: bool) -> anyhow::Result<()> {
        let printer = assembly.printer;
        let plan = assembly.plan.tree.clone();
        let beginning = assembly.beginning.take();
        let external_resources = std::mem::take(&mut assembly.external_resources);
        let sources = self.file.as_ref().map(|_| Stamps::take(&sources(&plan)));
        let earlier = self.earlier(&assembly.description.spec.path);
        let (report, description) = assembly.make(earlier.as_ref().map(|earlier| earlier as _))?;
        if let (Some(file), Some(sources)) = (&self.file, sources) {
            let record = beginning.filter(|_| !description.steps.contains(&Step::Custom)).map(|beginning| {
                let scope = self.scope(&description, external_resources, &report);
                record(scope, &beginning, sources, &plan, &description, &report, printer)
            });
            match record {
                Some(record) => record.save(file),
                // Its own code could have read anything. That the file cannot be removed only costs time.
                None => drop(fs_err::remove_file(file)),
            }
        }
        announce(&report, description.quiet, json, printer)
    }

    /// What the earlier release has that can be taken over.
    fn earlier(&self, target: &Utf8Path) -> Option<EarlierBuild<'_>> {
        self.record.as_ref().map(|record| EarlierBuild { record, target: target.to_owned() })
    }

    /// Where the build may have read.
    fn scope(
        &self,
        description: &ReleaseDescription,
        external_resources: Vec<Utf8PathBuf>,
        report: &Report,
    ) -> Scope {
        let spec = &description.spec;
        let inputs = &description.inputs;
        let mut scope = of_every_build(&self.project);
        scope.directories.extend(inputs.directories.iter().chain(&spec.overlays).cloned());
        scope.files.extend(inputs.files.iter().cloned());
        scope.except.extend(inputs.made.iter().cloned());
        if spec.templates.is_dir() {
            scope.directories.insert(spec.templates.clone());
        }
        scope.except.insert(spec.path.clone());
        scope.except.extend(report.archive.iter().map(|archive| Utf8PathBuf::from(&archive.path)));
        scope.files.extend(external_resources.into_iter().filter(|path| !path.starts_with(&self.project)));
        scope
    }
}

/// What is to be known of a build that has ended.
fn record(
    scope: Scope,
    beginning: &Beginning,
    sources: Stamps,
    plan: &Tree,
    description: &ReleaseDescription,
    report: &Report,
    printer: &Printer,
) -> Record {
    let inputs = &description.inputs;
    let ended = Ended {
        scope,
        beginning,
        variables: EnvironmentScope {
            names: inputs.variables.iter().cloned().collect(),
            all: inputs.every_variable,
        },
        sources,
        made: made(plan, &description.spec.path, report),
        summary: serde_json::json!({
            "report": report,
            "quiet": description.quiet,
            "remarks": printer.remarks(),
        }),
    };
    Record::new(ended, std::env::vars_os())
}

/// What every build of this project reads: the project, the programs that it starts from somewhere in PATH, and the files
/// above the project by which programs that choose among versions do so.
fn of_every_build(project: &Utf8Path) -> Scope {
    let mut scope = Scope { directories: [project.to_owned()].into(), ..Scope::default() };
    scope.files.extend(["elixir", "erl", "mix"].iter().filter_map(|name| crate::program::find(name)));
    for directory in project.ancestors().skip(1).chain(home().as_deref()) {
        for name in [".tool-versions", "mise.toml", ".mise.toml", ".config/mise/config.toml"] {
            scope.files.insert(directory.join(name));
        }
    }
    let this = std::env::current_exe().ok().and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
    scope.files.extend(this);
    scope
}

/// The release of the last build, for the one that is written in its place.
#[derive(Debug)]
pub(crate) struct EarlierBuild<'a> {
    record: &'a Record,
    target: Utf8PathBuf,
}

impl Earlier for EarlierBuild<'_> {
    fn is_same(&self, path: &TreePath, mode: u32, content: &Content) -> bool {
        origin(path, content).is_some_and(|(source, way)| {
            self.record.is_still(&self.target.join(path.as_str()), &source, &way, mode)
        })
    }
}

/// The source of a file that may be taken over from an earlier release, and what is done to it.
///
/// Only compiled code and the programs of the runtime, which nobody opens to write into them: a running system that writes to
/// a file of its release, a database in `priv` perhaps, must not write to one of the next release.
fn origin(path: &TreePath, content: &Content) -> Option<(Utf8PathBuf, String)> {
    match content {
        Content::StrippedBeam(source, options) => Some((source.clone(), format!("{options:?}"))),
        Content::Copy(source) if path.as_str().ends_with(".beam") || path.as_str().starts_with("erts-") => {
            Some((source.clone(), "copied".to_owned()))
        }
        Content::Copy(_) | Content::Bytes(_) => None,
    }
}

fn sources(plan: &Tree) -> Vec<Utf8PathBuf> {
    plan.entries()
        .filter_map(|entry| match entry.node {
            Node::File { content: Content::Copy(source) | Content::StrippedBeam(source, _), .. } => {
                Some(source.clone())
            }
            _ => None,
        })
        .collect()
}

fn made(
    plan: &Tree,
    target: &Utf8Path,
    report: &Report,
) -> Vec<(Utf8PathBuf, Option<(Utf8PathBuf, String)>)> {
    let files = plan.entries().filter_map(|entry| match entry.node {
        Node::File { content, .. } => Some((target.join(entry.path.as_str()), origin(entry.path, content))),
        Node::Link { .. } => Some((target.join(entry.path.as_str()), None)),
        Node::Directory { .. } => None,
    });
    files.chain(report.archive.iter().map(|archive| (Utf8PathBuf::from(&archive.path), None))).collect()
}

fn home() -> Option<Utf8PathBuf> {
    std::env::var("HOME").ok().map(Utf8PathBuf::from).filter(|path| path.is_absolute())
}
