//! The tree itself.

use std::collections::BTreeMap;
use std::collections::btree_map;

use camino::Utf8Path;

use crate::{Content, TreePath};

/// What stands at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A directory. Parents of other entries need not be added; those that are not get mode 0755.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A regular file.
    File {
        /// Permission bits.
        mode: u32,
        /// Its bytes.
        content: Content,
    },
    /// A symbolic link.
    Link {
        /// What it points to, as written.
        target: String,
    },
}

/// A path and what stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'tree> {
    /// Where.
    pub path: &'tree TreePath,
    /// What.
    pub node: &'tree Node,
}

/// Two entries that cannot both be in one tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is already in the release as something else: {reason}")]
pub struct Conflict {
    /// The path of the second entry.
    pub path: TreePath,
    /// Why it cannot stand there.
    pub reason: &'static str,
}

/// All entries of an artefact, in the order of their paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    entries: BTreeMap<TreePath, Node>,
}

impl Tree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry and, where they are missing, the directories above it (mode 0755).
    ///
    /// A directory may be added again (the later mode counts). Adding a file or link where one already stands is a
    /// [`Conflict`]; use [`Tree::replace`] where the later one is meant to win, as overlays do.
    ///
    /// # Errors
    ///
    /// When something else already stands at the path, or a file or link stands at one of its parents.
    pub fn add(&mut self, path: TreePath, node: Node) -> Result<(), Conflict> {
        match (self.entries.get(&path), &node) {
            (None, _) | (Some(Node::Directory { .. }), Node::Directory { .. }) => self.put(path, node),
            (Some(Node::Directory { .. }), _) => Err(Conflict { path, reason: "a directory stands there" }),
            (Some(_), _) => Err(Conflict { path, reason: "a file or link stands there" }),
        }
    }

    /// Adds an entry, replacing a file or link that stands there.
    ///
    /// # Errors
    ///
    /// When a directory stands where a file or link should go or the other way round, or a file or link stands at one
    /// of its parents.
    pub fn replace(&mut self, path: TreePath, node: Node) -> Result<(), Conflict> {
        match (self.entries.get(&path), &node) {
            (Some(Node::Directory { .. }), Node::Directory { .. }) | (None, _) => self.put(path, node),
            (Some(Node::Directory { .. }), _) => Err(Conflict { path, reason: "a directory stands there" }),
            (Some(_), Node::Directory { .. }) => {
                Err(Conflict { path, reason: "a file or link stands there" })
            }
            (Some(_), _) => self.put(path, node),
        }
    }

    /// Adds all entries of another tree.
    ///
    /// # Errors
    ///
    /// As [`Tree::add`].
    pub fn add_all(&mut self, other: Self) -> Result<(), Conflict> {
        other.entries.into_iter().try_for_each(|(path, node)| self.add(path, node))
    }

    fn put(&mut self, path: TreePath, node: Node) -> Result<(), Conflict> {
        let mut parent = path.parent();
        while let Some(directory) = parent {
            parent = directory.parent();
            match self.entries.entry(directory) {
                btree_map::Entry::Vacant(vacant) => {
                    vacant.insert(Node::Directory { mode: 0o755 });
                }
                btree_map::Entry::Occupied(occupied) => match occupied.get() {
                    // Whoever put it there has put its parents there too.
                    Node::Directory { .. } => break,
                    Node::File { .. } | Node::Link { .. } => {
                        return Err(Conflict { path, reason: "a file or link stands at one of its parents" });
                    }
                },
            }
        }
        self.entries.insert(path, node);
        Ok(())
    }

    /// What stands at a path.
    pub fn get(&self, path: &TreePath) -> Option<&Node> {
        self.entries.get(path)
    }

    /// All entries, a directory right before what it holds.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries.iter().map(|(path, node)| Entry { path, node })
    }

    /// The same tree, read from a directory that it has been written to. What is in memory stays there.
    #[must_use]
    pub fn written_at(&self, root: &Utf8Path) -> Self {
        let mut tree = self.clone();
        for (path, node) in &mut tree.entries {
            if let Node::File { content, .. } = node
                && !matches!(content, Content::Bytes(_))
            {
                *content = Content::Copy(root.join(path.as_str()));
            }
        }
        tree
    }

    /// Takes an entry out, when it is there. The directories above it stay.
    pub fn remove(&mut self, path: &TreePath) {
        self.entries.remove(path);
    }

    /// How many entries there are, directories included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
