//! What is known of the last build of a release, so that the next one does no more than it has to.
//!
//! The record is kept in the user's cache, one for every project, release and set of arguments. With it `beamship build`
//! says that there is nothing to do, without starting Elixir; or takes the code that has not changed from the release that
//! stands at the target. A cache that cannot be read or written, and a record that is damaged, only cost time.

mod external_resources;
mod renewal;

use std::thread::JoinHandle;

use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::HEXLOWER;
use freshness::{Beginning, Difference, Ended, EnvironmentScope, Record, Scope, Snapshot};
use project::{ReleaseDescription, Step};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tree::directory::Earlier;
use tree::{Content, Node, Tree, TreePath};

use crate::arguments::{BuildArguments, GlobalArguments, ReleaseArguments};
use crate::assembly::{Assembly, announce};
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
    /// None when nothing is to be kept of builds.
    files: Option<Files>,
    record: Option<Record>,
}

/// Where records are.
#[derive(Debug)]
struct Files {
    /// That of the last build with these arguments.
    own: Utf8PathBuf,
    /// That of whatever has compiled the project last: another link to its own one.
    latest: Utf8PathBuf,
}

/// What a build begins with.
pub(crate) struct Look {
    beginning: Beginning,
    /// What has changed and looks older than what was compiled last.
    backdated: Vec<Utf8PathBuf>,
}

impl Files {
    /// That these cannot be written, or removed, only costs time.
    fn remove(&self) {
        for file in [&self.own, &self.latest] {
            let _ = fs_err::remove_file(file);
        }
    }

    /// Lets the latest record be the own one.
    fn link(&self) {
        let _ = fs_err::remove_file(&self.latest);
        let _ = fs_err::hard_link(&self.own, &self.latest);
    }
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
            return Ok(Self { project, files: None, record: None });
        };
        let variable = |name| std::env::var(name).unwrap_or_default();
        let (environment, target) = (variable("MIX_ENV"), variable("MIX_TARGET"));
        let file = |way: &str| {
            let key = format!("{} {project} {way} {environment:?} {target:?}", env!("CARGO_PKG_VERSION"));
            cache.join("builds").join(HEXLOWER.encode(&Sha256::digest(key)[..16]))
        };
        let files = Files { own: file(way), latest: file("latest") };
        let record = Record::load(&files.own);
        Ok(Self { project, files: Some(files), record })
    }

    /// Why it is not enough, or what the user was told of it.
    pub(crate) fn is_enough(&mut self) -> Result<Summary, Option<Difference>> {
        let record = self.record.as_mut().ok_or(None)?;
        let touched = record.difference(std::env::vars_os())?;
        if let (true, Some(files)) = (touched, &self.files) {
            record.save(&files.own);
        }
        serde_json::from_value(record.summary.clone()).map_err(|_| None)
    }

    /// Looks at what there is to read while Elixir starts, if anybody will want to know.
    pub(crate) fn begin(&self) -> Option<JoinHandle<Look>> {
        let latest = self.files.as_ref()?.latest.clone();
        let known = self.record.as_ref().map_or_else(Snapshot::default, |record| record.snapshot().clone());
        let scope = self
            .record
            .as_ref()
            .map_or_else(|| of_every_build(&self.project), |record| record.scope().clone());
        Some(std::thread::spawn(move || {
            let beginning = Beginning::look(scope, &known);
            let latest = Record::load(&latest);
            let backdated = latest.map_or_else(Vec::new, |latest| latest.backdated(&beginning));
            Look { beginning, backdated }
        }))
    }

    /// What there was, right before it is compiled. Files that have changed and do not look so by their times get the present
    /// one: Mix, which compares times, would take them for compiled, and the release would have the code of before.
    pub(crate) fn begun(&self, look: Option<JoinHandle<Look>>, printer: &Printer) -> Option<Beginning> {
        let Look { beginning, backdated } = look?.join().ok()?;
        renewal::renew(&backdated, printer);
        Some(beginning)
    }

    /// Writes the release, keeps what the next build needs to know of it, and says so.
    ///
    /// # Errors
    ///
    /// As [`Assembly::make`].
    pub(crate) fn write(
        self,
        beginning: Option<Beginning>,
        assembly: Assembly<'_>,
        json: bool,
    ) -> anyhow::Result<()> {
        let printer = assembly.printer;
        let plan = self.files.as_ref().map(|_| assembly.plan.tree.clone());
        let earlier = self.earlier(&assembly.description.spec.path);
        let (report, description) = assembly.make(earlier.as_ref().map(|earlier| earlier as _))?;
        if let (Some(files), Some(plan)) = (&self.files, &plan) {
            self.keep(files, beginning, plan, &description, &report, printer);
        }
        announce(&report, description.quiet, json, printer)
    }

    /// What the earlier release has that can be taken over.
    fn earlier(&self, target: &Utf8Path) -> Option<EarlierBuild<'_>> {
        self.record.as_ref().map(|record| EarlierBuild { record, target: target.to_owned() })
    }

    /// Keeps what is to be known of a build that has ended; nothing when its own code could have read anything.
    fn keep(
        &self,
        files: &Files,
        beginning: Option<Beginning>,
        plan: &Tree,
        description: &ReleaseDescription,
        report: &Report,
        printer: &Printer,
    ) {
        let (Some(beginning), false) = (beginning, description.steps.contains(&Step::Custom)) else {
            files.remove();
            return;
        };
        let summary = serde_json::json!({
            "report": report,
            "quiet": description.quiet,
            "remarks": printer.remarks(),
        });
        let inputs = &description.inputs;
        let ended = Ended {
            scope: self.scope(description, plan, report),
            beginning: &beginning,
            variables: EnvironmentScope {
                names: inputs.variables.iter().cloned().collect(),
                all: inputs.every_variable,
            },
            sources: sources(plan),
            made: made(plan, &description.spec.path, report),
            summary,
        };
        Record::new(ended, std::env::vars_os()).save(&files.own);
        files.link();
    }

    fn scope(&self, description: &ReleaseDescription, plan: &Tree, report: &Report) -> Scope {
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
        scope.files.extend(
            external_resources(description, plan).into_iter().filter(|path| !path.starts_with(&self.project)),
        );
        scope
    }
}

