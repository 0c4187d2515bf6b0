//! `digest clean`: digested files that nobody asks for any more.
//!
//! Only what the manifest names is removed, and never the newest file of a path. The manifest is written first, so that
//! it names no file that is gone, whenever the process dies.

use std::collections::{BTreeMap, HashSet};

use camino::Utf8Path;

use crate::compression::SUFFIXES;
use crate::digest::{is_there, load};
use crate::error::AssetsError;
use crate::manifest::{self, Manifest, UNIX_EPOCH};
use crate::output::Output;

/// What is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Old files.
    Old {
        /// Seconds after which a file is old.
        age: u64,
        /// How many earlier files of a path are kept, those that are not old.
        keep: usize,
        /// Seconds since 1970.
        now: u64,
    },
    /// All digested and compressed files, and the manifest.
    All,
}

/// Removes files from a directory and gives their paths in it, those of compressed ones included. With `dry_run` it
/// removes nothing.
///
/// # Errors
///
/// When the directory is missing, its manifest cannot be read, or a file cannot be removed.
pub fn clean(directory: &Utf8Path, choice: Choice, dry_run: bool) -> Result<Vec<String>, AssetsError> {
    if !is_there(directory)? {
        return Err(AssetsError::NoOutput { path: directory.to_owned() });
    }
    if !directory.is_dir() {
        return Err(AssetsError::NotDirectory { path: directory.to_owned() });
    }
    let output = Output::lock(directory, &|| {})?;
    let Some(mut manifest) = load(directory)? else { return Ok(Vec::new()) };
    let removed = match choice {
        Choice::Old { age, keep, now } => old_files(&manifest, age, keep, now.saturating_add(UNIX_EPOCH)),
        Choice::All => all_files(&manifest),
    };
    let mut paths = Vec::new();
    if choice == Choice::All {
        paths.push(manifest::FILE.to_owned());
        // The files that were digested stay, what was compressed of them goes: in the formats in which the digested file
        // is there too, because others are the project's own.
        for (digested, digest) in &manifest.digests {
            let made =
                SUFFIXES.into_iter().filter(|suffix| output.path(&format!("{digested}{suffix}")).exists());
            paths.extend(made.map(|suffix| format!("{}{suffix}", digest.logical_path)));
        }
    }
    for path in &removed {
        paths.push(path.clone());
        paths.extend(compressed(path));
    }
    paths.sort_by_key(|path| (path != manifest::FILE, path.clone()));
    paths.dedup();
    paths.retain(|path| output.path(path).symlink_metadata().is_ok());
    if dry_run {
        return Ok(paths);
    }
    output.remove_unfinished()?;
    if choice != Choice::All {
        let removed: HashSet<&String> = removed.iter().collect();
        manifest.digests.retain(|path, _| !removed.contains(path));
        output.write(manifest::FILE, manifest.text().as_bytes())?;
    }
    for path in &paths {
        output.remove(path)?;
    }
    Ok(paths)
}

/// Digested files that are too old or too many, the newest of each path aside.
fn old_files(manifest: &Manifest, age: u64, keep: usize, now: u64) -> Vec<String> {
    let latest: HashSet<&String> = manifest.latest.values().collect();
    let mut versions: BTreeMap<&str, Vec<(u64, &String)>> = BTreeMap::new();
    for (path, digest) in &manifest.digests {
        if !latest.contains(path) {
            versions.entry(&digest.logical_path).or_default().push((digest.mtime, path));
        }
    }
    let mut old = Vec::new();
    for mut versions in versions.into_values() {
        versions.sort_by(|one, other| other.cmp(one));
        for (index, (mtime, path)) in versions.into_iter().enumerate() {
            if now.saturating_sub(age) > mtime || index >= keep {
                old.push(path.clone());
            }
        }
    }
    old
}

/// All digested files.
fn all_files(manifest: &Manifest) -> Vec<String> {
    let digested = manifest.digests.iter().filter(|(path, digest)| **path != digest.logical_path);
    digested.map(|(path, _)| path.clone()).collect()
}

fn compressed(path: &str) -> [String; 3] {
    SUFFIXES.map(|suffix| format!("{path}{suffix}"))
}
