//! Putting in order what an earlier process left beside the target when it was killed.

use super::error::{At, DirectoryError};
use super::foreign::{Carried, Ownership, sweep};
use super::staging::{Staging, is_there, rename_new};
use super::target::Target;
use crate::{Progress, TreePath};
use std::fs;

use camino::Utf8PathBuf;

/// Finds staging directories of dead processes and finishes or undoes what they were doing. The lock must be held: it is
/// what makes sure that their processes are gone.
pub(super) fn recover(
    target: &Target,
    manifest: Option<&TreePath>,
    progress: &dyn Progress,
) -> Result<(), DirectoryError> {
    for directory in staging_directories(target)? {
        if let Some(staging) = Staging::left_behind(directory)? {
            let mut staging = staging;
            progress.message(&format!(
                "removing `{}`, which an interrupted build left behind",
                staging.directory()
            ));
            // Died right after the exchange, before the earlier release got its name.
            if staging.new_is_old()? {
                let (new, old) = (staging.new_tree(), staging.old_tree());
                fs::rename(&new, &old).at("move aside", &new)?;
            }
            if staging.is_unfinished(target)? {
                undo(&mut staging, target, manifest)?;
            }
            finish(&staging, target, manifest)?;
            staging.remove()?;
        }
    }
    Ok(())
}

/// Whether there may be something to put in order.
pub(super) fn is_needed(target: &Target) -> Result<bool, DirectoryError> {
    Ok(!staging_directories(target)?.is_empty())
}

/// What is beside the target under the names of staging directories.
fn staging_directories(target: &Target) -> Result<Vec<Utf8PathBuf>, DirectoryError> {
    let prefix = target.prefix();
    let mut found = Vec::new();
    for entry in fs::read_dir(&target.parent).at("list", &target.parent)? {
        let name = entry.at("list", &target.parent)?.file_name();
        let suffix = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        found.extend(suffix.filter(|suffix| is_staging_suffix(suffix)).map(|suffix| target.beside(suffix)));
    }
    Ok(found)
}

/// Puts the earlier release back where the custom steps of the new one were interrupted. Whatever is in that one and not
/// provably its own stays: a system may have been started from it.
fn undo(staging: &mut Staging, target: &Target, manifest: Option<&TreePath>) -> Result<(), DirectoryError> {
    staging.take_back(target)?;
    if !is_there(target.path.as_std_path()).at("look at", &target.path)? {
        return Ok(());
    }
    let new = staging.new_tree();
    match Ownership::of(&new, manifest)? {
        Some(ownership) => sweep(&new, &ownership, &Carried::default(), &target.path).map(|_| ()),
        None => Ok(()),
    }
}

/// `PID-RANDOM`.
fn is_staging_suffix(suffix: &str) -> bool {
    suffix.split_once('-').is_some_and(|(process, random)| {
        !process.is_empty()
            && process.bytes().all(|byte| byte.is_ascii_digit())
            && random.len() == 16
            && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Takes out of a staging directory what somebody still needs: the earlier release, or the user's files in it.
fn finish(staging: &Staging, target: &Target, manifest: Option<&TreePath>) -> Result<(), DirectoryError> {
    let old = staging.old_tree();
    if !is_there(old.as_std_path()).at("look at", &old)? {
        return Ok(());
    }
    if !is_there(target.path.as_std_path()).at("look at", &target.path)? {
        // Died between two steps, or somebody has removed the target since. One release whole is better than none.
        return rename_new(old.as_std_path(), target.path.as_std_path()).at("put back", &target.path);
    }
    match Ownership::of(&old, manifest)? {
        Some(ownership) => sweep(&old, &ownership, &Carried::default(), &target.path).map(|_| ()),
        // Nothing but releases (and empty directories) are ever replaced.
        None => Ok(()),
    }
}
