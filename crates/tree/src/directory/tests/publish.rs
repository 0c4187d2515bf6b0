//! What is written, and that all of it or nothing is.

use super::*;
use beam::{BeamError, StripOptions};

const BEAM: &[u8] =
    b"FOR1\0\0\0\x2cBEAMAtU8\0\0\0\x06\0\0\0\x01\x01m\0\0Docs\0\0\0\x04docsCode\0\0\0\x02ok\0\0";
const STRIPPED: &[u8] = b"FOR1\0\0\0\x20BEAMCode\0\0\0\x02ok\0\0AtU8\0\0\0\x06\0\0\0\x01\x01m\0\0";

fn strip_options() -> StripOptions {
    StripOptions { chunks: [*b"Code", *b"AtU8"].into(), compress: false }
}

/// One entry of every kind, with sources in the directory.
fn every_kind(sources: &Utf8Path) -> Tree {
    let (copied, beam) = (sources.join("copied"), sources.join("m.beam"));
    fs::write(&copied, "copied").unwrap();
    fs::set_permissions(&copied, std::fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(&beam, BEAM).unwrap();
    let mut tree = Tree::new();
    let mut add = |name, node| tree.add(path(name), node).unwrap();
    add("bin/app", file(0o755, "launch"));
    add("releases/COOKIE", file(0o400, "secret"));
    add("lib/a-1/priv/tool", Node::File { mode: 0o4755, content: Content::Copy(copied) });
    add(
        "lib/a-1/ebin/m.beam",
        Node::File { mode: 0o644, content: Content::StrippedBeam(beam, strip_options()) },
    );
    add("lib/a-1/priv/locked", Node::Directory { mode: 0o555 });
    add("lib/a-1/priv/locked/file", file(0o444, ""));
    add("lib/a-1/priv/open", Node::Directory { mode: 0o777 });
    add("bin/server", Node::Link { target: "app".into() });
    add("lib/nowhere", Node::Link { target: "../missing".into() });
    tree
}

fn check_every_kind(target: &Utf8Path) {
    let found = snapshot(target);
    assert_eq!(found["bin/app"], "launch");
    assert_eq!(found["bin/server"], "-> app");
    assert_eq!(found["lib/nowhere"], "-> ../missing");
    assert_eq!(found["lib/a-1/priv/tool"], "copied");
    assert_eq!(found["lib/a-1/ebin/m.beam"].as_bytes(), STRIPPED);
    assert_eq!(found.len(), 15);
    let modes = [
        ("", 0o755),
        ("bin", 0o755),
        ("bin/app", 0o755),
        ("releases/COOKIE", 0o400),
        ("lib/a-1/priv/tool", 0o4755),
        ("lib/a-1/ebin/m.beam", 0o644),
        ("lib/a-1/priv/locked", 0o555),
        ("lib/a-1/priv/locked/file", 0o444),
        ("lib/a-1/priv/open", 0o777),
    ];
    for (name, expected) in modes {
        assert_eq!(mode(target.join(name)), expected, "mode of {name:?}");
    }
}

#[test]
fn every_kind_of_entry() {
    let place = place();
    let sources = tempfile::tempdir().unwrap();
    let tree = every_kind(Utf8Path::from_path(sources.path()).unwrap());
    let target = place.root.join("not/yet/there/app");
    let written = write(&tree, &target, &options(), &()).unwrap();
    check_every_kind(&target);
    let expected = Written {
        path: target.clone(),
        files: 5,
        bytes: 6 + 6 + 6 + STRIPPED.len() as u64,
        replaced: false,
        carried: 0,
    };
    assert_eq!(written, expected);
    assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1, "something stayed beside it");
}

#[test]
fn modes_under_a_strict_umask() {
    if let Ok(root) = std::env::var("BEAMSHIP_TEST_UMASK") {
        let root = Utf8PathBuf::from(root);
        let tree = with_manifest(every_kind(&root));
        let target = root.join("app");
        write(&tree, &target, &options(), &()).unwrap();
        // Twice, with somebody's directory in between: the second one replaces the first.
        fs::create_dir(target.join("shared")).unwrap();
        fs::set_permissions(target.join("shared"), std::fs::Permissions::from_mode(0o1777)).unwrap();
        write(&tree, &target, &options(), &()).unwrap();
        return;
    }
    for umask in ["077", "000", "0277"] {
        let place = place();
        let sources = &place.root;
        let status = child(
            "publish::modes_under_a_strict_umask",
            "BEAMSHIP_TEST_UMASK",
            sources.as_str(),
            &format!("umask {umask};"),
        )
        .status()
        .unwrap();
        assert!(status.success(), "umask {umask}");
        assert_eq!(mode(place.target.join("shared")), 0o1777);
        fs::remove_dir(place.target.join("shared")).unwrap();
        fs::remove_file(place.target.join(MANIFEST)).unwrap();
        check_every_kind(&place.target);
    }
}

#[test]
fn the_new_release_replaces_the_earlier_one_as_a_whole() {
    for how in [Replacement::OneStep, Replacement::TwoSteps] {
        let place = place();
        let first = tree(&[("bin/app", "1"), ("lib/gone-1/ebin/gone.app", "1"), ("lib/stays/file", "1")]);
        let second = tree(&[("bin/app", "2"), ("lib/stays/file", "2"), ("lib/gone-1", "a file now")]);
        assert!(!write_how(&first, &place.target, &options(), &(), how).unwrap().replaced);
        assert_eq!(snapshot(&place.target), expected(&first));
        assert!(write_how(&second, &place.target, &options(), &(), how).unwrap().replaced);
        assert_eq!(snapshot(&place.target), expected(&second));
        assert_eq!(place.beside(), [""; 0]);
    }
}

