//! A release that stands at its place, as a tree again.

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
/// When something in the directory cannot be read, or a file that the manifest lists is not there.
pub fn read(root: &Utf8Path, manifest: &TreePath) -> Result<Tree, DirectoryError> {
    let manifest_file = root.join(manifest.as_str());
    let listed = match fs::read(&manifest_file) {
        Ok(bytes) => Some(manifest_paths(&bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).at("read", &manifest_file),
    };
    let mut found = Vec::new();
    match listed {
        Some(listed) => {
            for path in listed {
                let metadata = fs::symlink_metadata(root.join(&path)).at("read", root.join(&path))?;
                found.push((path.into(), metadata));
            }
        }
        None => walk(root.as_std_path(), &mut |path, metadata| {
            if !is_temporary(&path) {
                found.push((path, metadata.clone()));
            }
        })?,
    }
    let mut tree = Tree::new();
    for (path, metadata) in found {
        let Some(path) = path.to_str().and_then(|path| TreePath::new(path).ok()) else { continue };
        if let Some(node) = node_at(&root.join(path.as_str()), &metadata)? {
            // Paths of one directory cannot contradict each other.
            let _ = tree.replace(path, node);
        }
    }
    Ok(tree)
}
