//! Files put into a project: created, replaced where that was asked for, and never lost.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use similar::TextDiff;
use tree::file::create_directories;

use crate::failure::Declined;
use crate::printer::Printer;
use crate::question;
use crate::report::print_json;

/// A file that goes into a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewFile {
    /// Where, relative to the project.
    pub(crate) path: String,
    /// Permission bits; none for those of the file that is replaced, or of a text that everybody may read.
    pub(crate) mode: Option<u32>,
    /// Its text.
    pub(crate) text: String,
}

/// How files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WriteOptions {
    /// Others are replaced without asking.
    pub(crate) force: bool,
    /// Nothing is written.
    pub(crate) dry_run: bool,
    /// The result is printed as JSON.
    pub(crate) json: bool,
    /// What is different in a file that is there is shown.
    pub(crate) shows_difference: bool,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A file, and what has happened to it or would happen, in the word that is also printed.
#[derive(Debug, Serialize)]
struct Written {
    path: String,
    #[serde(rename = "change")]
    word: &'static str,
}

/// A file would be written to another place than the project.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{path}` leads to `{target}`, outside of the project, where nothing is written\nhint: put a file in the place of the link"
)]
struct LeadsOut {
    path: String,
    target: Utf8PathBuf,
}

/// Puts files into a project. One that is there and differs is asked about, or kept where there is nobody to ask.
///
/// # Errors
///
/// When a file cannot be written, or one was kept: then not everything that was asked for is there. Nothing is written when
/// a link leads one out of the project.
pub(crate) fn write_all(
    project: &Utf8Path,
    files: &[NewFile],
    options: WriteOptions,
    printer: &Printer,
) -> anyhow::Result<()> {
    let mut all = Vec::new();
    let mut kept = Vec::new();
    for file in files {
        check_place(project, file, options)?;
    }
    for file in files {
        let target = project.join(&file.path);
        let change = change(project, file, options, printer)?;
        if !options.dry_run && matches!(change, Change::Created | Change::Replaced) {
            write(&target, file)?;
        }
        if change == Change::Kept {
            kept.push(format!("`{}`", file.path));
        }
        let word = word(change, options.dry_run);
        printer.say(&format!("  {word:<9} {}", file.path));
        all.push(Written { path: file.path.clone(), word });
    }
    if options.json {
        print_json(&all)?;
    }
    if kept.is_empty() || options.dry_run {
        return Ok(());
    }
    Err(Declined(format!("kept {}, which differ\nhint: --force replaces them", kept.join(", "))).into())
}

/// Refuses a file that would be written to another place than the project, by a link or in a directory that is one.
fn check_place(project: &Utf8Path, file: &NewFile, options: WriteOptions) -> anyhow::Result<()> {
    let is_written = match present(&project.join(&file.path))? {
        Some(bytes) => options.force && bytes != file.text.as_bytes(),
        None => true,
    };
    match outside(project, &file.path)? {
        Some(target) if is_written => Err(LeadsOut { path: file.path.clone(), target }.into()),
        _ => Ok(()),
    }
}

