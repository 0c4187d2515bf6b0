//! Where the project is: the current directory, or the one that `-C` names.

use std::io::ErrorKind;

use camino::Utf8PathBuf;

use crate::arguments::GlobalArguments;

/// The directory of the project, as an absolute path, so that messages say which one is meant.
///
/// # Errors
///
/// When it does not exist, or cannot be used.
pub(crate) fn find(global: &GlobalArguments) -> anyhow::Result<Utf8PathBuf> {
    let given = global.directory.clone().unwrap_or_else(|| Utf8PathBuf::from("."));
    match given.canonicalize_utf8() {
        Ok(directory) => Ok(directory),
        Err(error) => anyhow::bail!("cannot use `{given}` as the directory of the project: {error}"),
    }
}

/// The directory of the project, which has to be a Mix project.
///
/// # Errors
///
/// When there is no `mix.exs`.
pub(crate) fn find_mix_project(global: &GlobalArguments) -> anyhow::Result<Utf8PathBuf> {
    let project = find(global)?;
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
