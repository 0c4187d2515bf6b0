//! The directory sink: a tree as a directory, all or nothing.
//!
//! The tree is assembled in a private staging directory beside the target, on the same file system, and takes the place
//! of what is there in one step: `renameat2` with `RENAME_EXCHANGE`, or a plain rename when there is nothing. Whoever looks
//! at the target sees the earlier release or the new one, never a mixture; a process that is killed, at whatever moment,
//! leaves one of the two. What it leaves beside the target is put in order by the next one. On file systems that cannot
//! exchange, the earlier release is moved aside first and moved back if anything fails; a process that is killed between
//! these two renames leaves no release at the target until the next build, which puts the earlier one back first.
//!
//! Files in the target that are not the release's own are taken over: see the `foreign` module. One build at a time writes
//! to a target; another one waits.
//!
//! Files are written in parallel, with explicit modes: neither umask nor directory order nor thread timing has a say.
//!
//! Nothing is synced to the disk (`fsync`). A crash of the process, or of the whole build with `kill -9`, loses nothing,
//! because what has been written is in the kernel's hands; a power failure within the seconds after a build can leave
//! files without their content, as with every other build tool. A release is made again in a moment, and syncing some
//! thousand files takes many times longer than writing them.
#![allow(clippy::disallowed_methods, reason = "every error gets its action and path by `At::at`")]

mod assemble;
mod error;
mod foreign;
mod lock;
mod published;
mod read;
mod recovery;
mod remove;
mod snapshot;
mod staging;
mod target;
#[cfg(test)]
mod tests;

use camino::{Utf8Path, Utf8PathBuf};

use crate::{Content, Progress, Tree, TreePath};
use assemble::{Reused, assemble, finish_directories};
use error::At;
pub use error::DirectoryError;
use foreign::{Carried, Ownership, carry, sweep};
use lock::TargetLock;
pub use published::Published;
pub use read::read;
pub use snapshot::Snapshot;
use staging::{Replacement, Staging, is_there};
use target::Target;

/// What the directory sink has to know besides the tree.
#[derive(Clone, Default)]
pub struct DirectoryOptions<'a> {
    /// Where releases keep the list of their own files ([`manifest_text`](crate::manifest_text)). The sink reads the one
    /// of the release that is replaced; that of the new release is an entry of the tree like any other.
    pub manifest: Option<TreePath>,
    /// Whether a target that is not a release may be replaced, because the custom steps of this very build have made it.
    pub made_by_steps: bool,
    /// Knows the earlier release at the target. Its files that need not be made again become files of the new one as they
    /// are, by another link. [`write_then`] does not do that: steps may write into files, and the earlier release, which
    /// may come back, would have them.
    pub earlier: Option<&'a dyn Earlier>,
}

/// Knows the earlier release at the target.
pub trait Earlier: Sync {
    /// The size of the file at the path there if it is what this content and mode would become, so that it need not be made.
    fn size_if_same(&self, path: &TreePath, mode: u32, content: &Content) -> Option<u64>;
}

/// What has been written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The directory, links resolved.
    pub path: Utf8PathBuf,
    /// How many files were written.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// Whether there was a release before.
    pub replaced: bool,
    /// How many files that are not the release's own were taken over from it.
    pub carried: usize,
}

/// Writes a tree as a directory, replacing a release that is there.
///
/// # Errors
///
/// When the target is something that is not to be replaced, an entry cannot be written, or the operating system refuses
/// something. Unless it is [`DirectoryError::LeftBehind`] or
/// [`DirectoryError::NotTakenOver`], the target is what it was before, and nothing stays beside it.
pub fn write(
    tree: &Tree,
    target: &Utf8Path,
    options: &DirectoryOptions<'_>,
    progress: &dyn Progress,
) -> Result<Written, DirectoryError> {
    write_with(tree, target, options, progress, Replacement::OneStep, None::<NoSteps>)
}

/// Puts in order what an earlier build has left beside a target that need not be written: one that was killed, or could not
/// remove what it had replaced. Where nothing is left nothing is touched, so that it may be read-only.
///
/// # Errors
///
/// When something is left and cannot be removed.
pub fn tidy(
    target: &Utf8Path,
    manifest: Option<&TreePath>,
    progress: &dyn Progress,
) -> Result<(), DirectoryError> {
    let target = Target::resolve(target)?;
    if recovery::is_needed(&target)? {
        let _lock = TargetLock::acquire(&target, progress)?;
        recovery::recover(&target, manifest, progress)?;
    }
    Ok(())
}

