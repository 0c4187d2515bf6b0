//! `beamship build`: the whole way from sources to a release.

use crate::arguments::{BuildArguments, GlobalArguments};
use crate::pipeline::Pipeline;
use crate::printer::Printer;

/// Builds. An existing release is replaced without a question: that is what a build is for.
pub(crate) fn run(
    arguments: &BuildArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
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
    let assembly = pipeline.plan(description, arguments.archive)?;
    if arguments.dry_run { assembly.print(global.json) } else { assembly.write(global.json) }
}
