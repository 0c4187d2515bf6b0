//! Directories of the build machine, gone through in the order of names.

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::ReleaseError;
use crate::source::{FileKind, FileSource, SourceEntry};

/// Something below a directory.
pub(super) struct Found {
    /// Where it is below the directory, `/` between components.
    pub(super) relative: String,
    /// Where it is on the build machine.
    pub(super) path: Utf8PathBuf,
    /// What it is.
    pub(super) entry: SourceEntry,
}

/// Whether symbolic links are followed or reported as entries of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Follow,
    Keep,
}

/// Everything below a directory, a directory before what it holds; `None` when there is no such directory.
pub(super) fn collect(
    source: &dyn FileSource,
    directory: &Utf8Path,
    links: Links,
) -> Result<Option<Vec<Found>>, ReleaseError> {
    let Some(entries) = source.entries(directory)? else { return Ok(None) };
    let mut walk = Walk { source, links, ancestors: vec![directory.to_owned()], found: Vec::new() };
    walk.add(directory, "", entries)?;
    Ok(Some(walk.found))
}

struct Walk<'a> {
    source: &'a dyn FileSource,
    links: Links,
    /// The directories that are open: a link to one of them is a circle.
    ancestors: Vec<Utf8PathBuf>,
    found: Vec<Found>,
}

impl Walk<'_> {
    fn add(
        &mut self,
        directory: &Utf8Path,
        prefix: &str,
        entries: Vec<SourceEntry>,
    ) -> Result<(), ReleaseError> {
        for entry in entries {
            let path = directory.join(&entry.name);
            let relative =
                if prefix.is_empty() { entry.name.clone() } else { format!("{prefix}/{}", entry.name) };
            let is_link = entry.link.is_some();
            let is_kept_link = self.links == Links::Keep && is_link;
            let kind = entry.kind;
            match kind {
                FileKind::Special if !is_kept_link => return Err(ReleaseError::SpecialFile { path }),
                FileKind::DanglingLink if !is_kept_link => {
                    return Err(ReleaseError::DanglingLink { path, target: entry.link.unwrap_or_default() });
                }
                _ => {}
            }
            self.found.push(Found { relative: relative.clone(), path: path.clone(), entry });
            if kind == FileKind::Directory && !is_kept_link {
                // Resolving a path takes longer than listing the directory, and there are hardly any links to directories.
                if is_link && self.is_open(&path) {
                    return Err(ReleaseError::LinkLoop { path });
                }
                if let Some(entries) = self.source.entries(&path)? {
                    self.ancestors.push(path.clone());
                    self.add(&path, &relative, entries)?;
                    self.ancestors.pop();
                }
            }
        }
        Ok(())
    }

    /// Whether this is one of the directories that are open, under whatever name.
    fn is_open(&self, path: &Utf8Path) -> bool {
        let resolved = self.source.canonical(path);
        self.ancestors.iter().any(|ancestor| self.source.canonical(ancestor) == resolved)
    }
}

/// The mode of a copied file: who may execute it at all may do so everywhere. What the umask of a checkout left of the
/// other bits does not count, so that the same sources give the same release.
pub(super) fn normal_mode(mode: u32) -> u32 {
    if mode & 0o111 == 0 { 0o644 } else { 0o755 }
}
