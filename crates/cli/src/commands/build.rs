//! `beamship build`: the whole way from sources to a release.

use crate::arguments::{BuildArguments, GlobalArguments};
use crate::assembly::Assembly;
use crate::pipeline::Pipeline;
use crate::printer::Printer;

/// Builds. An existing release is replaced without a question: that is what a build is for.
pub(crate) fn run(
    arguments: &BuildArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let assembly = assembly(arguments, global, printer)?;
    if arguments.dry_run { assembly.print(global.json) } else { assembly.write(global.json) }
}

/// Everything up to the point where the release has to be written.
///
/// # Errors
///
/// Whatever is wrong with the project or its release.
pub(super) fn assembly<'a>(
    arguments: &BuildArguments,
    global: &GlobalArguments,
    printer: &'a Printer,
) -> anyhow::Result<Assembly<'a>> {
    let mut pipeline = Pipeline::start(global, printer)?;
    if arguments.dry_run {
        printer
            .say("  would fetch dependencies, compile and deploy assets; planning from what is compiled now");
        pipeline.compile(&arguments.compile, true)?;
    } else {
        pipeline.dependencies()?;
        pipeline.compile(&arguments.compile, false)?;
        if !arguments.no_assets {
            pipeline.assets()?;
        }
    }
    let location = pipeline.locate(&arguments.target, true, arguments.dry_run)?;
    let description = pipeline.describe(&location)?;
    pipeline.plan(description, arguments.archive)
}
