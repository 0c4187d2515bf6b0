//! What extractors make of archives: GNU tar, bsdtar, busybox and `erl_tar` of the Erlang in PATH.
//!
//! Trees are random (deep and long paths, every character, links, empty directories, modes), the same in every run. Each
//! extractor must give back the whole tree with its contents, modes and times, and GNU tar must list it in its order.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::print_stdout, reason = "what is skipped is said")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Output};

use beamship_tree::archive::{self, ArchiveOptions, Compression};
use beamship_tree::{Content, Node, Tree, TreePath};
use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const TREES: usize = 24;

/// 2023-11-14 22:13:20 UTC.
const MODIFIED: u64 = 1_700_000_000;

#[test]
fn gnu_tar_lists_the_tree() {
    for case in cases("list") {
        for (target, tree) in [&case.gzip, &case.zstd].map(|target| (target, &case.tree)) {
            if target.as_str().ends_with(".zst") && !is_installed("zstd") {
                continue;
            }
            let mut tar = command("tar", &case.root);
            tar.args(["--numeric-owner", "--full-time", "--quoting-style=literal", "-tvf", target.as_str()]);
            let listed = String::from_utf8(succeed(&mut tar).stdout).unwrap();
            assert_eq!(listed, listing(tree), "{case:?}");
        }
    }
}

#[test]
fn gnu_tar_extracts_the_tree() {
    extract("gnu", "tar", &["-xpf"]);
}

#[test]
fn bsdtar_extracts_the_tree() {
    extract("bsd", "bsdtar", &["-xpf"]);
}

/// With `-z`: busybox 1.35 does not recognise compression by itself in a file of less than 512 bytes, whoever made it.
#[test]
fn busybox_extracts_the_tree() {
    extract("busybox", "busybox", &["tar", "-xzpf"]);
}

#[test]
fn erl_tar_extracts_the_tree() {
    let cases = cases("erl");
    let mut program = String::new();
    for case in &cases {
        // One virtual machine for all of them.
        writeln!(
            program,
            "ok = erl_tar:extract(\"{}\", [compressed, {{cwd, \"{}\"}}]),",
            case.gzip,
            case.output()
        )
        .unwrap();
    }
    program.push_str("halt().");
    let first = &cases[0];
    let file = first.root.join("extract.script");
    fs::write(&file, program).unwrap();
    let mut erl = command("erl", &first.root);
    erl.args(["-noshell", "-eval"]);
    erl.arg(format!(
        "case file:script(\"{file}\") of {{ok, _}} -> halt(); Other -> io:format(\"~tp~n\", [Other]), halt(1) end."
    ));
    succeed(&mut erl);
    for case in &cases {
        case.check();
    }
}

/// Links may lead anywhere: their targets are kept as they are. (`erl_tar` refuses to extract those that lead out of the
/// tree, whoever made the archive.)
#[test]
fn links_that_lead_out_of_the_tree() {
    let targets = ["/etc/os-release", "../../outside", "..", "/", &"/x".repeat(120), &"ü".repeat(60)];
    for (program, arguments) in
        [("tar", ["-xpf"].as_slice()), ("bsdtar", &["-xpf"]), ("busybox", &["tar", "-xzpf"])]
    {
        let mut tree = Tree::new();
        for (number, target) in targets.iter().enumerate() {
            add(&mut tree, &format!("links/{number}"), Node::Link { target: (*target).to_owned() });
        }
        // (And it takes long for this one.)
        add(&mut tree, &format!("deep{}", "/d".repeat(150)), file(0o644, b"deep".to_vec()));
        let case = Case::new("links", 0, tree);
        case.extract(program, arguments);
    }
}

fn extract(name: &str, program: &str, arguments: &[&str]) {
    for case in cases(name) {
        case.extract(program, arguments);
    }
}

/// A tree, its archives, and a place to extract them.
struct Case {
    name: String,
    tree: Tree,
    _directory: tempfile::TempDir,
    root: Utf8PathBuf,
    gzip: Utf8PathBuf,
    zstd: Utf8PathBuf,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:\n{}", self.name, listing(&self.tree))
    }
}

