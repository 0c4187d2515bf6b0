//! A release at its place, while the custom steps of its project still work on it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};

use super::assemble::MODE_BITS;
use super::error::{At, DirectoryError};
use super::foreign::Carried;
use super::snapshot::{Snapshot, walk};
use super::staging::{is_there, write_private};
use crate::{Content, Node, Tree, TreePath, manifest_text};

/// Where running systems keep what they need for a while (`RELEASE_TMP`): never a part of the release.
const TEMPORARY: &str = "tmp";

/// A release at its place that is not finished: if it never is, the earlier one comes back.
pub struct Published<'a> {
    root: &'a Utf8Path,
    manifest: Option<&'a TreePath>,
    carried: &'a Carried,
    /// Taken when nothing but the tree and what was carried over was there.
    before: Snapshot,
    /// What is put there meanwhile and is not part of the release.
    excluded: RefCell<HashSet<PathBuf>>,
    written: (usize, u64),
    /// Where the manifest is written again before it takes its place: outside of the release, so that an interrupted build
    /// leaves nothing in it that would be taken for the user's.
    draft: Utf8PathBuf,
}

impl<'a> Published<'a> {
    pub(super) fn new(
        root: &'a Utf8Path,
        manifest: Option<&'a TreePath>,
        carried: &'a Carried,
        written: (usize, u64),
        draft: Utf8PathBuf,
    ) -> Result<Self, DirectoryError> {
        let before = Snapshot::take(root)?;
        Ok(Self { root, manifest, carried, before, excluded: RefCell::default(), written, draft })
    }

    /// How many files were written for it, and their size in bytes.
    pub fn written(&self) -> (usize, u64) {
        self.written
    }

    /// Keeps a file, such as an archive of the release, from being taken for a part of it.
    pub fn exclude(&self, path: &Utf8Path) {
        if let Ok(path) = path.strip_prefix(self.root) {
            self.excluded.borrow_mut().insert(path.into());
        }
    }

    /// The directory, links resolved.
    pub fn root(&self) -> &Utf8Path {
        self.root
    }

    /// The release as it is now, every file to be read from its place. What was carried over from the earlier release
    /// and is as it was, `tmp/`, and what is neither file, link nor directory do not belong to it. The manifest in the
    /// directory is written again.
    ///
    /// # Errors
    ///
    /// When the directory is not there any more, something in it cannot be read, or the manifest not be written.
    pub fn tree(&self) -> Result<Tree, DirectoryError> {
        if !is_there(self.root.as_std_path()).at("look at", self.root)? {
            return Err(DirectoryError::TakenAway { target: self.root.to_owned() });
        }
        let changed: HashSet<PathBuf> = self.before.changes(self.root)?.into_iter().collect();
        let excluded = self.excluded.borrow();
        let mut found = Vec::new();
        walk(self.root.as_std_path(), &mut |path, metadata| {
            let is_other = is_temporary(&path) || excluded.contains(&path);
            if !is_other && (changed.contains(&path) || !self.carried.contains(&path)) {
                found.push((path, metadata.clone()));
            }
        })?;
        let mut tree = Tree::new();
        for (path, metadata) in found {
            let Some(tree_path) = path.to_str().and_then(|path| TreePath::new(path).ok()) else { continue };
            let Some(node) = node_at(&self.root.join(tree_path.as_str()), &metadata)? else { continue };
            // Paths of one directory cannot contradict each other.
            let _ = tree.replace(tree_path, node);
        }
        if let Some(manifest) = self.manifest {
            self.write_manifest(manifest, &mut tree)?;
        }
        Ok(tree)
    }

    fn write_manifest(&self, manifest: &TreePath, tree: &mut Tree) -> Result<(), DirectoryError> {
        let path = self.root.join(manifest.as_str());
        let node = Node::File { mode: 0o644, content: Content::Copy(path.clone()) };
        let _ = tree.replace(manifest.clone(), node);
        let text = manifest_text(tree);
        if fs::read(&path).is_ok_and(|present| present == text.as_bytes()) {
            return Ok(());
        }
        write_private(&self.draft, &text)?;
        super::staging::set_mode(self.draft.as_std_path(), 0o644)?;
        fs::rename(&self.draft, &path).at("write", &path)
    }
}

/// What stands at a path; nothing when it is neither file, link nor directory.
pub(super) fn node_at(full: &Utf8Path, metadata: &fs::Metadata) -> Result<Option<Node>, DirectoryError> {
    let mode = metadata.permissions().mode() & MODE_BITS;
    Ok(if metadata.is_dir() {
        Some(Node::Directory { mode })
    } else if metadata.is_symlink() {
        Some(Node::Link { target: link_target(full)? })
    } else if metadata.is_file() {
        Some(Node::File { mode, content: Content::Copy(full.to_owned()) })
    } else {
        None
    })
}

fn link_target(path: &Utf8Path) -> Result<String, DirectoryError> {
    let target = fs::read_link(path).at("read the link", path)?;
    target.into_os_string().into_string().map_err(|target| DirectoryError::NotUtf8 { path: target.into() })
}

/// Whether something belongs to running systems, wherever it comes from.
pub(super) fn is_temporary(path: &Path) -> bool {
    path.starts_with(TEMPORARY)
}
