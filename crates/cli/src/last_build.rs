//! What is known of the last build of a release, so that the next one does no more than it has to.
//!
//! The record is kept in the user's cache, one for every project, release and set of arguments. With it `beamship build` says
//! that there is nothing to do, without starting Elixir, or takes the code that has not changed from the release that is at
//! the target. A cache that cannot be read or written, and a record that is damaged, only cost time.

use beam::StripOptions;
use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::HEXLOWER;
use freshness::{
    Difference, EnvironmentScope, FinishedBuild, InitialSnapshot, Origin, Record, Scope, Snapshot, Stamps,
};
use project::{ReleaseDescription, Step};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tree::directory::Earlier;
use tree::{Content, Node, Tree, TreePath};

use crate::arguments::{BuildArguments, ReleaseArguments};
use crate::assembly::{Assembly, announce};
use crate::compilation::BackgroundScan;
use crate::printer::{Printer, Remark};
use crate::report::Report;
use crate::repository::Repository;
use crate::{cache_directory, launcher_file, project_directory};

/// What the user is told about a build, and told again when the next one need not run.
#[derive(Debug, Deserialize)]
pub(crate) struct Summary {
    /// The result.
    pub(crate) report: Report,
    /// Whether the options of the release say `quiet: true`.
    pub(crate) quiet: bool,
    /// Warnings.
    pub(crate) remarks: Vec<Remark>,
}

/// The last build like this one.
#[derive(Debug)]
pub(crate) struct LastBuild {
    project: Utf8PathBuf,
    /// Where the record of builds with these arguments is kept; none when nothing is to be kept of them.
    file: Option<Utf8PathBuf>,
    record: Option<Record>,
    /// Whether the record has got to know new stamps.
    is_touched: bool,
}

impl LastBuild {
    /// The last `beamship build` with these arguments.
    ///
    /// # Errors
    ///
    /// When the directory of the project cannot be used.
    pub(crate) fn of_build(arguments: &BuildArguments) -> anyhow::Result<Self> {
        let BuildArguments { target, archive, no_assets, compile, no_cache, dry_run } = arguments;
        let kind = format!("{target:?} {archive:?} {no_assets:?} {:?}", compile.no_deps_check);
        Self::find(&kind, !no_cache && !dry_run)
    }

    /// The last `beamship release` with these arguments.
    ///
    /// # Errors
    ///
    /// As [`LastBuild::of_build`].
    pub(crate) fn of_release(arguments: &ReleaseArguments) -> anyhow::Result<Self> {
        let ReleaseArguments { target, archive, no_cache, dry_run, .. } = arguments;
        Self::find(&format!("release {target:?} {archive:?}"), !no_cache && !dry_run)
    }

    /// The last build of a kind: what distinguishes it from other builds of the same project.
    fn find(kind: &str, is_kept: bool) -> anyhow::Result<Self> {
        let project = project_directory::find()?;
        let Some(cache) = cache_directory::find().filter(|_| is_kept) else {
            return Ok(Self { project, file: None, record: None, is_touched: false });
        };
        let variable = |name| std::env::var(name).unwrap_or_default();
        let (environment, target) = (variable("MIX_ENV"), variable("MIX_TARGET"));
        let key = format!("{} {project} {kind} {environment:?} {target:?}", env!("CARGO_PKG_VERSION"));
        let file = cache.join("builds").join(HEXLOWER.encode(&Sha256::digest(key)[..16]));
        let record = Record::load(&file);
        Ok(Self { project, file: Some(file), record, is_touched: false })
    }

    /// What the user was told about it, if nothing has changed since.
    ///
    /// # Errors
    ///
    /// Why a build has to run; none when nothing is known of the last one.
    pub(crate) fn reuse(&mut self) -> Result<Summary, Option<Difference>> {
        let record = self.record.as_mut().ok_or(None)?;
        self.is_touched = record.difference(std::env::vars_os())?;
        serde_json::from_value(record.summary.clone()).map_err(|_| None)
    }

    /// Keeps the stamps of files that were touched and have the same content, so that they are not read again. Only for who has
    /// the lock of the project: a build beside this one may have written a newer record.
    pub(crate) fn keep_stamps(&self) {
        if let (true, Some(record), Some(file)) = (self.is_touched, &self.record, &self.file) {
            record.save(file);
        }
    }

    /// Starts to scan what this build may read.
    pub(crate) fn scan(&self) -> BackgroundScan {
        match (&self.file, &self.record) {
            (None, _) => BackgroundScan::of_sources(&self.project),
            (Some(_), None) => BackgroundScan::start(of_every_build(&self.project), Snapshot::default()),
            (Some(_), Some(record)) => {
                BackgroundScan::start(record.scope().clone(), record.snapshot().clone())
            }
        }
    }

