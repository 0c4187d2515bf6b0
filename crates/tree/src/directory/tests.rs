//! The directory sink in temporary directories.

mod concurrent;
mod earlier;
mod foreign;
mod killed;
mod publish;
mod read;
mod recovery;
mod refused;
mod steps;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;

use super::*;
use crate::{Content, Node, manifest_text};

const MANIFEST: &str = "releases/manifest";

/// A temporary directory and a target in it.
struct Place {
    _directory: tempfile::TempDir,
    root: Utf8PathBuf,
    target: Utf8PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(fs::canonicalize(directory.path()).unwrap()).unwrap();
    Place { target: root.join("app"), root, _directory: directory }
}

impl Place {
    /// What stands beside the target.
    fn beside(&self) -> Vec<String> {
        let names =
            fs::read_dir(&self.root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "app").collect();
        names.sort();
        names
    }
}

fn options() -> DirectoryOptions<'static> {
    DirectoryOptions { manifest: Some(path(MANIFEST)), made_by_steps: false, earlier: None }
}

/// [`write`], replacing what is there in one way or the other.
fn write_how(
    tree: &Tree,
    target: &Utf8Path,
    options: &DirectoryOptions<'_>,
    progress: &dyn Progress,
    how: Replacement,
) -> Result<Written, DirectoryError> {
    write_with(tree, target, options, progress, how, None::<NoSteps>)
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn bytes(text: &str) -> Content {
    Content::Bytes(text.as_bytes().into())
}

fn file(mode: u32, text: &str) -> Node {
    Node::File { mode, content: bytes(text) }
}

/// A tree of files with their paths and contents, and a manifest.
fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (name, text) in files {
        tree.add(path(name), file(0o644, text)).unwrap();
    }
    with_manifest(tree)
}

fn with_manifest(mut tree: Tree) -> Tree {
    let text = manifest_text(&tree);
    tree.add(path(MANIFEST), file(0o644, &text)).unwrap();
    tree
}

/// Everything below a directory: path, and a file's content, a link's target or `/`.
fn snapshot(root: &Utf8Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in directory.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let text = if kind.is_dir() {
                left.push(entry.path().to_owned());
                "/".to_owned()
            } else if kind.is_symlink() {
                format!("-> {}", entry.path().read_link_utf8().unwrap())
            } else if kind.is_file() {
                fs::read_to_string(entry.path()).unwrap()
            } else {
                "special".to_owned()
            };
            found.insert(entry.path().strip_prefix(root).unwrap().to_string(), text);
        }
    }
    found
}

/// The files of a tree as [`snapshot`] shows them.
fn expected(tree: &Tree) -> BTreeMap<String, String> {
    let text = |node: &Node| match node {
        Node::Directory { .. } => "/".to_owned(),
        Node::Link { target } => format!("-> {target}"),
        Node::File { content: Content::Bytes(bytes), .. } => String::from_utf8(bytes.to_vec()).unwrap(),
        Node::File { .. } => panic!("only for bytes"),
    };
    tree.entries().map(|entry| (entry.path.to_string(), text(entry.node))).collect()
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path.as_ref()).unwrap().permissions().mode() & 0o7777
}

/// Remembers what it was told.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn messages(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Progress for Heard {
    fn files(&self, _done: usize, _total: usize) {}

    fn message(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// Runs one test of this executable in a process of its own, through a shell, with an environment variable that tells it
/// what to do. Without the variable that test does nothing.
fn child(test: &str, variable: &str, value: &str, shell: &str) -> std::process::Command {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("{shell} exec \"$0\" \"$@\"")]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("directory::tests::{test}"), "--nocapture", "--test-threads=1"]);
    command.env(variable, value);
    command
}
