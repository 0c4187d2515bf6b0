//! Writes a directory as an archive: `archive DIRECTORY TARGET`. The target's ending says how it is compressed (`.zst`:
//! Zstandard, else gzip). Used by `bench/tar`; beamship itself plans its trees without reading a directory.

use std::error::Error;
use std::os::unix::fs::PermissionsExt;

use beamship_tree::archive::{self, ArchiveOptions, Compression};
use beamship_tree::{Content, Node, Tree, TreePath};
use camino::{Utf8Path, Utf8PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: archive DIRECTORY TARGET".into());
    };
    let compression = if target.ends_with(".zst") { Compression::Zstd } else { Compression::Gzip };
    let tree = tree_of(Utf8Path::new(&directory))?;
    archive::write(
        &tree,
        Utf8Path::new(&target),
        &ArchiveOptions { modified: 0, compression, mode: 0o644 },
        &(),
    )?;
    Ok(())
}

fn tree_of(root: &Utf8Path) -> Result<Tree, Box<dyn Error>> {
    let mut tree = Tree::new();
    let mut left: Vec<Utf8PathBuf> = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in directory.read_dir_utf8()? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let mode = metadata.permissions().mode();
            let node = if metadata.is_dir() {
                left.push(entry.path().to_owned());
                Node::Directory { mode }
            } else if metadata.is_symlink() {
                Node::Link { target: entry.path().read_link_utf8()?.into() }
            } else {
                Node::File { mode, content: Content::Copy(entry.path().to_owned()) }
            };
            tree.add(TreePath::new(entry.path().strip_prefix(root)?.as_str())?, node)?;
        }
    }
    Ok(tree)
}
