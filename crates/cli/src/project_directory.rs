//! Where the project is: the current directory.
//!
//! With `-C` beamship works as if it had been started in another one, as `git` and `cargo` do: every path on the command line is
//! meant from there. What it tells its user about is named from where that user is.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

/// Where beamship was started.
static STARTED_IN: OnceLock<PathBuf> = OnceLock::new();

/// Goes to the directory that `-C` names.
///
/// # Errors
///
/// When it does not exist, or cannot be used.
pub(crate) fn enter(given: &Utf8Path) -> anyhow::Result<()> {
    if let Ok(directory) = std::env::current_dir() {
        let _ = STARTED_IN.set(directory);
    }
    std::env::set_current_dir(given)
        .map_err(|error| anyhow::anyhow!("cannot use `{given}` as the directory of the project: {error}"))
}

/// A path as a user can give it to another program: relative, where it is below the directory in which beamship was started.
pub(crate) fn shown(path: &Utf8Path) -> &Utf8Path {
    let started_in = STARTED_IN.get().cloned().or_else(|| std::env::current_dir().ok());
    started_in.and_then(|directory| path.strip_prefix(Utf8Path::from_path(&directory)?).ok()).unwrap_or(path)
}

/// The directory of the project, as an absolute path, so that messages say which one is meant.
///
/// # Errors
///
/// When it cannot be used.
pub(crate) fn find() -> anyhow::Result<Utf8PathBuf> {
    match fs_err::canonicalize(".") {
        Ok(directory) => Utf8PathBuf::from_path_buf(directory).map_err(|directory| {
            anyhow::anyhow!(
                "cannot work in `{}`: the path is not UTF-8\nhint: rename the directory in it that is not, or move the project",
                directory.display()
            )
        }),
        Err(error) => anyhow::bail!("cannot use the current directory as that of the project: {error}"),
    }
}

/// The directory of the project, which has to be a Mix project.
///
/// # Errors
///
/// When there is no `mix.exs`.
pub(crate) fn find_mix_project() -> anyhow::Result<Utf8PathBuf> {
    let project = find()?;
    let file = project.join("mix.exs");
    let is_there = match fs_err::metadata(&file) {
        Ok(metadata) => metadata.is_file(),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error.into()),
    };
    if !is_there {
        anyhow::bail!(
            "there is no mix.exs in `{project}`\nhint: run this in the directory of a Mix project, or name it with -C"
        );
    }
    Ok(project)
}