impl Case {
    fn new(name: &str, number: usize, tree: Tree) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(fs::canonicalize(directory.path()).unwrap()).unwrap();
        let (gzip, zstd) = (root.join("a.tar.gz"), root.join("a.tar.zst"));
        for (target, compression) in [(&gzip, Compression::Gzip), (&zstd, Compression::Zstd)] {
            let options = ArchiveOptions { modified: MODIFIED, compression, mode: 0o644 };
            archive::write(&tree, target, &options, &()).unwrap();
        }
        let case = Self { name: format!("{name} {number}"), tree, _directory: directory, root, gzip, zstd };
        fs::create_dir(case.output()).unwrap();
        case
    }

    fn output(&self) -> Utf8PathBuf {
        self.root.join("output")
    }

    fn extract(&self, program: &str, arguments: &[&str]) {
        if !is_installed(program) {
            testing::skip(&format!("there is no {program}"));
            return;
        }
        let mut command = command(program, &self.output());
        command.args(arguments).arg(&self.gzip);
        succeed(&mut command);
        self.check();
    }

    /// Whether what has been extracted is the tree.
    fn check(&self) {
        // Set-user-id bits are for the owner, who is root: others may get them or not.
        let is_root = fs::metadata(self.output()).unwrap().uid() == 0;
        let bits = if is_root { 0o7777 } else { 0o777 };
        let expected: BTreeMap<_, _> =
            self.tree.entries().map(|entry| (entry.path.to_string(), found(entry.node, bits))).collect();
        let mut extracted = BTreeMap::new();
        look(&self.output(), &self.output(), bits, &mut extracted);
        for (path, expected) in &expected {
            let found = extracted.remove(path);
            assert!(
                found.as_ref() == Some(expected),
                "{path:?}: {found:?} instead of {expected:?}; {self:?}"
            );
        }
        assert!(extracted.is_empty(), "too much: {:?}; {self:?}", extracted.keys());
    }
}

/// What stands at a path.
#[derive(PartialEq)]
enum Found {
    Directory { mode: u32 },
    File { mode: u32, modified: u64, content: Vec<u8> },
    Link { target: String },
}

impl std::fmt::Debug for Found {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory { mode } => write!(formatter, "a directory, {mode:o}"),
            Self::Link { target } => write!(formatter, "a link to {target:?}"),
            Self::File { mode, modified, content } => {
                write!(formatter, "a file, {mode:o}, time {modified}, {} bytes", content.len())
            }
        }
    }
}

/// What an extractor should make of a node, with these of the bits of its mode.
fn found(node: &Node, bits: u32) -> Found {
    match node {
        Node::Directory { mode } => Found::Directory { mode: mode & bits },
        Node::Link { target } => Found::Link { target: target.clone() },
        Node::File { mode, content: Content::Bytes(bytes) } => {
            Found::File { mode: mode & bits, modified: MODIFIED, content: bytes.to_vec() }
        }
        Node::File { .. } => panic!("only for bytes"),
    }
}

/// Everything below a directory. Directories are made writable, so that they can be removed.
fn look(root: &Utf8Path, directory: &Utf8Path, bits: u32, extracted: &mut BTreeMap<String, Found>) {
    for entry in directory.read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & bits;
        let node = if metadata.is_dir() {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            look(root, &path, bits, extracted);
            Found::Directory { mode }
        } else if metadata.is_symlink() {
            Found::Link { target: path.read_link_utf8().unwrap().into_string() }
        } else {
            Found::File { mode, modified: metadata.mtime() as u64, content: fs::read(&path).unwrap() }
        };
        extracted.insert(path.strip_prefix(root).unwrap().to_string(), node);
    }
}

/// The tree as `tar -tv` shows it.
fn listing(tree: &Tree) -> String {
    let mut lines = String::new();
    let mut waiting: Vec<(&TreePath, String)> = Vec::new();
    for entry in tree.entries() {
        // Directories that their owner may not write to come after what they hold.
        while let Some((directory, _)) = waiting.last()
            && !entry.path.as_str().starts_with(&format!("{directory}/"))
        {
            lines.extend(waiting.pop().map(|(_, line)| line));
        }
        let (kind, mode, size, rest) = match entry.node {
            Node::Directory { mode } => ('d', *mode, 0, "/".to_owned()),
            Node::Link { target } => ('l', 0o777, 0, format!(" -> {target}")),
            Node::File { mode, content: Content::Bytes(bytes) } => ('-', *mode, bytes.len(), String::new()),
            Node::File { .. } => panic!("only for bytes"),
        };
        let mut permissions: Vec<char> = (0..9)
            .map(|bit| if mode & (0o400 >> bit) == 0 { '-' } else { ['r', 'w', 'x'][bit % 3] })
            .collect();
        if mode & 0o4000 != 0 {
            permissions[2] = if permissions[2] == 'x' { 's' } else { 'S' };
        }
        let permissions: String = permissions.into_iter().collect();
        let line = format!("{kind}{permissions} 0/0{size:>16} 2023-11-14 22:13:20 {}{rest}\n", entry.path);
        if kind == 'd' && mode & 0o300 != 0o300 {
            waiting.push((entry.path, line));
        } else {
            lines.push_str(&line);
        }
    }
    lines.extend(waiting.into_iter().rev().map(|(_, line)| line));
    lines
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// A command whose environment says nothing but where programs are, and that names are UTF-8.
fn command(program: &str, directory: &Utf8Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", directory);
    command.env("TZ", "UTC").env("LC_ALL", "C.UTF-8").current_dir(directory);
    command
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && complaints.is_empty(), "{command:?}: {complaints}\n{said}");
    output
}