/// What every build of this project reads: the project, the programs that it starts from somewhere in PATH, and the files
/// above the project by which programs that choose among versions do so.
fn of_every_build(project: &Utf8Path) -> Scope {
    let mut scope = Scope { directories: [project.to_owned()].into(), ..Scope::default() };
    scope.files.extend(["elixir", "erl", "mix"].iter().filter_map(|name| in_path(name)));
    for directory in project.ancestors().skip(1).chain(home().as_deref()) {
        for name in [".tool-versions", "mise.toml", ".mise.toml", ".config/mise/config.toml"] {
            scope.files.insert(directory.join(name));
        }
    }
    let this = std::env::current_exe().ok().and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
    scope.files.extend(this);
    scope
}

/// Files that the project's own modules were compiled from, wherever they are.
fn external_resources(description: &ReleaseDescription, plan: &Tree) -> Vec<Utf8PathBuf> {
    let is_own = |path: &Utf8PathBuf| {
        description.own_applications.iter().any(|name| {
            let ebin = format!("lib/{name}/ebin");
            description.inputs.made.iter().any(|made| path.parent() == Some(made.join(&ebin).as_path()))
        })
    };
    let modules = sources(plan).into_iter().filter(is_own);
    external_resources::of_modules(modules, &description.spec.project_directory)
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

fn in_path(name: &str) -> Option<Utf8PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
        .and_then(|path| Utf8PathBuf::from_path_buf(path).ok())
}

fn home() -> Option<Utf8PathBuf> {
    std::env::var("HOME").ok().map(Utf8PathBuf::from).filter(|path| path.is_absolute())
}
