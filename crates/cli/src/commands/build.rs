//! `beamship build`: all the way from sources to a release.

use std::time::Instant;

use camino::Utf8Path;

use crate::arguments::{BuildArguments, GlobalArguments};
use crate::assembly::{self, Assembly, announce};
use crate::compilation::BackgroundScan;
use crate::last_build::{LastBuild, Summary};
use crate::pipeline::{Intent, Pipeline};
use crate::printer::{Printer, Verbosity, seconds};
use crate::project_directory;
use crate::project_lock::ProjectLock;

/// Builds. An existing release is replaced without a question: that is what a build is for.
pub(crate) fn run(
    arguments: &BuildArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let _lock = ProjectLock::acquire(&project_directory::find()?, printer);
    let mut last = LastBuild::of_build(arguments)?;
    if !arguments.compile.force {
        match last.reuse() {
            Ok(summary) => {
                last.keep_stamps();
                return unchanged(summary, start, global, printer);
            }
            Err(Some(difference)) if printer.verbosity() == Verbosity::Verbose => {
                printer.say(&format!("  building, because {difference}"));
            }
            Err(_) => {}
        }
    }
    let assembly = assembly(arguments, printer, last.scan())?;
    if arguments.dry_run { assembly.print(global.json) } else { last.write(assembly, global.json) }
}

/// The release is there, and another build would make the same.
fn unchanged(
    summary: Summary,
    start: Instant,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let Summary { mut report, quiet, remarks } = summary;
    // The last build may not have been able to remove all that it replaced, or what it started Elixir with. Nobody needs
    // that: a word is enough.
    project::remove_abandoned_directories();
    if let Err(error) = assembly::tidy(Utf8Path::new(&report.path), printer) {
        printer.warn(&error.to_string());
    }
    printer.repeat(&remarks);
    let duration = start.elapsed();
    printer.say(&format!(
        "Nothing has changed since {}-{} was built ({})",
        report.name,
        report.version,
        seconds(duration)
    ));
    report.written = false;
    report.phases.clear();
    report.phase("check", duration);
    announce(&report, quiet, global.json, printer)
}

/// Everything up to the point where the release has to be written.
///
/// # Errors
///
/// Whatever is wrong with the project or its release.
pub(super) fn assembly<'a>(
    arguments: &BuildArguments,
    printer: &'a Printer,
    scan: BackgroundScan,
) -> anyhow::Result<Assembly<'a>> {
    let mut pipeline = Pipeline::start(printer, scan)?;
    if arguments.dry_run {
        printer
            .say("  would fetch dependencies, compile and deploy assets; planning from what is compiled now");
        pipeline.use_compiled(&arguments.compile)?;
    } else {
        pipeline.dependencies()?;
        pipeline.compile(&arguments.compile)?;
        if !arguments.no_assets {
            pipeline.assets(&arguments.compile)?;
        }
    }
    let intent = Intent { overwrite: Some(true), dry_run: arguments.dry_run };
    let location = pipeline.locate(&arguments.target, intent)?;
    let description = pipeline.describe(&location)?;
    pipeline.plan(description, arguments.archive)
}
