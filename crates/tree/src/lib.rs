//! The tree: everything that an artefact contains, in one ordered list, and the places it can be written to.
//!
//! A release is planned as a [`Tree`] before a byte is written. Whatever consumes it (a directory, a tarball, the
//! layers of an image) sees the same entries in the same order, the order of their paths, with explicit modes. Nothing
//! of the machine (directory order, umask, clock, thread timing) can reach the output.

pub mod archive;
mod content;
pub mod directory;
pub mod file;
mod manifest;
mod path;
mod progress;
mod tree;

pub use content::Content;
pub use manifest::manifest_text;
pub use path::{PathError, TreePath};
pub use progress::Progress;
pub use tree::{Conflict, Entry, Node, Tree};