/// The type of the steps where there are none.
type NoSteps = fn(&Published<'_>) -> Result<(), DirectoryError>;

/// Writes a tree as a directory like [`write()`], and then lets `steps` work on it at its place.
///
/// Only when they have finished is the earlier release given up. When they fail it is put back, and when the
/// process is killed meanwhile the next build puts it back. While they run, the new release stands at the target.
///
/// # Errors
///
/// Those of [`write()`] and of the steps.
pub fn write_then<E: From<DirectoryError>>(
    tree: &Tree,
    target: &Utf8Path,
    options: &DirectoryOptions<'_>,
    progress: &dyn Progress,
    steps: impl FnOnce(&Published<'_>) -> Result<(), E>,
) -> Result<Written, E> {
    write_with(tree, target, options, progress, Replacement::OneStep, Some(steps))
}

fn write_with<E: From<DirectoryError>>(
    tree: &Tree,
    target: &Utf8Path,
    options: &DirectoryOptions<'_>,
    progress: &dyn Progress,
    how: Replacement,
    steps: Option<impl FnOnce(&Published<'_>) -> Result<(), E>>,
) -> Result<Written, E> {
    let target = Target::resolve(target)?;
    let manifest = options.manifest.as_ref();
    // What can never work is said before anything is created or waited for.
    target.check()?;
    let _lock = TargetLock::acquire(&target, progress)?;
    recovery::recover(&target, manifest, progress)?;
    let earlier = earlier_release(&target, options)?;

    let mut staging = Staging::create(&target)?;
    let new = staging.new_tree();
    let reused =
        options.earlier.filter(|_| steps.is_none()).map(|earlier| Reused { earlier, root: &target.path });
    let assembled = assemble(tree, &new, reused.as_ref(), progress)?;
    let linked = match &earlier {
        None => Carried::default(),
        Some(ownership) => carry(&target.path, ownership, tree, &new, progress)?,
    };
    linked.finish_directories(&new)?;
    finish_directories(tree, &new)?;
    if steps.is_some() {
        staging.begin_steps()?;
    }
    match &earlier {
        None => staging.publish_new(&target)?,
        Some(_) => staging.publish_instead(&target, how)?,
    }
    if let Some(steps) = steps {
        let written = (assembled.files, assembled.bytes);
        let draft = staging.manifest_draft();
        let run = || {
            let published = Published::new(&target.path, manifest, &linked, written, draft)?;
            steps(&published)?;
            // The manifest lists what they have made.
            published.tree()?;
            Ok::<(), E>(())
        };
        end_steps(run(), &mut staging, &target, &linked)?;
    }
    let mut carried = linked.len();
    if let Some(ownership) = &earlier {
        carried += sweep(&staging.old_tree(), ownership, &linked, &target.path)
            .map_err(DirectoryError::after_publishing)?;
    }
    // The release is published: that something old stays beside it is worth a word, and the next build tries again.
    if let Err(error) = staging.remove() {
        progress.message(&format!("the new release is in place, but {error}"));
    }
    let Target { path, .. } = target;
    Ok(Written { path, files: assembled.files, bytes: assembled.bytes, replaced: earlier.is_some(), carried })
}

/// Keeps what has been published when the steps have succeeded; otherwise the target is what it was before.
fn end_steps<E: From<DirectoryError>>(
    result: Result<(), E>,
    staging: &mut Staging,
    target: &Target,
    linked: &Carried,
) -> Result<(), E> {
    match result.and_then(|()| Ok(staging.end_steps()?)) {
        Ok(()) => Ok(()),
        Err(error) => {
            staging.take_back(target)?;
            let new = staging.new_tree();
            let is_at = |path: &Utf8Path| is_there(path.as_std_path()).at("look at", path);
            if is_at(&target.path)? && is_at(&new)? {
                sweep(&new, &Ownership::AllButTemporary, linked, &target.path)?;
            }
            staging.discard();
            Err(error)
        }
    }
}

/// Which files of the directory at the target are its own; `None` when there is none.
fn earlier_release(
    target: &Target,
    options: &DirectoryOptions<'_>,
) -> Result<Option<Ownership>, DirectoryError> {
    if !target.check()? {
        return Ok(None);
    }
    if let Some(ownership) = Ownership::of(&target.path, options.manifest.as_ref())? {
        return Ok(Some(ownership));
    }
    let is_empty = std::fs::read_dir(&target.path).at("list", &target.path)?.next().is_none();
    if is_empty {
        Ok(Some(Ownership::Mix))
    } else if options.made_by_steps {
        Ok(Some(Ownership::AllButTemporary))
    } else {
        Err(DirectoryError::NotARelease { target: target.path.clone() })
    }
}
