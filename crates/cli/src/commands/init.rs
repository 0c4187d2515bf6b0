//! `beamship init`: the templates of a release, put into the project.

use release::TEMPLATES;

use crate::arguments::{GlobalArguments, InitArguments};
use crate::generated_files::{NewFile, WriteOptions, write_all};
use crate::printer::Printer;
use crate::project_directory;

/// Writes the templates.
pub(crate) fn run(
    arguments: &InitArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let project = project_directory::find_mix_project()?;
    let files: Vec<NewFile> = TEMPLATES
        .into_iter()
        .map(|template| NewFile {
            path: format!("rel/{}", template.file),
            mode: None,
            text: template.text.to_owned(),
        })
        .collect();
    let write_options = WriteOptions {
        force: arguments.force,
        dry_run: arguments.dry_run,
        json: global.json,
        shows_difference: false,
    };
    write_all(&project, &files, write_options, printer)
}
