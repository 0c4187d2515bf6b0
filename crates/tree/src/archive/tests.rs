//! The archive sink in temporary directories. What extractors make of archives is asked in `tests/extractors.rs`.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use fs_err as fs;

use super::*;
use crate::{Content, Node, TreePath};

const BEAM: &[u8] =
    b"FOR1\0\0\0\x2cBEAMAtU8\0\0\0\x06\0\0\0\x01\x01m\0\0Docs\0\0\0\x04docsCode\0\0\0\x02ok\0\0";
const STRIPPED: &[u8] = b"FOR1\0\0\0\x20BEAMCode\0\0\0\x02ok\0\0AtU8\0\0\0\x06\0\0\0\x01\x01m\0\0";

const BOTH: [Compression; 2] = [Compression::Gzip, Compression::Zstd];

/// A temporary directory.
struct Place {
    _directory: tempfile::TempDir,
    root: Utf8PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(fs::canonicalize(directory.path()).unwrap()).unwrap();
        Self { root, _directory: directory }
    }

    fn target(&self) -> Utf8PathBuf {
        self.root.join("app.tar.gz")
    }

    /// A file of the build machine.
    fn source(&self, name: &str, bytes: &[u8]) -> Utf8PathBuf {
        let path = self.root.join("sources").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Fails to write a tree over an archive that is there, which must stay as it is, with nothing beside it.
    fn refusal(&self, tree: &Tree, progress: &dyn Progress) -> String {
        let place = self.root.join("refusal");
        fs::create_dir_all(&place).unwrap();
        let target = place.join("app.tar.gz");
        fs::write(&target, "earlier").unwrap();
        let error = write(tree, &target, &options(Compression::Gzip), progress).unwrap_err();
        assert_eq!(fs::read(&target).unwrap(), b"earlier");
        assert_eq!(names(&place), ["app.tar.gz"]);
        error.to_string()
    }
}

