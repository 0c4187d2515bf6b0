//! `beamship release`: what `mix release` does.

use std::io::{BufRead, IsTerminal, Write};

use crate::arguments::{GlobalArguments, ReleaseArguments};
use crate::failure::Declined;
use crate::pipeline::{Pipeline, PlannedRelease};
use crate::printer::Printer;

/// Compiles and assembles.
pub(crate) fn run(
    arguments: &ReleaseArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let mut pipeline = Pipeline::start(global, printer)?;
    pipeline.compile(&arguments.compile, arguments.no_compile)?;
    let description = pipeline.describe(&arguments.target, arguments.overwrite)?;
    let planned = pipeline.plan(&description.spec)?;
    if arguments.dry_run {
        return planned.print(global.json);
    }
    if planned.exists() && !description.overwrite {
        confirm(&planned)?;
    }
    planned.write(global.json)
}

/// Asks before a release is replaced, if there is somebody to ask. Without a terminal it is replaced: nothing is lost
/// that could not be built again, and a build that does nothing must not look like one that did.
fn confirm(planned: &PlannedRelease<'_>) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(());
    }
    let name = planned.full_name();
    write!(anstream::stderr(), "The release {name} already exists. Replace it? [Y/n] ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "" if answer.ends_with('\n') => Ok(()),
        "y" | "yes" => Ok(()),
        _ => Err(Declined(format!(
            "{name} was not replaced: you said no\nhint: --overwrite replaces without asking"
        ))
        .into()),
    }
}
