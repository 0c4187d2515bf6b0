//! What is compiled is what is there.
//!
//! Mix goes by the times of files, and takes some that have changed for compiled. beamship goes by content: it knows what the code
//! in the build directory was compiled from ([`freshness::Compilation`]), and where that is not what is there and Mix would not
//! see it, everything is compiled.

pub(crate) mod external_resources;

use std::thread::JoinHandle;

use camino::Utf8Path;
use freshness::{Beginning, Compilation, Compiled, Doubt, Scope, Snapshot};
use project::{LocalApplication, ProjectInformation};

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

/// Begins the compilation of these applications of a project, and says why everything has to be compiled, if it has to be.
pub(crate) fn begin(
    project: &Utf8Path,
    information: &ProjectInformation,
    local: &[&LocalApplication],
    beginning: &Beginning,
    printer: &Printer,
) -> Compilation {
    let build = &information.build_path;
    let directories = local.iter().map(|application| application.directory.clone());
    let compiled = Compiled {
        project: project.to_owned(),
        build: build.clone(),
        dependencies: information.deps_path.clone(),
        applications: local.iter().map(|application| application.name.clone()).collect(),
        places: directories.chain([project.to_owned()]).collect(),
    };
    let compilation = Compilation::begin(compiled, beginning);
    if let Some(doubt) = compilation.doubt() {
        let reason = match doubt {
            Doubt::NoNote => format!("nothing is known of what `{build}` was made from"),
            Doubt::CompiledElsewhere => format!("`{build}` is not as the last build has left it"),
            Doubt::LooksCompiled(path) => format!("`{path}` is not what was compiled, and does not look so"),
        };
        printer.say(&format!("  compiling everything, because {reason}"));
    }
    compilation
}