fn names(directory: &Utf8Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn options(compression: Compression) -> ArchiveOptions {
    ArchiveOptions { modified: 1_700_000_000, compression, mode: 0o644 }
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn bytes(bytes: &[u8]) -> Node {
    Node::File { mode: 0o644, content: Content::Bytes(bytes.into()) }
}

fn copy(source: Utf8PathBuf) -> Node {
    Node::File { mode: 0o644, content: Content::Copy(source) }
}

fn tree(nodes: impl IntoIterator<Item = (impl Into<String>, Node)>) -> Tree {
    let mut tree = Tree::new();
    for (name, node) in nodes {
        tree.add(TreePath::new(name).unwrap(), node).unwrap();
    }
    tree
}

/// The archive without compression.
fn unpacked(target: &Utf8Path, compression: Compression) -> Vec<u8> {
    let archive = fs::read(target).unwrap();
    let mut bytes = Vec::new();
    match compression {
        Compression::Gzip => {
            let mut decoder = flate2::bufread::GzDecoder::new(archive.as_slice());
            decoder.read_to_end(&mut bytes).unwrap();
            assert!(decoder.into_inner().is_empty(), "there is one member");
        }
        Compression::Zstd => bytes = ::zstd::decode_all(archive.as_slice()).unwrap(),
    }
    bytes
}

/// Name, type and content of the entries of an archive whose names are short.
fn entries(archive: &[u8]) -> Vec<(String, char, &[u8])> {
    let mut entries = Vec::new();
    let mut at = 0;
    while archive[at] != 0 {
        let header = &archive[at..at + header::RECORD];
        let text = |range: std::ops::Range<usize>| {
            let field = &header[range];
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            String::from_utf8(field[..end].to_vec()).unwrap()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        at += header::RECORD;
        entries.push((text(0..100), char::from(header[156]), &archive[at..at + size]));
        at += size.next_multiple_of(header::RECORD);
    }
    assert_eq!(archive[at..], header::END);
    entries
}

/// Bytes that compress badly, the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Few values, so that something is left to the compressor.
        (state >> 58) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn every_kind_of_entry() {
    let place = Place::new();
    let options_of_strip = beam::StripOptions { chunks: [*b"Code", *b"AtU8"].into(), compress: false };
    let large = noise(1, 3 * 1024 * 1024 + 1);
    let tree = tree([
        ("bin/app", bytes(b"launch")),
        ("bin/server", Node::Link { target: "app".into() }),
        ("empty", Node::Directory { mode: 0o750 }),
        ("lib/copied", copy(place.source("copied", b"copied"))),
        ("lib/large", copy(place.source("large", &large))),
        (
            "lib/m.beam",
            Node::File {
                mode: 0o644,
                content: Content::StrippedBeam(place.source("m.beam", BEAM), options_of_strip),
            },
        ),
        ("lib/nothing", bytes(b"")),
    ]);
    for compression in BOTH {
        let target = place.root.join("not/yet/there").join(format!("{compression:?}"));
        let archived = write(&tree, &target, &options(compression), &()).unwrap();
        let size = fs::metadata(&target).unwrap().len();
        assert_eq!(archived, Archived { path: target.clone(), files: 5, bytes: size });
        let archive = unpacked(&target, compression);
        let expected: [(&str, char, &[u8]); 9] = [
            ("bin/", '5', b""),
            ("bin/app", '0', b"launch"),
            ("bin/server", '2', b""),
            ("empty/", '5', b""),
            ("lib/", '5', b""),
            ("lib/copied", '0', b"copied"),
            ("lib/large", '0', &large),
            ("lib/m.beam", '0', STRIPPED),
            ("lib/nothing", '0', b""),
        ];
        let found = entries(&archive);
        let found: Vec<_> =
            found.iter().map(|(name, kind, content)| (name.as_str(), *kind, *content)).collect();
        assert!(found == expected, "{compression:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_to_comes_after_what_it_holds() {
    let place = Place::new();
    let tree = tree([
        ("a", Node::Directory { mode: 0o555 }),
        ("a/b", Node::Directory { mode: 0o500 }),
        ("a/b/c", bytes(b"")),
        ("a/d", bytes(b"")),
        // Sorts after `a/d`, but is not in `a`.
        ("a-", Node::Directory { mode: 0o555 }),
        ("e/f", bytes(b"")),
    ]);
    write(&tree, &place.target(), &options(Compression::Gzip), &()).unwrap();
    let archive = unpacked(&place.target(), Compression::Gzip);
    let names: Vec<_> = entries(&archive).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["a/b/c", "a/b/", "a/d", "a/", "a-/", "e/", "e/f"]);
}

/// More than a round of blocks for one thread, and blocks that begin and end anywhere in files.
fn large_tree(place: &Place) -> Tree {
    let mut tree = tree((0..200u32).map(|number| {
        (format!("lib/{number:03}"), bytes(&noise(u64::from(number), 7919 * number as usize % 90_000)))
    }));
    let large = place.source("large", &noise(7, 5 * 1024 * 1024));
    tree.add(path("lib/100-large"), copy(large)).unwrap();
    tree
}

#[test]
fn the_same_bytes_with_any_number_of_threads() {
    let place = Place::new();
    let tree = large_tree(&place);
    for compression in BOTH {
        let archives = [1, 3, 8].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| write(&tree, &place.target(), &options(compression), &())).unwrap();
            fs::read(place.target()).unwrap()
        });
        assert!(archives[0] == archives[1] && archives[0] == archives[2], "{compression:?}");
        assert!(unpacked(&place.target(), compression).len() > 10 * 1024 * 1024);
    }
}

/// A new version of a compressor may write other bytes: then this fails, and the changelog should tell.
#[test]
fn the_bytes_are_those_of_earlier_builds() {
    let place = Place::new();
    let tree = large_tree(&place);
    let found = BOTH.map(|compression| {
        write(&tree, &place.target(), &options(compression), &()).unwrap();
        let mut check = flate2::Crc::new();
        check.update(&fs::read(place.target()).unwrap());
        (check.amount(), check.sum())
    });
    assert_eq!(found, [(10_650_121, 471_598_279), (10_629_747, 3_059_689_213)]);
}

#[test]
fn an_archive_is_replaced_whatever_its_mode_and_the_umask() {
    let place = Place::new();
    fs::write(place.target(), "earlier").unwrap();
    fs::set_permissions(place.target(), std::fs::Permissions::from_mode(0o400)).unwrap();
    write(&Tree::new(), &place.target(), &options(Compression::Gzip), &()).unwrap();
    assert_eq!(unpacked(&place.target(), Compression::Gzip), header::END);
    assert_eq!(fs::metadata(place.target()).unwrap().permissions().mode() & 0o7777, 0o644);
    assert_eq!(names(&place.root), ["app.tar.gz"]);
}

#[test]
fn a_link_at_the_target_is_replaced_not_followed() {
    let place = Place::new();
    fs::write(place.root.join("other"), "other").unwrap();
    std::os::unix::fs::symlink("other", place.target()).unwrap();
    write(&Tree::new(), &place.target(), &options(Compression::Gzip), &()).unwrap();
    assert_eq!(fs::read(place.root.join("other")).unwrap(), b"other");
    assert!(fs::symlink_metadata(place.target()).unwrap().is_file());
}

#[test]
fn a_directory_at_the_target_is_left_alone() {
    let place = Place::new();
    fs::create_dir(place.target()).unwrap();
    let error = write(&Tree::new(), &place.target(), &options(Compression::Gzip), &()).unwrap_err();
    assert!(matches!(error, ArchiveError::IsDirectory { .. }), "{error}");
    let error = write(&Tree::new(), Utf8Path::new(".."), &options(Compression::Gzip), &()).unwrap_err();
    assert!(matches!(error, ArchiveError::NoName { .. }), "{error}");
    assert_eq!(names(&place.root), ["app.tar.gz"]);
}

#[test]
fn sources_that_cannot_be_read_are_named() {
    let place = Place::new();
    let missing = place.root.join("missing");
    let error = place.refusal(&tree([("lib/a", copy(missing.clone()))]), &());
    assert!(error.starts_with(&format!("cannot read `{missing}` for `lib/a`: No such file")), "{error}");

    let pipe = place.root.join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, pipe.as_std_path(), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    let error = place.refusal(&tree([("lib/a", copy(pipe.clone()))]), &());
    assert!(
        error.starts_with(&format!("cannot archive `{pipe}` as `lib/a`: it is not a regular")),
        "{error}"
    );

    let source = place.source("m.beam", b"FOR1");
    let strip = beam::StripOptions { chunks: [*b"Code"].into(), compress: false };
    let beam = Node::File { mode: 0o644, content: Content::StrippedBeam(source.clone(), strip) };
    let error = place.refusal(&tree([("lib/m.beam", beam)]), &());
    assert!(error.starts_with(&format!("cannot strip `{source}` for `lib/m.beam`")), "{error}");
}

#[test]
fn of_several_errors_the_first_is_told() {
    let place = Place::new();
    let tree = tree(
        (0..100).map(|number| (format!("{number:02}"), copy(place.root.join(format!("no-{number:02}"))))),
    );
    for _ in 0..20 {
        let error = place.refusal(&tree, &());
        assert!(error.contains("no-00"), "{error}");
    }
}

/// Does something when the first file is in the archive, or has already been read.
struct AfterTheFirst<F>(AtomicBool, F);

impl<F: Fn() + Sync> Progress for AfterTheFirst<F> {
    fn files(&self, done: usize, total: usize) {
        assert!((1..=total).contains(&done));
        if !self.0.swap(true, Ordering::Relaxed) {
            self.1();
        }
    }

    fn message(&self, _text: &str) {}
}

fn after_the_first<F: Fn() + Sync>(action: F) -> AfterTheFirst<F> {
    AfterTheFirst(AtomicBool::new(false), action)
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let changes: [fn(&Utf8Path); 3] = [
        // It grows.
        |source| fs::write(source, noise(1, 3_000_001)).unwrap(),
        // It shrinks.
        |source| fs::write(source, "").unwrap(),
        // It keeps its size.
        |source| {
            let file = fs::OpenOptions::new().write(true).open(source).unwrap();
            file.file().set_modified(std::time::UNIX_EPOCH).unwrap();
        },
    ];
    for change in changes {
        let place = Place::new();
        let source = place.source("large", &noise(1, 3_000_000));
        let tree = tree([("a", bytes(b"first")), ("b", copy(source.clone()))]);
        let error = place.refusal(&tree, &after_the_first(|| change(&source)));
        assert!(error.starts_with(&format!("`{source}` changed while it was read for `b`")), "{error}");
    }
}

#[test]
fn a_file_that_vanishes_meanwhile_is_an_error() {
    let place = Place::new();
    let source = place.source("last", b"");
    let mut tree = tree((0..300).map(|number| (format!("{number:03}"), bytes(&noise(number, 10_000)))));
    tree.add(path("999"), copy(source.clone())).unwrap();
    let error = place.refusal(&tree, &after_the_first(|| fs::remove_file(&source).unwrap()));
    assert!(error.starts_with(&format!("cannot read `{source}` for `999`: No such file")), "{error}");
}

/// As on a full disk: a write is cut off, the next one fails.
#[test]
fn a_write_that_fails() {
    const VARIABLE: &str = "BEAMSHIP_TEST_ARCHIVE_LIMIT";
    let tree = tree([("a", bytes(&noise(1, 3_000_000)))]);
    if let Ok(target) = std::env::var(VARIABLE) {
        let error = write(&tree, Utf8Path::new(&target), &options(Compression::Gzip), &()).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("cannot write") && error.contains("ulimit -f"), "{error}");
        return;
    }
    let place = Place::new();
    fs::write(place.target(), "earlier").unwrap();
    let status = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 100; trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "archive::tests::a_write_that_fails", "--nocapture", "--test-threads=1"])
        .env(VARIABLE, place.target())
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
    assert!(String::from_utf8_lossy(&status.stdout).contains("1 passed"), "{status:?}");
    assert_eq!(fs::read(place.target()).unwrap(), b"earlier");
    assert_eq!(names(&place.root), ["app.tar.gz"]);
}
