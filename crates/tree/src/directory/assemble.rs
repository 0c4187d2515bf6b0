//! Writing the entries of a tree below a directory that only we can see.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use camino::Utf8Path;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::Earlier;
use super::error::{At, DirectoryError};
use super::staging::{create_private_directory, set_mode};
use crate::{Content, Node, Progress, Tree, TreePath};

/// Mode of the directory itself, which has no entry in the tree.
const ROOT_MODE: u32 = 0o755;

/// Permission bits, set-user-id and the like included.
pub(super) const MODE_BITS: u32 = 0o7777;

/// How much was written.
pub(super) struct Assembled {
    pub(super) files: usize,
    pub(super) bytes: u64,
}

/// The earlier release, as far as its files can be those of the new one.
pub(super) struct Reused<'a> {
    pub(super) earlier: &'a dyn Earlier,
    pub(super) root: &'a Utf8Path,
}

impl Reused<'_> {
    /// Links a file of the earlier release into the new one, and returns its size. None when it is another one, or the
    /// file system does not want to: then it is made as any other.
    fn link(&self, root: &Utf8Path, path: &TreePath, mode: u32, content: &Content) -> Option<u64> {
        let size = self.earlier.size_if_same(path, mode, content)?;
        fs::hard_link(self.root.join(path.as_str()), root.join(path.as_str())).ok()?;
        Some(size)
    }
}

/// Writes everything but the modes of directories, which [`finish_directories`] sets when nothing more goes into them.
pub(super) fn assemble(
    tree: &Tree,
    root: &Utf8Path,
    reused: Option<&Reused<'_>>,
    progress: &dyn Progress,
) -> Result<Assembled, DirectoryError> {
    let mut files = Vec::new();
    for entry in tree.entries() {
        let path = root.join(entry.path.as_str());
        match entry.node {
            Node::Directory { .. } => create_private_directory(path.as_std_path())?,
            Node::Link { target } => {
                std::os::unix::fs::symlink(target, &path).at("create link", &path)?;
            }
            Node::File { mode, content } => files.push((entry.path, *mode, content)),
        }
    }
    let (done, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let write = |(path, mode, content): &(&TreePath, u32, &Content)| {
        let linked = reused.and_then(|reused| reused.link(root, path, *mode, content));
        let size = linked.map_or_else(|| write_file(root, path, *mode, content), Ok)?;
        bytes.fetch_add(size, Ordering::Relaxed);
        progress.files(done.fetch_add(1, Ordering::Relaxed) + 1, files.len());
        Ok(())
    };
    // Of several errors always the one of the first path, however the threads run.
    match files.par_iter().find_map_first(|file| write(file).err()) {
        Some(error) => Err(error),
        None => Ok(Assembled { files: files.len(), bytes: bytes.into_inner() }),
    }
}

/// Sets the modes of the directories of the tree, innermost first.
pub(super) fn finish_directories(tree: &Tree, root: &Utf8Path) -> Result<(), DirectoryError> {
    let directories: Vec<_> = tree
        .entries()
        .filter_map(|entry| match entry.node {
            Node::Directory { mode } => Some((entry.path, *mode)),
            Node::File { .. } | Node::Link { .. } => None,
        })
        .collect();
    for (path, mode) in directories.into_iter().rev() {
        set_mode(root.join(path.as_str()).as_std_path(), mode & MODE_BITS)?;
    }
    set_mode(root.as_std_path(), ROOT_MODE)
}

/// Writes one file and returns its size.
fn write_file(root: &Utf8Path, path: &TreePath, mode: u32, content: &Content) -> Result<u64, DirectoryError> {
    let destination = root.join(path.as_str());
    let create = || {
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&destination)
            .at("create", &destination)
    };
    let (file, size) = match content {
        Content::Bytes(bytes) => (write_bytes(create()?, bytes), bytes.len() as u64),
        Content::Copy(source) => {
            let from = open_regular(source)?;
            let to = create()?;
            // Between bare files the standard library lets the kernel copy (copy_file_range), which on some file systems
            // shares the blocks.
            let size = io::copy(&mut &from, &mut &to).at("copy to", &destination)?;
            (Ok(to), size)
        }
        Content::StrippedBeam(source, options) => {
            let bytes = read_regular(source)?;
            let stripped = beam::strip(&bytes, options).map_err(|reason| DirectoryError::Beam {
                path: path.clone(),
                source_file: source.clone(),
                reason,
            })?;
            (write_bytes(create()?, &stripped), stripped.len() as u64)
        }
    };
    // After writing, which would clear a set-user-id bit, and on the open file, where no umask has a say.
    let permissions = fs::Permissions::from_mode(mode & MODE_BITS);
    file.and_then(|file| file.set_permissions(permissions)).at("write", &destination)?;
    Ok(size)
}

fn write_bytes(mut file: File, bytes: &[u8]) -> io::Result<File> {
    file.write_all(bytes)?;
    Ok(file)
}

/// Opens a file of the build machine; never waits for the other end of a pipe.
pub(super) fn open_regular(path: &Utf8Path) -> Result<File, DirectoryError> {
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
        .open(path)
        .at("open", path)?;
    if !file.metadata().at("look at", path)?.is_file() {
        return Err(DirectoryError::NotRegular { path: path.into() });
    }
    Ok(file)
}

/// Reads a regular file.
pub(super) fn read_regular(path: &Utf8Path) -> Result<Vec<u8>, DirectoryError> {
    let mut bytes = Vec::new();
    let mut file = open_regular(path)?;
    io::Read::read_to_end(&mut file, &mut bytes).at("read", path)?;
    Ok(bytes)
}
