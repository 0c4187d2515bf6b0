//! The bytes of the archive before they are compressed.

use std::collections::VecDeque;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::error::ArchiveError;
use super::header::{END, Kind, append_header, append_padding};
use super::source::{Body, OpenSource, load};
use crate::{Node, Progress, Tree, TreePath};

/// How many entries are loaded at a time. With the size of what counts as a small file this bounds the memory.
const GROUP: usize = 32;

/// What the owner needs to put something into a directory.
const OWNER_WRITES: u32 = 0o300;

type Entry<'tree> = (&'tree TreePath, &'tree Node);

/// A tree as a tar archive, made while it is read.
pub(super) struct TarStream<'tree> {
    /// In the order of the archive; those from `next` on are not loaded yet.
    entries: Vec<Entry<'tree>>,
    next: usize,
    /// Loaded, but not yet written. An error waits for its turn, so that of several the first in order is told.
    loaded: VecDeque<(Entry<'tree>, Result<Option<Body<'tree>>, ArchiveError>)>,
    /// The large file in whose middle we are.
    open: Option<OpenSource<'tree>>,
    is_finished: bool,
    modified: u64,
    progress: &'tree dyn Progress,
    files: usize,
    files_done: usize,
}

impl<'tree> TarStream<'tree> {
    /// A stream of all entries of a tree, with a time in seconds since 1970.
    pub(super) fn new(tree: &'tree Tree, modified: u64, progress: &'tree dyn Progress) -> Self {
        let files = tree.entries().filter(|entry| matches!(entry.node, Node::File { .. })).count();
        Self {
            entries: in_order(tree),
            next: 0,
            loaded: VecDeque::new(),
            open: None,
            is_finished: false,
            modified,
            progress,
            files,
            files_done: 0,
        }
    }

    /// How many files are in the tree.
    pub(super) fn files(&self) -> usize {
        self.files
    }

    /// Whether everything has been read.
    pub(super) fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Appends at least so many bytes; fewer only at the end, then the stream is finished. What is more is at most a small
    /// file.
    pub(super) fn read(&mut self, archive: &mut Vec<u8>, least: usize) -> Result<(), ArchiveError> {
        let goal = archive.len() + least;
        while archive.len() < goal && !self.is_finished {
            if let Some(source) = &mut self.open {
                if source.read(archive, (goal - archive.len()) as u64)? {
                    append_padding(archive, source.size());
                    self.open = None;
                    self.file_done();
                }
            } else if let Some((entry, body)) = self.loaded.pop_front() {
                self.append(archive, entry, body?);
            } else if self.next < self.entries.len() {
                self.load_group();
            } else {
                archive.extend_from_slice(&END);
                self.is_finished = true;
            }
        }
        Ok(())
    }

    fn load_group(&mut self) {
        let group = &self.entries[self.next..self.entries.len().min(self.next + GROUP)];
        self.next += group.len();
        let load_entry = |entry: &Entry<'tree>| {
            let body = match entry.1 {
                Node::File { content, .. } => load(entry.0, content).map(Some),
                Node::Directory { .. } | Node::Link { .. } => Ok(None),
            };
            (*entry, body)
        };
        let loaded: Vec<_> = group.par_iter().map(load_entry).collect();
        self.loaded.extend(loaded);
    }

    fn append(&mut self, archive: &mut Vec<u8>, (path, node): Entry<'tree>, body: Option<Body<'tree>>) {
        let size = body.as_ref().map_or(0, Body::size);
        let kind = match node {
            Node::Directory { mode } => Kind::Directory { mode: *mode },
            Node::File { mode, .. } => Kind::File { mode: *mode, size },
            Node::Link { target } => Kind::Link { target },
        };
        append_header(archive, path.as_str(), kind, self.modified);
        match body {
            None => return,
            Some(Body::Shared(bytes)) => archive.extend_from_slice(bytes),
            Some(Body::Read(bytes)) => archive.extend_from_slice(&bytes),
            Some(Body::Open(source)) => {
                self.open = Some(source);
                return;
            }
        }
        append_padding(archive, size);
        self.file_done();
    }

    fn file_done(&mut self) {
        self.files_done += 1;
        self.progress.files(self.files_done, self.files);
    }
}

/// The entries in the order of their paths, but a directory that its owner may not write to after what it holds: busybox
/// and `erl_tar` set the mode at once, and only root could go on.
fn in_order(tree: &Tree) -> Vec<Entry<'_>> {
    let mut entries = Vec::with_capacity(tree.len());
    let mut waiting: Vec<Entry<'_>> = Vec::new();
    for entry in tree.entries() {
        let entry = (entry.path, entry.node);
        while waiting.last().is_some_and(|(directory, _)| !is_inside(entry.0, directory)) {
            entries.extend(waiting.pop());
        }
        match entry.1 {
            Node::Directory { mode } if mode & OWNER_WRITES != OWNER_WRITES => waiting.push(entry),
            _ => entries.push(entry),
        }
    }
    entries.extend(waiting.into_iter().rev());
    entries
}

fn is_inside(path: &TreePath, directory: &TreePath) -> bool {
    path.as_str().strip_prefix(directory.as_str()).is_some_and(|rest| rest.starts_with('/'))
}
