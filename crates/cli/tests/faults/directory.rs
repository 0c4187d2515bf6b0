//! The sinks of `tree`, without a virtual machine: a small tree with everything that can be in one, every call, every
//! fault. The writer is this test executable, run again under the injector.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use tree::archive::{ArchiveOptions, Compression};
use tree::directory::{DirectoryOptions, Published};
use tree::{Content, Node, Tree, TreePath, manifest_text};

use crate::artefact::Artefact;
use crate::sandbox::Sandbox;
use crate::sweep::{Extent, Source, Work, sweep};

const DIRECTORY: &str = "BEAMSHIP_FAULTS_DIRECTORY";
const SINK: &str = "BEAMSHIP_FAULTS_SINK";
const MANIFEST: &str = "releases/MANIFEST";

struct Sink<'a> {
    sandbox: &'a Sandbox,
    sink: &'static str,
}

impl Sink<'_> {
    fn place(&self) -> Utf8PathBuf {
        self.sandbox.join("place")
    }

    fn is_archive(&self) -> bool {
        self.sink == "archive"
    }

    fn target(&self) -> Utf8PathBuf {
        self.place().join("out").join(if self.is_archive() { "demo.tar.gz" } else { "demo" })
    }
}

impl Work for Sink<'_> {
    fn name(&self) -> &str {
        self.sink
    }

    fn below(&self) -> Utf8PathBuf {
        self.place()
    }

    fn set_source(&self, source: Source) {
        let files = self.place().join("source");
        std::fs::create_dir_all(&files).unwrap();
        std::fs::write(files.join("copied"), format!("{source:?}").repeat(1000)).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = self.sandbox.command(std::env::current_exe().unwrap());
        command
            .args(["--exact", "directory::writes_a_tree", "--ignored", "--nocapture", "--quiet"])
            .env(DIRECTORY, self.place())
            .env(SINK, self.sink);
        command
    }

    fn artefact(&self) -> Artefact {
        let mut found = Artefact::at(&self.target());
        if self.sink == "steps" {
            // Written anew by the steps. A release whose steps were interrupted has the first one until the next run.
            found.0.remove(Utf8Path::new(MANIFEST));
        }
        found
    }

    fn left_behind(&self) -> Vec<String> {
        let names = self
            .place()
            .join("out")
            .read_dir_utf8()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_owned());
        // An empty lock file that stays does no harm.
        names
            .filter(|name| !["demo", "demo.tar.gz", ".demo.beamship-lock"].contains(&name.as_str()))
            .collect()
    }
}

fn every_call(sink: &'static str) {
    let sandbox = Sandbox::new();
    let work = Sink { sandbox: &sandbox, sink };
    if !work.is_archive() {
        // Files that are not the release's own are the hard part.
        let kept = work.target().join("tmp/log");
        std::fs::create_dir_all(&kept).unwrap();
        std::fs::create_dir_all(work.target().join("releases")).unwrap();
        std::fs::write(work.target().join(MANIFEST), "").unwrap();
        std::fs::write(kept.join("erlang.log.1"), "kept").unwrap();
        std::fs::write(work.target().join("database"), "kept").unwrap();
    }
    sweep(&sandbox, &work, Extent::Everything);
}

#[test]
fn every_call_of_the_directory_sink_may_fail() {
    every_call("directory");
}

#[test]
fn every_call_of_the_directory_sink_with_steps_may_fail() {
    every_call("steps");
}

#[test]
fn every_call_of_the_archive_sink_may_fail() {
    every_call("archive");
}

/// No test by itself: the program that the others run.
#[test]
#[ignore = "run by the other tests of this module"]
fn writes_a_tree() {
    let Ok(place) = std::env::var(DIRECTORY) else { return };
    let place = Utf8PathBuf::from(place);
    let result = match std::env::var(SINK).unwrap().as_str() {
        "archive" => write_archive(&place),
        "steps" => write_directory(&place, true),
        _ => write_directory(&place, false),
    };
    if let Err(message) = result {
        eprintln!("error: {message}");
        std::process::exit(1);
    }
}

fn write_directory(place: &Utf8Path, with_steps: bool) -> Result<(), String> {
    let options =
        DirectoryOptions { manifest: Some(TreePath::new(MANIFEST).unwrap()), ..DirectoryOptions::default() };
    let (tree, target) = (tree_of(place), place.join("out/demo"));
    let steps = |published: &Published<'_>| published.tree().map(|_| ());
    let written = if with_steps {
        tree::directory::write_then(&tree, &target, &options, &(), steps)
    } else {
        tree::directory::write(&tree, &target, &options, &())
    };
    written.map(|_| ()).map_err(|error| error.to_string())
}

fn write_archive(place: &Utf8Path) -> Result<(), String> {
    let options = ArchiveOptions { modified: 0, compression: Compression::Gzip, mode: 0o644 };
    let written = tree::archive::write(&tree_of(place), &place.join("out/demo.tar.gz"), &options, &());
    written.map(|_| ()).map_err(|error| error.to_string())
}

fn tree_of(place: &Utf8Path) -> Tree {
    let mut tree = Tree::new();
    let mut add = |path: &str, node: Node| tree.add(TreePath::new(path).unwrap(), node).unwrap();
    let bytes = |text: &str| Content::Bytes(text.as_bytes().into());
    add("releases/COOKIE", Node::File { mode: 0o400, content: bytes("cookie") });
    add("bin/demo", Node::File { mode: 0o755, content: bytes("#!/bin/sh\n") });
    add(
        "lib/demo/priv/copied",
        Node::File { mode: 0o644, content: Content::Copy(place.join("source/copied")) },
    );
    add("lib/demo/priv/link", Node::Link { target: "copied".to_owned() });
    add("lib/demo/private", Node::Directory { mode: 0o700 });
    let text = manifest_text(&tree);
    let manifest = Node::File { mode: 0o644, content: bytes(&text) };
    tree.add(TreePath::new(MANIFEST).unwrap(), manifest).unwrap();
    tree
}

/// The mode that somebody gives to a file of theirs is not touched.
#[test]
fn what_is_kept_keeps_its_mode() {
    let sandbox = Sandbox::new();
    let place = sandbox.join("place");
    let kept = place.join("out/demo/env");
    std::fs::create_dir_all(place.join("out/demo/releases")).unwrap();
    std::fs::create_dir_all(place.join("source")).unwrap();
    std::fs::write(place.join("source/copied"), "text").unwrap();
    std::fs::write(place.join("out/demo").join(MANIFEST), "").unwrap();
    std::fs::write(&kept, "SECRET=1").unwrap();
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
    write_directory(&place, false).unwrap();
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
}
