//! A release that stands at its place, as a tree again.

use std::collections::HashSet;
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;

use camino::Utf8Path;

use super::error::{At, DirectoryError};
use super::published::{is_temporary, node_at};
use super::snapshot::walk;
use crate::manifest::manifest_paths;
use crate::{Tree, TreePath};

/// The files of a release: those that its manifest lists. What running systems have put beside them (logs, databases,
/// `tmp/`) is left out. A release without a manifest, as Mix makes them, is everything but `tmp/`.
///
/// # Errors
///
/// When something in the directory cannot be read, or a file that the manifest lists is not there, or cannot be a part of the
/// release.
pub fn read(root: &Utf8Path, manifest: &TreePath) -> Result<Tree, DirectoryError> {
    let manifest_file = root.join(manifest.as_str());
    let listed = match fs::read(&manifest_file) {
        Ok(bytes) => Some(manifest_paths(&bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).at("read", &manifest_file),
    };
    let mut tree = Tree::new();
    let mut add = |path: TreePath, metadata: &fs::Metadata| {
        let Some(node) = node_at(&root.join(path.as_str()), metadata)? else { return Ok(()) };
        tree.replace(path, node).map_err(|conflict| not_its_own(root, conflict.path, conflict.reason))
    };
    match listed {
        Some(listed) => {
            let mut listed: Vec<String> = listed.into_iter().collect();
            listed.sort();
            // Links of somebody else might lead out of the release.
            let mut directories = HashSet::from([root.to_owned()]);
            for path in listed {
                let path =
                    TreePath::new(path).map_err(|error| not_its_own(root, error.path, error.reason))?;
                let place = root.join(path.as_str());
                for directory in place.ancestors().skip(1).take_while(|directory| *directory != root) {
                    if directories.insert(directory.to_owned())
                        && !fs::symlink_metadata(directory).at("look at", directory)?.is_dir()
                    {
                        return Err(not_its_own(root, path, "a file or link stands at one of its parents"));
                    }
                }
                add(path, &fs::symlink_metadata(&place).at("read", &place)?)?;
            }
        }
        None => {
            let mut found = Vec::new();
            walk(root.as_std_path(), &mut |path, metadata| {
                if !is_temporary(&path) {
                    found.push((path, metadata.clone()));
                }
            })?;
            for (path, metadata) in found {
                let text = path.to_str().ok_or_else(|| DirectoryError::NotUtf8 { path: path.clone() })?;
                let path =
                    TreePath::new(text).map_err(|error| not_its_own(root, error.path, error.reason))?;
                add(path, &metadata)?;
            }
        }
    }
    Ok(tree)
}

fn not_its_own(root: &Utf8Path, path: impl Display, reason: &'static str) -> DirectoryError {
    DirectoryError::NotItsOwn { root: root.to_owned(), path: path.to_string(), reason }
}
