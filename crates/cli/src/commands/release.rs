//! `beamship release`: what `mix release` does.

use project::ReleaseLocation;

use crate::arguments::{GlobalArguments, ReleaseArguments};
use crate::failure::Declined;
use crate::last_build::LastBuild;
use crate::pipeline::{Intent, Pipeline};
use crate::printer::Printer;
use crate::project_directory;
use crate::project_lock::ProjectLock;
use crate::question;

/// Compiles and assembles.
pub(crate) fn run(
    arguments: &ReleaseArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let _lock = ProjectLock::acquire(&project_directory::find()?, printer);
    let last = LastBuild::of_release(arguments)?;
    let mut pipeline = Pipeline::start(printer, last.scan())?;
    if arguments.no_compile {
        pipeline.use_compiled(&arguments.compile)?;
    } else {
        pipeline.compile(&arguments.compile)?;
    }
    let overwrite = match (arguments.overwrite, arguments.no_overwrite) {
        (false, false) => None,
        (overwrite, _) => Some(overwrite),
    };
    let intent = Intent { overwrite, dry_run: arguments.dry_run };
    let location = pipeline.locate(&arguments.target, intent)?;
    if !arguments.dry_run && !location.overwrite {
        confirm(&location, arguments.no_overwrite)?;
    }
    let description = pipeline.describe(&location)?;
    let assembly = pipeline.plan(description, arguments.archive)?;
    if arguments.dry_run { assembly.print(global.json) } else { last.write(assembly, global.json) }
}

/// Asks before a release is replaced, if there is somebody to ask. Without a terminal it is replaced, unless that `is_refused`:
/// nothing is lost that could not be built again, and a build that does nothing must not look like one that did.
fn confirm(location: &ReleaseLocation, is_refused: bool) -> anyhow::Result<()> {
    let exists = location.path.join("releases").join(&location.version).exists();
    if !exists {
        return Ok(());
    }
    let name = format!("{}-{}", location.name, location.version);
    let why = match question::ask(&format!("The release {name} already exists. Replace it?"), true)? {
        Some(false) => "you said no",
        None if is_refused => "there is nobody to ask",
        _ => return Ok(()),
    };
    Err(Declined(format!("{name} was not replaced: {why}\nhint: --overwrite replaces without asking")).into())
}
