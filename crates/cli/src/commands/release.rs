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
    let _lock = ProjectLock::acquire(&project_directory::find(global)?, printer);
    let last = LastBuild::of_release(arguments, global)?;
    let mut pipeline = Pipeline::start(global, printer, last.scan())?;
    if arguments.no_compile {
        pipeline.use_compiled(&arguments.compile)?;
    } else {
        pipeline.compile(&arguments.compile)?;
    }
    let intent = Intent { overwrite: arguments.overwrite, dry_run: arguments.dry_run };
    let location = pipeline.locate(&arguments.target, intent)?;
    if !arguments.dry_run && !location.overwrite {
        confirm(&location)?;
    }
    let description = pipeline.describe(&location)?;
    let assembly = pipeline.plan(description, arguments.archive)?;
    if arguments.dry_run { assembly.print(global.json) } else { last.write(assembly, global.json) }
}

/// Asks before a release is replaced, if there is somebody to ask. Without a terminal it is replaced: nothing is lost
/// that could not be built again, and a build that does nothing must not look like one that did.
fn confirm(location: &ReleaseLocation) -> anyhow::Result<()> {
    let exists = location.path.join("releases").join(&location.version).exists();
    if !exists {
        return Ok(());
    }
    let name = format!("{}-{}", location.name, location.version);
    if question::ask(&format!("The release {name} already exists. Replace it?"), true)? == Some(false) {
        return Err(Declined(format!(
            "{name} was not replaced: you said no\nhint: --overwrite replaces without asking"
        ))
        .into());
    }
    Ok(())
}