/// Where a path in the project leads to, when that is not in the project.
fn outside(project: &Utf8Path, path: &str) -> anyhow::Result<Option<Utf8PathBuf>> {
    let project = project.canonicalize_utf8().with_context(|| format!("cannot use `{project}`"))?;
    let path = project.join(path);
    // Of what is not there yet, or is a link that leads nowhere and is replaced, the directory counts that it will be in.
    for place in path.ancestors() {
        match place.canonicalize_utf8() {
            Ok(resolved) if resolved.starts_with(&project) => return Ok(None),
            Ok(resolved) => return Ok(Some(resolved)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot write `{path}`")),
        }
    }
    Ok(None)
}

/// What is in a file, if there is one.
fn present(path: &Utf8Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn change(
    project: &Utf8Path,
    file: &NewFile,
    options: WriteOptions,
    printer: &Printer,
) -> anyhow::Result<Change> {
    let present = match present(&project.join(&file.path))? {
        Some(bytes) if bytes == file.text.as_bytes() => return Ok(Change::Identical),
        Some(bytes) => bytes,
        None => return Ok(Change::Created),
    };
    if options.force {
        return Ok(Change::Replaced);
    }
    if outside(project, &file.path)?.is_some() {
        return Ok(Change::Kept);
    }
    if options.shows_difference {
        printer.say(&difference(&String::from_utf8_lossy(&present), file));
    }
    let question = format!("`{}` is there and differs. Replace it?", file.path);
    let is_replaced = !options.dry_run && question::ask(&question, false)? == Some(true);
    Ok(if is_replaced { Change::Replaced } else { Change::Kept })
}

/// What would change in the file that is there, as `diff -u` writes it.
fn difference(present: &str, file: &NewFile) -> String {
    let difference = TextDiff::from_lines(present, file.text.as_str());
    let mut unified = difference.unified_diff();
    let (old, new) = (format!("{} (there)", file.path), format!("{} (generated)", file.path));
    unified.context_radius(3).header(&old, &new).to_string().trim_end().to_owned()
}

/// Writes a file so that it is never there in part. Where a link stands, the file that it leads to is replaced.
fn write(target: &Utf8Path, file: &NewFile) -> anyhow::Result<()> {
    let resolved = match target.canonicalize_utf8() {
        Ok(resolved) => resolved,
        // There is nothing yet, or a link that leads nowhere.
        Err(error) if error.kind() == ErrorKind::NotFound => target.to_owned(),
        Err(error) => return Err(error).with_context(|| format!("cannot write `{target}`")),
    };
    let target = resolved.as_path();
    if let Some(directory) = target.parent() {
        create_directories(directory)
            .with_context(|| format!("cannot create the directory `{directory}`"))?;
    }
    let present = fs_err::metadata(target).ok().map(|metadata| metadata.permissions().mode() & 0o777);
    let mode = file.mode.or(present).unwrap_or(0o644);
    tree::file::write(target, file.text.as_bytes(), mode).with_context(|| format!("cannot write `{target}`"))
}

/// What is said of a change: what was done, or, in a dry run, what would be.
fn word(change: Change, dry_run: bool) -> &'static str {
    match (change, dry_run) {
        (Change::Created, false) => "created",
        (Change::Created, true) => "create",
        (Change::Replaced, false) => "replaced",
        (Change::Replaced, true) => "replace",
        (Change::Identical, _) => "identical",
        (Change::Kept, false) => "kept",
        (Change::Kept, true) => "keep",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_and_leads_to_the_new_text() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        let (link, target) = (directory.join("Dockerfile"), directory.join("infra/Dockerfile"));
        fs_err::create_dir(directory.join("infra")).unwrap();
        fs_err::write(&target, "old").unwrap();
        fs_err::os::unix::fs::symlink("infra/Dockerfile", &link).unwrap();
        let new = NewFile { path: "Dockerfile".to_owned(), text: "new".to_owned(), mode: None };
        write(&link, &new).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs_err::read_to_string(&target).unwrap(), "new");
        // One that leads nowhere is replaced.
        fs_err::remove_file(&target).unwrap();
        write(&link, &new).unwrap();
        assert_eq!((link.is_symlink(), fs_err::read_to_string(&link).unwrap().as_str()), (false, "new"));
    }

    /// `init --force` replaced a file of the system that a link led to.
    #[test]
    fn nothing_is_written_outside_of_the_project() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        let (project, elsewhere) = (directory.join("project"), directory.join("elsewhere"));
        fs_err::create_dir(&project).unwrap();
        fs_err::create_dir(&elsewhere).unwrap();
        fs_err::write(elsewhere.join("b"), "old").unwrap();
        fs_err::os::unix::fs::symlink(elsewhere.join("b"), project.join("b")).unwrap();
        let new = |path: &str| NewFile { path: path.to_owned(), text: "new".to_owned(), mode: None };
        let printer = Printer::new(crate::printer::Verbosity::Quiet);
        let write = |paths: [&str; 2], force| {
            let options = WriteOptions { force, dry_run: false, json: false, shows_difference: false };
            write_all(&project, &paths.map(new), options, &printer)
        };
        let error = write(["a", "b"], true).unwrap_err();
        assert!(error.is::<LeadsOut>() && error.to_string().starts_with("`b` leads to `"), "{error}");
        assert!(!project.join("a").exists(), "neither of both");
        // It stays, as others that differ do when nobody says anything else; the rest is written.
        assert!(write(["a", "b"], false).unwrap_err().is::<Declined>());
        assert_eq!(fs_err::read_to_string(elsewhere.join("b")).unwrap(), "old");
        assert!(project.join("a").exists());
        // What it leads to is right already.
        fs_err::write(elsewhere.join("b"), "new").unwrap();
        write(["a", "b"], true).unwrap();

        // A directory, in which there is nothing of that name.
        fs_err::os::unix::fs::symlink("../elsewhere", project.join("rel")).unwrap();
        for force in [true, false] {
            assert!(write(["rel/c", "rel/deep/c"], force).unwrap_err().is::<LeadsOut>());
        }
        assert_eq!(elsewhere.read_dir_utf8().unwrap().count(), 1);
        // A link to nowhere is replaced, wherever that is.
        fs_err::os::unix::fs::symlink(elsewhere.join("nothing"), project.join("c")).unwrap();
        write(["a", "c"], true).unwrap();
        assert!(!project.join("c").is_symlink() && !elsewhere.join("nothing").exists());
    }
}
