//! Whether the code in the build directory is what the sources say.
//!
//! Mix goes by the times of files, and takes some that have changed for compiled. beamship goes by content: it knows which sources
//! the code in the build directory was compiled from ([`freshness::Compilation`]), and where they have changed in a way that
//! Mix would not notice, everything is compiled.

pub(crate) mod external_resources;

use std::thread::JoinHandle;

use camino::{Utf8Path, Utf8PathBuf};
use freshness::{BuildDirectory, Compilation, InitialSnapshot, RebuildReason, Scope, Snapshot};
use project::{LocalApplication, ProjectInformation};

use crate::printer::Printer;

/// An initial snapshot that is taken while Elixir starts.
pub(crate) struct BackgroundScan(JoinHandle<InitialSnapshot>);

impl BackgroundScan {
    /// Scans everything in a scope, of which something is known already.
    pub(crate) fn start(scope: Scope, known: Snapshot) -> Self {
        Self(std::thread::spawn(move || InitialSnapshot::take(scope, &known)))
    }

    /// Scans only what can be compiled, for a build of which nothing else will be kept.
    pub(crate) fn of_sources(project: &Utf8Path) -> Self {
        let scope =
            Scope { directories: [project.to_owned()].into(), sources_only: true, ..Scope::default() };
        Self::start(scope, Snapshot::default())
    }

    /// What was there; none if that could not be found out.
    pub(crate) fn finish(self) -> Option<InitialSnapshot> {
        self.0.join().ok()
    }
}

/// Begins the compilation of these applications of a project, some of whose sources are in directories elsewhere. When
/// everything has to be compiled, the user is told why.
pub(crate) fn begin(
    project: &Utf8Path,
    information: &ProjectInformation,
    local: &[&LocalApplication],
    source_directories: &[Utf8PathBuf],
    initial: &InitialSnapshot,
    printer: &Printer,
) -> Compilation {
    let build = &information.build_path;
    let directories = local.iter().map(|application| application.directory.clone());
    let directory = BuildDirectory {
        project: project.to_owned(),
        path: build.clone(),
        dependencies: information.deps_path.clone(),
        applications: local.iter().map(|application| application.name.clone()).collect(),
        directories: directories
            .chain([project.to_owned()])
            .chain(source_directories.iter().cloned())
            .collect(),
    };
    let compilation = Compilation::begin(directory, initial);
    if let Some(reason) = compilation.rebuild_reason() {
        let reason = match reason {
            RebuildReason::NoRecord => {
                format!("there is no record of which sources `{build}` was compiled from")
            }
            RebuildReason::CompiledElsewhere => {
                format!(
                    "`{build}` has been compiled since the last successful build, by something else or by one that failed, or has lost code"
                )
            }
            RebuildReason::LooksCompiled(path) => {
                format!("`{path}` has changed, but its timestamp is older than the last compilation")
            }
        };
        printer.say(&format!("  compiling everything, because {reason}"));
    }
    compilation
}
