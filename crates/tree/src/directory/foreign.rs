//! Files in a release directory that are not the release's own.
//!
//! A running system writes to `tmp/`, an operator keeps a database or an `env` file beside `bin/`. When the release is
//! replaced they go on living in the new one: files, pipes and sockets under the same inode (hard links), so that whoever
//! has them open notices nothing.
//!
//! They are linked into the new release *before* it takes the place of the earlier one, so that there is no moment
//! without them. Then, *after* that, [`sweep`] looks once more and moves what appeared in between, or could not be
//! linked. A file that the running system deletes in the instant between both comes back.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use camino::Utf8Path;
use rustix::fs::Access;
use rustix::io::Errno;

use super::assemble::read_regular;
use super::error::{At, DirectoryError, errno};
use super::published::is_temporary;
use super::staging::{Identity, create_private_directory, identity, is_there, rename_new, set_mode};
use super::target::is_mount_point;
use crate::manifest::manifest_paths;
use crate::{Node, Progress, Tree, TreePath};

/// Which files of a directory are the release's own.
pub(super) enum Ownership {
    /// Those that its manifest lists, and the manifest itself.
    Manifest(HashSet<String>),
    /// Everything but what running systems keep in `tmp/`.
    AllButTemporary,
    /// There is no manifest, as in what `mix release` makes: everything in `bin`, `lib`, `releases` and `erts-*`.
    Mix,
}

impl Ownership {
    /// Reads it off the directory; `None` when that holds no release.
    pub(super) fn of(root: &Utf8Path, manifest: Option<&TreePath>) -> Result<Option<Self>, DirectoryError> {
        let present = |path: &Utf8Path| match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(metadata.is_file()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(error).at("look at", path),
        };
        if let Some(manifest) = manifest {
            let path = root.join(manifest.as_str());
            if present(&path)? {
                let mut paths = manifest_paths(&read_regular(&path)?);
                let own_and_parents = std::iter::successors(Some(manifest.clone()), TreePath::parent);
                paths.extend(own_and_parents.map(|path| path.to_string()));
                return Ok(Some(Self::Manifest(paths)));
            }
        }
        Ok(present(&root.join(contract::START_ERL_DATA))?.then_some(Self::Mix))
    }

    fn owns(&self, path: &Path) -> bool {
        if matches!(self, Self::AllButTemporary) {
            return !is_temporary(path);
        }
        // A release has no name that is not UTF-8.
        let Some(path) = path.to_str() else { return false };
        match self {
            Self::AllButTemporary => true,
            Self::Manifest(paths) => paths.contains(path),
            Self::Mix => {
                let first = path.split('/').next().unwrap_or(path);
                matches!(first, "bin" | "lib" | "releases") || first.starts_with("erts-")
            }
        }
    }
}

/// A file or directory that is not the release's own. Its path is relative to the release and may be any bytes.
struct Foreign {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Directory {
        mode: u32,
        owner: (u32, u32),
    },
    /// Files, links, pipes, sockets.
    Other(Identity),
}