    /// Writes the release, keeps what the next build needs to know about this one, and tells the user.
    ///
    /// # Errors
    ///
    /// As [`Assembly::make`].
    pub(crate) fn write(self, mut assembly: Assembly<'_>, json: bool) -> anyhow::Result<()> {
        let printer = assembly.printer;
        let plan = assembly.plan.tree.clone();
        let initial = assembly.initial.take();
        let external_resources = std::mem::take(&mut assembly.external_resources);
        let sources = self.file.as_ref().map(|_| Stamps::take(&sources(&plan)));
        let earlier = self.earlier(&assembly.description.spec.path);
        let (report, description) = assembly.make(earlier.as_ref().map(|earlier| earlier as _))?;
        if let (Some(file), Some(sources)) = (&self.file, sources) {
            let initial = initial.filter(|_| !description.steps.contains(&Step::Custom));
            match initial {
                Some(initial) => {
                    let scope = self.scope(&description, external_resources, &report);
                    let written = Written { plan: &plan, description: &description, report: &report };
                    written.record(scope, &initial, sources, printer).save(file);
                }
                // Custom steps could have read anything. That the file cannot be removed only costs time.
                None => drop(fs_err::remove_file(file)),
            }
        }
        announce(&report, description.quiet, json, printer)
    }

    /// The earlier release, from which unchanged files can be taken over.
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
        scope.listings.extend(inputs.listings.iter().cloned());
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

/// A release that has been written.
struct Written<'a> {
    plan: &'a Tree,
    description: &'a ReleaseDescription,
    report: &'a Report,
}

impl Written<'_> {
    /// What is kept of its build, which may have read what is in this scope.
    fn record(&self, scope: Scope, initial: &InitialSnapshot, sources: Stamps, printer: &Printer) -> Record {
        let inputs = &self.description.inputs;
        let build = FinishedBuild {
            scope,
            initial,
            variables: EnvironmentScope {
                names: inputs.variables.iter().cloned().collect(),
                all: inputs.every_variable,
            },
            sources,
            outputs: self.outputs(),
            summary: serde_json::json!({
                "report": self.report,
                "quiet": self.description.quiet,
                "remarks": printer.remarks(),
            }),
        };
        Record::new(build, std::env::vars_os())
    }

    /// What was written, and what from.
    fn outputs(&self) -> Vec<(Utf8PathBuf, Option<Origin>)> {
        let target = &self.description.spec.path;
        let files = self.plan.entries().filter_map(|entry| {
            let origin = match entry.node {
                Node::File { content, .. } => origin(entry.path, content),
                Node::Link { .. } => None,
                Node::Directory { .. } => return None,
            };
            Some((target.join(entry.path.as_str()), origin))
        });
        let archive = self.report.archive.iter().map(|archive| (Utf8PathBuf::from(&archive.path), None));
        files.chain(archive).collect()
    }
}

/// What every build of this project reads: the project, the commit that is checked out, the programs that it starts from PATH,
/// and the files in the directories above the project by which version managers choose among them.
fn of_every_build(project: &Utf8Path) -> Scope {
    let mut scope = Scope { directories: [project.to_owned()].into(), ..Scope::default() };
    if let Some(repository) = Repository::of(project) {
        scope.files.extend(repository.files());
        scope.directories.extend(repository.directories());
    }
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
    fn size_if_same(&self, path: &TreePath, mode: u32, content: &Content) -> Option<u64> {
        self.record.size_if_up_to_date(&self.target.join(path.as_str()), &origin(path, content)?, mode)
    }
}

/// What a file was made from, if it may be taken over from an earlier release.
///
/// Only code and the programs of the runtime, which nobody opens to write into them: a running system that writes to
/// a file of its release, a database in `priv` perhaps, must not write to one of the next release.
fn origin(path: &TreePath, content: &Content) -> Option<Origin> {
    let (source, transformation) = match content {
        Content::StrippedBeam(source, options) => (source, stripped(options)),
        Content::Copy(source) if is_code(path, source) => (source, "copied".to_owned()),
        Content::Copy(_) | Content::Bytes(_) => return None,
    };
    Some(Origin { source: source.clone(), transformation })
}

fn is_code(path: &TreePath, source: &Utf8Path) -> bool {
    let path = path.as_str();
    path.starts_with("erts-")
        || path.ends_with(".beam")
        || path.ends_with(".so")
        || source.file_name() == Some(launcher_file::NAME)
}

/// What stripping code does to it: which chunks stay, by their names. It is asked for thousands of files.
fn stripped(options: &StripOptions) -> String {
    let mut text = String::from(if options.compress { "stripped and compressed:" } else { "stripped:" });
    for chunk in options.chunks.iter() {
        text.push(' ');
        text.extend(chunk.iter().map(|byte| char::from(*byte)));
    }
    text
}

/// The files that a release is copied from.
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

fn home() -> Option<Utf8PathBuf> {
    std::env::var("HOME").ok().map(Utf8PathBuf::from).filter(|path| path.is_absolute())
}
