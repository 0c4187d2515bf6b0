//! Overlays: directories of the project that are laid over the release.

use tree::{Content, Node, TreePath};

use super::Layout;
use super::collect::{Links, collect};
use crate::error::ReleaseError;
use crate::source::FileKind;

impl Layout<'_> {
    /// Later directories override earlier ones and generated files; modes and links are kept.
    pub(super) fn overlays(&mut self) -> Result<(), ReleaseError> {
        for directory in &self.spec.overlays {
            let found = collect(self.source, directory, Links::Keep)?
                .ok_or_else(|| ReleaseError::MissingOverlay { path: directory.clone() })?;
            for file in found {
                let path = TreePath::new(file.relative)?;
                let node = match (file.entry.link, file.entry.kind) {
                    (Some(target), _) => Node::Link { target },
                    (None, FileKind::Directory) => Node::Directory { mode: 0o755 },
                    (None, _) => {
                        Node::File { mode: file.entry.mode & 0o777, content: Content::Copy(file.path) }
                    }
                };
                self.tree.replace(path, node)?;
            }
        }
        Ok(())
    }
}