/// A tree of everything that is special, and random ones.
fn cases(name: &str) -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    let strategy = random_tree();
    let random = (1..TREES).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    std::iter::once(special())
        .chain(random)
        .enumerate()
        .map(|(number, tree)| Case::new(name, number, tree))
        .collect()
}

fn add(tree: &mut Tree, path: &str, node: Node) {
    // What does not fit beside the other entries of a random tree is left out.
    let _ = tree.add(TreePath::new(path).unwrap(), node);
}

fn file(mode: u32, content: Vec<u8>) -> Node {
    Node::File { mode, content: Content::Bytes(content.into()) }
}

/// Sizes and lengths around the limits of the format and of the blocks.
fn special() -> Tree {
    let mut tree = Tree::new();
    for size in [0, 1, 511, 512, 513, 512 * 1024, 5_000_000] {
        let content = (0..size).map(|index: u32| (index.wrapping_mul(index) >> 7) as u8).collect();
        add(&mut tree, &format!("size/{size}"), file(0o644, content));
    }
    for length in [1, 54, 55, 98, 99, 100, 101, 154, 155, 156, 157, 250, 255] {
        let name = "n".repeat(length);
        add(&mut tree, &format!("f{}", &name[1..]), file(0o644, vec![b'f'; length]));
        add(&mut tree, &format!("d{}", &name[1..]), Node::Directory { mode: 0o755 });
        add(&mut tree, &format!("in/{name}"), file(0o755, Vec::new()));
        add(&mut tree, &format!("empty/{name}"), Node::Directory { mode: 0o555 });
        add(&mut tree, &format!("{}/{name}/{name}", "p".repeat(50)), file(0o600, Vec::new()));
        add(&mut tree, &format!("links/{length}"), Node::Link { target: name });
    }
    add(&mut tree, &"é".repeat(127), file(0o644, Vec::new()));
    add(&mut tree, &format!("{}/{}", "ш".repeat(70), "中".repeat(33)), file(0o644, Vec::new()));
    add(&mut tree, &format!("deep{}", "/d".repeat(60)), file(0o644, b"deep".to_vec()));
    tree
}

fn random_tree() -> impl Strategy<Value = Tree> {
    let characters = prop_oneof![
        6 => prop::sample::select("abcxyzABC019._-+@".chars().collect::<Vec<_>>()),
        1 => prop::sample::select(" ~\\'\"\n\t*?[]{}$&;|<>#%!=:,^`\u{7f}\u{1b}".chars().collect::<Vec<_>>()),
        1 => prop::sample::select("éüßшщ中文字😀\u{301}\u{a0}".chars().collect::<Vec<_>>()),
    ];
    let component = |length| {
        prop::collection::vec(characters.clone(), length)
            .prop_map(String::from_iter)
            .prop_filter("a component", |text| text != "." && text != ".." && text.len() <= 255)
    };
    let name = prop_oneof![8 => component(1..12), 1 => component(1..60), 1 => component(80..110)];
    // Few directories, so that there are several files in one.
    let parent = prop_oneof![3 => prop::sample::select(vec!["lib", "lib/a-1", "lib/a-1/priv", "x"]).prop_map(str::to_owned), 1 => name.clone()];
    let path = (parent, prop::collection::vec(name.clone(), 1..5))
        .prop_map(|(parent, names)| format!("{parent}/{}", names.join("/")))
        // bsdtar takes that for a drive of Windows, on every system, and cuts it off.
        .prop_filter("no drive", |path| path.chars().nth(1) != Some(':'));
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2000),
        (any::<u8>(), 0..300_000usize).prop_map(|(byte, size)| vec![byte; size]),
    ];
    let node = prop_oneof![
        6 => (prop::sample::select(vec![0o644, 0o755, 0o600, 0o400, 0o444, 0o555, 0o4755]), content).prop_map(|(mode, content)| file(mode, content)),
        2 => prop::collection::vec(name, 1..4).prop_map(|names| Node::Link { target: names.join("/") }),
        2 => prop::sample::select(vec![0o755, 0o700, 0o750, 0o555, 0o500]).prop_map(|mode| Node::Directory { mode }),
    ];
    prop::collection::vec((path, node), 0..25).prop_map(|entries| {
        let mut tree = Tree::new();
        for (path, node) in entries {
            add(&mut tree, &path, node);
        }
        tree
    })
}