#[test]
fn an_open_directory_is_swapped_not_changed() {
    let place = place();
    write(&tree(&[("bin/app", "1")]), &place.target, &options(), &()).unwrap();
    let before = staging::identity(place.target.as_std_path()).unwrap();
    write(&tree(&[("bin/app", "2")]), &place.target, &options(), &()).unwrap();
    assert_ne!(staging::identity(place.target.as_std_path()).unwrap(), before);
}

#[test]
fn a_link_to_a_directory_is_followed() {
    let place = place();
    let real = place.root.join("real");
    fs::create_dir(&real).unwrap();
    fs::os::unix::fs::symlink("real", &place.target).unwrap();
    let tree = tree(&[("bin/app", "1")]);
    let written = write(&tree, &place.target, &options(), &()).unwrap();
    assert_eq!(written.path, real);
    assert_eq!(snapshot(&real), expected(&tree));
    assert_eq!(place.target.read_link_utf8().unwrap(), "real");
}

/// Writes a tree over a release and expects an error, after which everything is as before.
fn refused(place: &Place, name: &str, content: Content) -> DirectoryError {
    let good = tree(&[("bin/app", "1")]);
    write(&good, &place.target, &options(), &()).unwrap();
    let beside = place.beside();
    let mut bad = tree(&[("bin/app", "2"), ("lib/z/last", "z")]);
    bad.add(path(name), Node::File { mode: 0o644, content }).unwrap();
    let error = write(&bad, &place.target, &options(), &()).unwrap_err();
    assert_eq!(snapshot(&place.target), expected(&good));
    assert_eq!(place.beside(), beside);
    error
}

#[test]
fn a_corrupt_beam_file_is_named_with_a_remedy() {
    let place = place();
    let source = place.root.join("corrupt.beam");
    fs::write(&source, &BEAM[..40]).unwrap();
    let error =
        refused(&place, "lib/a/ebin/corrupt.beam", Content::StrippedBeam(source.clone(), strip_options()));
    let DirectoryError::Beam { path, source_file, reason } = &error else { panic!("{error}") };
    assert_eq!((path.as_str(), source_file), ("lib/a/ebin/corrupt.beam", &source));
    assert_eq!(*reason, BeamError::Truncated { announced: 52, present: 40 });
    assert!(error.to_string().contains("mix deps.compile"), "{error}");
}

#[test]
fn a_missing_source_is_named() {
    let place = place();
    let error = refused(&place, "lib/a/missing", Content::Copy(place.root.join("missing")));
    let text = format!("cannot open `{}/missing`: No such file or directory (os error 2)", place.root);
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_pipe_as_source_does_not_hang() {
    let place = place();
    let pipe = place.root.join("pipe");
    make_pipe(&pipe);
    let error = refused(&place, "lib/a/pipe", Content::Copy(pipe.clone()));
    assert!(matches!(&error, DirectoryError::NotRegular { path } if *path == pipe), "{error}");
    let error = refused(&place, "lib/a/directory", Content::Copy(place.root.clone()));
    assert!(matches!(&error, DirectoryError::NotRegular { .. }), "{error}");
}

pub(super) fn make_pipe(path: &Utf8Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path.as_std_path(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn of_several_errors_the_first_path_is_reported() {
    let place = place();
    let mut bad = Tree::new();
    for number in 0..500 {
        let content = Content::Copy(place.root.join(format!("missing-{number:03}")));
        bad.add(path(&format!("f-{number:03}")), Node::File { mode: 0o644, content }).unwrap();
    }
    for _ in 0..20 {
        let error = write(&bad, &place.target, &options(), &()).unwrap_err().to_string();
        assert!(error.contains("missing-000`"), "{error}");
    }
}

#[test]
fn a_panic_leaves_nothing_behind() {
    struct Panics;
    impl Progress for Panics {
        fn files(&self, _done: usize, _total: usize) {
            panic!("as a defect would");
        }

        fn message(&self, _text: &str) {}
    }
    let place = place();
    let caught = std::panic::catch_unwind(|| {
        let _ = write(&tree(&[("bin/app", "1")]), &place.target, &options(), &Panics);
    });
    assert!(caught.is_err());
    assert_eq!(place.beside(), [""; 0]);
    assert!(!place.target.exists());
}

#[test]
fn progress_counts_every_file() {
    struct Counts(Mutex<Vec<(usize, usize)>>);
    impl Progress for Counts {
        fn files(&self, done: usize, total: usize) {
            self.0.lock().unwrap().push((done, total));
        }

        fn message(&self, _text: &str) {}
    }
    let place = place();
    let counts = Counts(Mutex::default());
    write(&tree(&[("a", ""), ("b", ""), ("c", "")]), &place.target, &options(), &counts).unwrap();
    let mut heard = counts.0.into_inner().unwrap();
    heard.sort_unstable();
    assert_eq!(heard, [(1, 4), (2, 4), (3, 4), (4, 4)]);
}