/// Everything in a directory that is not the release's own, a directory before what it holds.
fn survey(root: &Path, ownership: &Ownership) -> Result<Vec<Foreign>, DirectoryError> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(directory) = left.pop() {
        let here = root.join(&directory);
        for entry in fs::read_dir(&here).at("list", &here)? {
            let entry = entry.at("list", &here)?;
            let path = directory.join(entry.file_name());
            let full = entry.path();
            let is_directory = entry.file_type().at("look at", &full)?.is_dir();
            let own = ownership.owns(&path);
            if own && !is_directory {
                continue;
            }
            if is_mount_point(&full).or_else(|error| if is_gone(&error) { Ok(false) } else { Err(error) })? {
                return Err(DirectoryError::MountInside { path: full });
            }
            if !own {
                let metadata = match fs::symlink_metadata(&full) {
                    // What has just been deleted need not be kept.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    result => result.at("look at", &full)?,
                };
                let kind = if is_directory {
                    let mode = metadata.permissions().mode() & 0o7777;
                    Kind::Directory { mode, owner: (metadata.uid(), metadata.gid()) }
                } else {
                    Kind::Other((metadata.dev(), metadata.ino()))
                };
                found.push(Foreign { path: path.clone(), kind });
            }
            if is_directory {
                left.push(path);
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn is_gone(error: &DirectoryError) -> bool {
    matches!(error, DirectoryError::Io { reason, .. } if reason.kind() == ErrorKind::NotFound)
}

/// What has been linked into the new release: its inode at that time.
#[derive(Default)]
pub(super) struct Carried {
    files: HashMap<PathBuf, Identity>,
    directories: Vec<(PathBuf, u32)>,
}

impl Carried {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether something at this path was linked or made for what is linked.
    pub(super) fn contains(&self, path: &Path) -> bool {
        self.files.contains_key(path) || self.directories.iter().any(|(directory, _)| directory == path)
    }

    /// Notes that a file has been linked.
    pub(super) fn note(&mut self, path: impl Into<PathBuf>, identity: Identity) {
        self.files.insert(path.into(), identity);
    }

    /// Sets the modes of the directories that were made for them, innermost first.
    pub(super) fn finish_directories(&self, root: &Utf8Path) -> Result<(), DirectoryError> {
        for (path, mode) in self.directories.iter().rev() {
            set_mode(&root.as_std_path().join(path), *mode)?;
        }
        Ok(())
    }
}

/// Links everything foreign of the earlier release into the new one, which is still private.
pub(super) fn carry(
    old: &Utf8Path,
    ownership: &Ownership,
    tree: &Tree,
    new: &Utf8Path,
    progress: &dyn Progress,
) -> Result<Carried, DirectoryError> {
    let (old, new) = (old.as_std_path(), new.as_std_path());
    let mut carried = Carried::default();
    for Foreign { path, kind } in survey(old, ownership)? {
        let is_directory = matches!(kind, Kind::Directory { .. });
        match in_the_way(tree, &path, is_directory) {
            Some((at, new)) => return Err(DirectoryError::InTheWay { path: old.join(path), at, new }),
            None => {
                if let Some(at) = path_in(&path).filter(|at| tree.get(at).is_some()) {
                    if !is_directory && !is_same_file(&old.join(&path), &new.join(&path)) {
                        give_way(old.join(path), at, ownership, progress)?;
                    }
                    continue;
                }
            }
        }
        create_parents(new, &path, &mut carried)?;
        let (from, to) = (old.join(&path), new.join(&path));
        match kind {
            Kind::Directory { mode, owner } => {
                create_private_directory(&to)?;
                keep_owner(&to, owner)?;
                carried.directories.push((path, mode));
            }
            Kind::Other(identity) => {
                if link(&from, &to)? {
                    carried.note(path, identity);
                }
            }
        }
    }
    Ok(carried)
}

/// What becomes of a file that the new release has another one for. Where a build has noted what it made, nobody knows how dear this
/// one is to its user. Where Mix puts its files, or made the earlier release, it is most likely one of Mix's.
fn give_way(
    path: PathBuf,
    at: TreePath,
    ownership: &Ownership,
    progress: &dyn Progress,
) -> Result<(), DirectoryError> {
    let is_noted = matches!(ownership, Ownership::Manifest(_));
    if is_noted && !Ownership::Mix.owns(Path::new(at.as_str())) {
        return Err(DirectoryError::InTheWay { path, at, new: "file" });
    }
    progress.message(&format!(
        "`{}` was not made by the earlier build; the release's own file replaces it",
        path.display()
    ));
    Ok(())
}

/// Whether both are regular files with the same content.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let content = |path: &Path| {
        let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
        is_file.then(|| fs::read(path).ok()).flatten()
    };
    content(one).is_some_and(|one| content(other) == Some(one))
}

/// Where and what the new release has that does not go together with something foreign at this path.
fn in_the_way(tree: &Tree, path: &Path, is_directory: bool) -> Option<(TreePath, &'static str)> {
    let mut inner = is_directory;
    for ancestor in path.ancestors().take_while(|ancestor| !ancestor.as_os_str().is_empty()) {
        let Some(at) = path_in(ancestor) else {
            inner = true;
            continue;
        };
        match (tree.get(&at), inner) {
            (Some(Node::File { .. }), true) => return Some((at, "file")),
            (Some(Node::Link { .. }), true) => return Some((at, "link")),
            (Some(Node::Directory { .. }), false) => return Some((at, "directory")),
            _ => {}
        }
        inner = true;
    }
    None
}

fn path_in(path: &Path) -> Option<TreePath> {
    TreePath::new(path.to_str()?).ok()
}

/// Directories above something foreign that the new release does not have, because they were the earlier one's own.
fn create_parents(new: &Path, path: &Path, carried: &mut Carried) -> Result<(), DirectoryError> {
    let mut missing: Vec<&Path> = Vec::new();
    for parent in path.ancestors().skip(1).take_while(|parent| !parent.as_os_str().is_empty()) {
        let full = new.join(parent);
        if is_there(&full).at("look at", &full)? {
            break;
        }
        missing.push(parent);
    }
    while let Some(parent) = missing.pop() {
        create_private_directory(&new.join(parent))?;
        carried.directories.push((parent.to_owned(), 0o755));
    }
    Ok(())
}

/// A directory of another user stays theirs; only root can do that, and only root could meet one that matters.
fn keep_owner(path: &Path, (user, group): (u32, u32)) -> Result<(), DirectoryError> {
    let metadata = fs::symlink_metadata(path).at("look at", path)?;
    if (metadata.uid(), metadata.gid()) == (user, group) {
        return Ok(());
    }
    let (user, group) = (rustix::fs::Uid::from_raw(user), rustix::fs::Gid::from_raw(group));
    match rustix::fs::chown(path, Some(user), Some(group)) {
        Err(Errno::PERM) => Ok(()),
        result => result.at("set the owner of", path),
    }
}

/// Links a file; `false` when it is gone or must be moved after the exchange, because it cannot be linked.
fn link(from: &Path, to: &Path) -> Result<bool, DirectoryError> {
    let Err(error) = fs::hard_link(from, to) else { return Ok(true) };
    match errno(&error) {
        Some(Errno::NOENT) => Ok(false),
        // A file system without hard links, too many of them, or a file of somebody else (`fs.protected_hardlinks`).
        Some(Errno::PERM | Errno::XDEV | Errno::MLINK | Errno::OPNOTSUPP | Errno::NOSYS) => {
            let directory = from.parent().unwrap_or(from);
            rustix::fs::access(directory, Access::WRITE_OK | Access::EXEC_OK)
                .at("take over files from", directory)?;
            Ok(false)
        }
        _ => Err(error).at("link", from),
    }
}

/// Moves what is foreign in the earlier release, and not yet in the published one, over to it.
///
/// `carried` is what was linked before; empty when an earlier process did that.
pub(super) fn sweep(
    old: &Utf8Path,
    ownership: &Ownership,
    carried: &Carried,
    target: &Utf8Path,
) -> Result<usize, DirectoryError> {
    let (old, target) = (old.as_std_path(), target.as_std_path());
    let mut moved = 0;
    let mut moved_directory: Option<PathBuf> = None;
    for Foreign { path, kind } in survey(old, ownership)? {
        if moved_directory.as_ref().is_some_and(|directory| path.starts_with(directory)) {
            continue;
        }
        let (from, to) = (old.join(&path), target.join(&path));
        let there = match fs::symlink_metadata(&to) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            result => Some(result.at("look at", &to)?),
        };
        let result = match (kind, there) {
            (Kind::Directory { .. }, Some(there)) if there.is_dir() => continue,
            (Kind::Directory { .. }, Some(_)) => Err(Errno::EXIST.into()),
            (Kind::Directory { .. }, None) => {
                moved_directory = Some(path);
                move_new(&from, &to)
            }
            // The same file, or one that the new release or the running system has put there since.
            (Kind::Other(_), Some(_)) if !is_stale(&path, &to, &from, carried) => continue,
            // A program has replaced the file in the earlier release after it was linked.
            (Kind::Other(_), Some(_)) => fs::rename(&from, &to),
            (Kind::Other(_), None) => move_new(&from, &to),
        };
        match result {
            Ok(()) => moved += 1,
            Err(error) if error.kind() == ErrorKind::NotFound && identity(&from).is_err() => {}
            Err(reason) => return Err(DirectoryError::LeftBehind { from, to, reason }),
        }
    }
    Ok(moved)
}

/// Whether the published file is still the inode that was linked, and the earlier release has another one by now.
fn is_stale(path: &Path, published: &Path, earlier: &Path, carried: &Carried) -> bool {
    match (carried.files.get(path), identity(published), identity(earlier)) {
        (Some(linked), Ok(published), Ok(earlier)) => published == *linked && earlier != *linked,
        _ => false,
    }
}

fn move_new(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    rename_new(from, to)
}
