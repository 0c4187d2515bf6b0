//! The private directory beside the target, and how its content becomes the target.
//!
//! `.NAME.beamship-PID-RANDOM/` has mode 0700 and holds
//!
//! * `marker`, which proves that it is ours, and says which directory (device and inode) is the new release;
//! * `new`, the release that is being assembled. After an exchange, for a moment, the earlier release has this name;
//! * `old`, the earlier release when it has been replaced, until everything of the user's has been taken out of it;
//! * `manifest`, for a moment, the manifest of the release that custom steps have changed;
//! * `unfinished`, as long as custom steps work on the release that has been published;
//! * `trash`, the earlier release when nothing in it is needed any more.
//!
//! Whatever moment a process dies at, these names tell the next one what to do ([`super::recovery`]).

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::error::{At, DirectoryError};
use super::remove::remove_tree;
use super::target::Target;

const MARKER: &str = "marker";
const UNFINISHED: &str = "unfinished";
const MANIFEST_DRAFT: &str = "manifest";
const MARKER_TITLE: &str = "staging directory of beamship, new release: ";

/// What identifies a file as long as it exists: device and inode.
pub(super) type Identity = (u64, u64);

/// How one directory takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replacement {
    /// In one step, where the file system can do that; else as in [`Replacement::TwoSteps`].
    OneStep,
    /// The earlier one is moved aside first. A process that dies in between leaves nothing at the target until the next
    /// build puts the earlier one back.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests play a file system that cannot exchange"))]
    TwoSteps,
}

/// A staging directory. Dropping it removes it with everything in it.
pub(super) struct Staging {
    directory: Utf8PathBuf,
    keep: bool,
}

impl Staging {
    /// Creates one with an empty `new` in it.
    pub(super) fn create(target: &Target) -> Result<Self, DirectoryError> {
        // The name need not be secret (creating a directory never follows or reuses what is there), only new.
        let random = RandomState::new().hash_one(std::process::id());
        let directory = target.beside(&format!("{}-{random:016x}", std::process::id()));
        create_private_directory(directory.as_std_path())?;
        let staging = Self { directory, keep: false };
        let new = staging.new_tree();
        create_private_directory(new.as_std_path())?;
        let (device, inode) = identity(new.as_std_path()).at("look at", &new)?;
        let marker = staging.directory.join(MARKER);
        write_private(&marker, &format!("{MARKER_TITLE}{device}:{inode}\n"))?;
        Ok(staging)
    }

