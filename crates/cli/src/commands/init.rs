//! `beamship init`: the templates of a release, put into the project.

use std::io::{BufRead, ErrorKind, IsTerminal, Write};

use anyhow::Context;
use camino::Utf8Path;
use release::{TEMPLATES, Template};
use serde::Serialize;

use crate::arguments::{GlobalArguments, InitArguments};
use crate::failure::Declined;
use crate::pipeline::project_directory;
use crate::printer::Printer;

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    /// It is not there yet.
    Created,
    /// Another one is there, which it replaces.
    Replaced,
    /// It is there already.
    Identical,
    /// Another one is there, which stays.
    Kept,
}

#[derive(Debug, Serialize)]
struct Written {
    path: String,
    change: Change,
}

/// Writes the templates. A file that is there and differs is asked about, or kept where there is nobody to ask.
pub(crate) fn run(
    arguments: &InitArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let project = project_directory(global)?;
    if !project.join("mix.exs").is_file() {
        anyhow::bail!(
            "there is no mix.exs in `{project}`\nhint: run this in the directory of a Mix project, or name it with -C"
        );
    }
    let mut all = Vec::new();
    for template in TEMPLATES {
        let path = format!("rel/{}", template.file);
        let change = change(&project.join(&path), &path, template, arguments)?;
        if !arguments.dry_run && matches!(change, Change::Created | Change::Replaced) {
            write(&project.join(&path), template.text)?;
        }
        printer.say(&format!("  {:<9} {path}", word(change, arguments.dry_run)));
        all.push(Written { path, change });
    }
    if global.json {
        let text = serde_json::to_string_pretty(&all).context("cannot write the result as JSON")?;
        writeln!(anstream::stdout(), "{text}")?;
    }
    let kept: Vec<_> = all
        .iter()
        .filter(|file| file.change == Change::Kept)
        .map(|file| format!("`{}`", file.path))
        .collect();
    if kept.is_empty() || arguments.dry_run {
        return Ok(());
    }
    Err(Declined(format!("kept {}, which differ\nhint: --force replaces them", kept.join(", "))).into())
}

fn change(
    file: &Utf8Path,
    path: &str,
    template: Template,
    arguments: &InitArguments,
) -> anyhow::Result<Change> {
    match fs_err::read(file) {
        Ok(bytes) if bytes == template.text.as_bytes() => Ok(Change::Identical),
        Ok(_) if arguments.force => Ok(Change::Replaced),
        Ok(_) if !arguments.dry_run && replace(path)? => Ok(Change::Replaced),
        Ok(_) => Ok(Change::Kept),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Change::Created),
        Err(error) => Err(error.into()),
    }
}

/// Asks whether a file is to be replaced, if there is somebody to ask.
fn replace(path: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    write!(anstream::stderr(), "`{path}` is there and differs. Replace it? [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Writes a file so that it is never there by halves.
fn write(file: &Utf8Path, text: &str) -> anyhow::Result<()> {
    if let Some(directory) = file.parent() {
        fs_err::create_dir_all(directory)?;
    }
    let new = format!("{file}.new");
    fs_err::write(&new, text)?;
    fs_err::rename(&new, file)?;
    Ok(())
}

fn word(change: Change, dry_run: bool) -> &'static str {
    match (change, dry_run) {
        (Change::Created, false) => "created",
        (Change::Created, true) => "create",
        (Change::Replaced, false) => "replaced",
        (Change::Replaced, true) => "replace",
        (Change::Identical, _) => "identical",
        (Change::Kept, _) => "kept",
    }
}
