//! Where a release is that has been built before.

use std::io::{self, ErrorKind};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use contract::{START_ERL_DATA, StartErlData};

use crate::{build_directory, project_directory};

/// The directory of a release: the one that is named, or the one in the project's build directory.
///
/// # Errors
///
/// When there is none, or several and no name.
pub(crate) fn find(given: Option<&Utf8Path>, name: Option<&str>) -> anyhow::Result<Utf8PathBuf> {
    if let Some(given) = given {
        let directory = given.canonicalize_utf8().map_err(|error| {
            anyhow::anyhow!("cannot use `{given}` as the directory of a release: {error}")
        })?;
        if !is_release(&directory)? {
            anyhow::bail!("`{given}` is not a release: it has no {START_ERL_DATA}");
        }
        return Ok(directory);
    }
    let all = directory_of_all()?;
    let hint = "build one with `beamship build`, or name its directory with --release";
    if let Some(name) = name {
        let directory = all.join(name);
        if !is_release(&directory)? {
            anyhow::bail!("there is no release `{name}` in `{all}`\nhint: {hint}");
        }
        return Ok(directory);
    }
    match releases(&all)?.as_slice() {
        [directory] => Ok(directory.clone()),
        [] => anyhow::bail!("there is no release in `{all}`\nhint: {hint}"),
        several => {
            let names: Vec<_> = several.iter().filter_map(|path| path.file_name()).collect();
            anyhow::bail!("there are several releases in `{all}`: {}\nhint: say which", names.join(", "))
        }
    }
}

/// All releases in the project's build directory, sorted.
///
/// # Errors
///
/// When the directory of the project, or of its releases, cannot be read.
pub(crate) fn all() -> anyhow::Result<Vec<Utf8PathBuf>> {
    releases(&directory_of_all()?)
}

/// Whether a directory holds a release.
///
/// # Errors
///
/// When that cannot be told.
fn is_release(directory: &Utf8Path) -> anyhow::Result<bool> {
    match fs_err::metadata(directory.join(START_ERL_DATA)) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if is_absence(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Where releases are built.
fn directory_of_all() -> anyhow::Result<Utf8PathBuf> {
    Ok(build_directory::find(&project_directory::find()?).join("rel"))
}

fn releases(directory: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let cannot = || format!("cannot list `{directory}`");
    let entries = match directory.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(cannot),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(cannot)?.into_path();
        if is_release(&path)? {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Name and version of the release in a directory.
///
/// # Errors
///
/// When there is none.
pub(crate) fn identity(directory: &Utf8Path) -> anyhow::Result<(String, String)> {
    let file = directory.join(START_ERL_DATA);
    let data = fs_err::read_to_string(&file).with_context(|| format!("`{directory}` is not a release"))?;
    let version = StartErlData::parse(&data).with_context(|| format!("`{file}` holds no versions"))?.version;
    let versions = directory.join("releases").join(&version);
    let cannot = || format!("cannot list `{versions}`");
    let mut names = Vec::new();
    for entry in versions.read_dir_utf8().with_context(cannot)? {
        names.push(entry.with_context(cannot)?.file_name().to_owned());
    }
    let resource = contract::resource_file(names.iter().map(String::as_str))
        .with_context(|| format!("`{directory}` is not a release: there is no .rel in `{versions}`"))?;
    Ok((resource.trim_end_matches(".rel").to_owned(), version))
}
