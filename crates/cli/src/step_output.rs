//! What custom steps add to a release.
//!
//! Steps before `:assemble` may write into the directory of the release, as they may with `mix release`. The release is written
//! to another place first, so these files have to become part of its plan.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use release::ReleaseSpec;
use tree::{Content, Node, TreePath};

/// What custom steps have put into the directory of the release before it is assembled, as far as it is kept: the files of the
/// release itself are written again, and `tmp/` belongs to running systems.
pub(crate) fn files(spec: &ReleaseSpec, made: &[PathBuf]) -> Vec<(TreePath, Node)> {
    let version_directory = format!("releases/{}", spec.version);
    let kept = |path: &&PathBuf| !path.starts_with(&version_directory) && !path.starts_with("tmp");
    made.iter()
        .filter(kept)
        .filter_map(|path| {
            let path = TreePath::new(path.to_str()?).ok()?;
            let full = spec.path.join(path.as_str());
            let metadata = fs_err::symlink_metadata(&full).ok()?;
            let node = if metadata.is_symlink() {
                Node::Link { target: fs_err::read_link(&full).ok()?.to_str()?.to_owned() }
            } else if metadata.is_file() {
                let mode = metadata.permissions().mode() & 0o7777;
                Node::File { mode, content: Content::Copy(full) }
            } else {
                return None;
            };
            Some((path, node))
        })
        .collect()
}
