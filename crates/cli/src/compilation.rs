//! What is compiled is what is there.
//!
//! Mix goes by the times of files, and takes some that have changed for compiled. beamship goes by content: it knows what the code
//! in the build directory was compiled from ([`freshness::Compilation`]). Files that differ and do not look so get the present
//! time; where that is not possible, or nothing is known, everything is compiled.

mod renewal;

use std::thread::JoinHandle;

use camino::{Utf8Path, Utf8PathBuf};
use freshness::{Beginning, Compilation, Compiled, Doubt, Scope, Snapshot};
use project::ProjectInformation;

use crate::printer::Printer;

/// A look at what there is to read, while Elixir starts.
pub(crate) struct Look(JoinHandle<Beginning>);

impl Look {
    /// Looks at a scope, of which something is known already.
    pub(crate) fn start(scope: Scope, known: Snapshot) -> Self {
        Self(std::thread::spawn(move || Beginning::look(scope, &known)))
    }

    /// Looks at what can be compiled, for a build of which nothing else will be kept.
    pub(crate) fn at_sources(project: &Utf8Path) -> Self {
        let scope =
            Scope { directories: [project.to_owned()].into(), sources_only: true, ..Scope::default() };
        Self::start(scope, Snapshot::default())
    }

    /// What was there; none if that could not be found out.
    pub(crate) fn end(self) -> Option<Beginning> {
        self.0.join().ok()
    }
}

/// Prepares the compilation of a project, so that whatever has changed is compiled. Gives true when that takes compiling
/// everything.
pub(crate) fn prepare(
    project: Utf8PathBuf,
    information: &ProjectInformation,
    beginning: &Beginning,
    printer: &Printer,
) -> (Compilation, bool) {
    let compiled = Compiled {
        project,
        build: information.build_path.clone(),
        dependencies: information.deps_path.clone(),
        applications: information.own_applications.iter().cloned().collect(),
    };
    let mut compilation = Compilation::prepare(compiled, beginning);
    let reason = match compilation.doubt() {
        Some(Doubt::NoNote) => {
            Some(format!("nothing is known of what `{}` was made from", information.build_path))
        }
        Some(Doubt::CompiledElsewhere) => {
            Some(format!("`{}` is not as the last build has left it", information.build_path))
        }
        None => renewal::renew(&compilation.backdated(), printer),
    };
    if let Some(reason) = &reason {
        printer.say(&format!("  compiling everything, because {reason}"));
    }
    compilation.begin();
    (compilation, reason.is_some())
}