    /// One that an earlier process left behind; `None` when the directory is not provably one of ours.
    pub(super) fn left_behind(directory: Utf8PathBuf) -> Result<Option<Self>, DirectoryError> {
        let Ok(metadata) = fs::symlink_metadata(&directory) else { return Ok(None) };
        if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
            return Ok(None);
        }
        let staging = Self { directory, keep: true };
        if staging.marker()?.is_some() {
            return Ok(Some(staging));
        }
        // Died before the marker was there: nothing can be in it but an empty `new`. These calls remove empty directories
        // only.
        let _ = rustix::fs::rmdir(staging.new_tree().as_std_path());
        let _ = rustix::fs::rmdir(staging.directory.as_std_path());
        Ok(None)
    }

    /// The text of the marker, when it is there.
    fn marker(&self) -> Result<Option<String>, DirectoryError> {
        let path = self.directory.join(MARKER);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at("read", &path),
        }
    }

    pub(super) fn directory(&self) -> &Utf8Path {
        &self.directory
    }

    /// Where the new release is assembled.
    pub(super) fn new_tree(&self) -> Utf8PathBuf {
        self.directory.join("new")
    }

    /// Where the earlier release is once it has been replaced.
    pub(super) fn old_tree(&self) -> Utf8PathBuf {
        self.directory.join("old")
    }

    /// Where a manifest is written before it takes its place.
    pub(super) fn manifest_draft(&self) -> Utf8PathBuf {
        self.directory.join(MANIFEST_DRAFT)
    }

    fn trash(&self) -> Utf8PathBuf {
        self.directory.join("trash")
    }

    /// The new release, when nothing stands at the target.
    pub(super) fn publish_new(&self, target: &Target) -> Result<(), DirectoryError> {
        rename_new(self.new_tree().as_std_path(), target.path.as_std_path()).at("create", &target.path)
    }

    /// The new release instead of the one that stands at the target, which then is [`Staging::old_tree`].
    ///
    /// From the exchange on, dropping no longer removes anything: the user's files are in there.
    pub(super) fn publish_instead(
        &mut self,
        target: &Target,
        how: Replacement,
    ) -> Result<(), DirectoryError> {
        let (new, old) = (self.new_tree(), self.old_tree());
        let exchanged = match how {
            Replacement::OneStep => {
                renameat_with(CWD, new.as_std_path(), CWD, target.path.as_std_path(), RenameFlags::EXCHANGE)
            }
            Replacement::TwoSteps => Err(Errno::INVAL),
        };
        match exchanged {
            Ok(()) => {
                self.keep = true;
                let Err(error) = fs::rename(&new, &old) else { return Ok(()) };
                // What is called `new` now is the earlier release.
                if renameat_with(
                    CWD,
                    new.as_std_path(),
                    CWD,
                    target.path.as_std_path(),
                    RenameFlags::EXCHANGE,
                )
                .is_ok()
                {
                    self.keep = false;
                }
                Err(error).at("move aside", &target.path)
            }
            Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) => {
                self.keep = true;
                if let Err(error) = fs::rename(&target.path, &old) {
                    self.keep = false;
                    return Err(error).at("replace", &target.path);
                }
                if let Err(error) = rename_new(new.as_std_path(), target.path.as_std_path()) {
                    if fs::rename(&old, &target.path).is_ok() {
                        self.keep = false;
                    }
                    return Err(error).at("replace", &target.path);
                }
                Ok(())
            }
            Err(error) => Err(error).at("replace", &target.path),
        }
    }

    /// Notes that the release which is about to be published is not finished by that.
    pub(super) fn begin_steps(&self) -> Result<(), DirectoryError> {
        write_private(&self.directory.join(UNFINISHED), "")
    }

    /// Notes that it is finished.
    pub(super) fn end_steps(&self) -> Result<(), DirectoryError> {
        let path = self.directory.join(UNFINISHED);
        fs::remove_file(&path).at("remove", &path)
    }

    /// Whether what stands at the target is a release of this directory whose steps have not come to their end.
    pub(super) fn is_unfinished(&self, target: &Target) -> Result<bool, DirectoryError> {
        let note = self.directory.join(UNFINISHED);
        let noted = is_there(note.as_std_path()).at("look at", &note)?;
        let there = identity_of(target.path.as_std_path())?;
        Ok(noted && there.is_some() && self.staged()? == there)
    }

    /// Undoes what was published: the earlier release, if there was one, stands at the target again, and what has been
    /// published, unless somebody has removed it, is called `new`.
    pub(super) fn take_back(&mut self, target: &Target) -> Result<(), DirectoryError> {
        let (new, old) = (self.new_tree(), self.old_tree());
        let path = &target.path;
        let has_earlier = is_there(old.as_std_path()).at("look at", &old)?;
        if !is_there(path.as_std_path()).at("look at", path)? {
            if has_earlier {
                rename_new(old.as_std_path(), path.as_std_path()).at("put back", path)?;
            }
        } else if !has_earlier {
            fs::rename(path, &new).at("take back", path)?;
        } else {
            match renameat_with(CWD, old.as_std_path(), CWD, path.as_std_path(), RenameFlags::EXCHANGE) {
                Ok(()) => fs::rename(&old, &new).at("take back", path)?,
                Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) => {
                    fs::rename(path, &new).at("take back", path)?;
                    rename_new(old.as_std_path(), path.as_std_path()).at("put back", path)?;
                }
                Err(error) => return Err(error).at("put back", path),
            }
        }
        Ok(())
    }

    /// Whether what is called `new` is the earlier release: the process died right after the exchange.
    pub(super) fn new_is_old(&self) -> Result<bool, DirectoryError> {
        let Some(found) = identity_of(self.new_tree().as_std_path())? else { return Ok(false) };
        // A marker that was not written to its end is older than any exchange.
        Ok(self.staged()?.is_some_and(|staged| staged != found))
    }

    /// Which directory is the new release.
    fn staged(&self) -> Result<Option<Identity>, DirectoryError> {
        let marker = self.marker()?.unwrap_or_default();
        Ok(marker.trim_end().strip_prefix(MARKER_TITLE).and_then(|text| {
            let (device, inode) = text.split_once(':')?;
            Some((device.parse().ok()?, inode.parse().ok()?))
        }))
    }

    /// Lets the staging directory be removed when it is dropped: nothing in it is needed any more.
    pub(super) fn discard(&mut self) {
        self.keep = false;
    }

    /// Removes everything. Nothing in it is needed any more.
    pub(super) fn remove(mut self) -> Result<(), DirectoryError> {
        self.keep = true;
        // From here on a half-removed release is not taken for one that somebody still needs.
        let (old, trash) = (self.old_tree(), self.trash());
        match fs::rename(&old, &trash) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).at("remove", &old);
            }
            _ => {}
        }
        self.remove_all()
    }

    fn remove_all(&self) -> Result<(), DirectoryError> {
        for tree in [self.new_tree(), self.trash()] {
            remove_tree(tree.as_std_path())?;
        }
        for name in [MANIFEST_DRAFT, UNFINISHED, MARKER] {
            let path = self.directory.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).at("remove", &path);
                }
                _ => {}
            }
        }
        rustix::fs::rmdir(self.directory.as_std_path()).at("remove", &self.directory)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.keep {
            // The error that brought us here matters more; the next build tries again.
            let _ = self.remove_all();
        }
    }
}

/// Which file stands at a path, links not followed.
pub(super) fn identity(path: &Path) -> std::io::Result<Identity> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Whether something stands at a path, links not followed.
pub(super) fn is_there(path: &Path) -> std::io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Which file stands at a path, when there is one. What cannot be looked at is an error: it may be what must not be lost.
fn identity_of(path: &Path) -> Result<Option<Identity>, DirectoryError> {
    match identity(path) {
        Ok(identity) => Ok(Some(identity)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("look at", path),
    }
}

/// A directory that nobody else can look into, whatever the umask is.
pub(super) fn create_private_directory(path: &Path) -> Result<(), DirectoryError> {
    rustix::fs::mkdir(path, rustix::fs::Mode::RWXU).at("create directory", path)?;
    set_mode(path, 0o700).inspect_err(|_| {
        let _ = rustix::fs::rmdir(path);
    })
}

/// Writes a file that nobody else can read, whatever the umask is.
pub(super) fn write_private(path: &Utf8Path, text: &str) -> Result<(), DirectoryError> {
    let mut options = fs::OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).at("write", path)
}

pub(super) fn set_mode(path: &Path, mode: u32) -> Result<(), DirectoryError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).at("set permissions of", path)
}

/// Renames, but never onto something that is there. Where the file system cannot promise that, it is looked up first.
pub(super) fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) => match fs::symlink_metadata(to) {
            Ok(_) => Err(Errno::EXIST.into()),
            Err(_) => fs::rename(from, to),
        },
        result => Ok(result?),
    }
}
