//! What is not the release's own survives.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use super::publish::make_pipe;
use super::*;
use crate::directory::foreign::Carried;
use crate::directory::staging::identity;

fn first() -> Tree {
    tree(&[("bin/app", "1"), ("lib/a-1/ebin/a.app", "1"), ("releases/start_erl.data", "1 1")])
}

fn second() -> Tree {
    tree(&[("bin/app", "2"), ("lib/a-2/ebin/a.app", "2"), ("releases/start_erl.data", "2 2")])
}

fn inode(path: impl AsRef<Path>) -> u64 {
    fs::symlink_metadata(path.as_ref()).unwrap().ino()
}

/// Puts down one of everything that a user or a running system might.
fn add_foreign(target: &Utf8Path) {
    fs::create_dir_all(target.join("tmp/deep/empty")).unwrap();
    fs::write(target.join("tmp/app.runtime.config"), "run-time").unwrap();
    fs::write(target.join("app.db"), "database").unwrap();
    fs::write(target.join("lib/a-1/ebin/notes"), "in a directory of ours").unwrap();
    fs::write(target.as_std_path().join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "not UTF-8").unwrap();
    fs::os::unix::fs::symlink("/var/log", target.join("log")).unwrap();
    make_pipe(&target.join("tmp/pipe"));
    fs::set_permissions(target.join("tmp"), std::fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(target.join("tmp/deep/empty"), std::fs::Permissions::from_mode(0o1777)).unwrap();
}

fn check_foreign(target: &Utf8Path) {
    assert_eq!(fs::read_to_string(target.join("tmp/app.runtime.config")).unwrap(), "run-time");
    assert_eq!(fs::read_to_string(target.join("app.db")).unwrap(), "database");
    assert_eq!(
        fs::read(target.as_std_path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"))).unwrap(),
        b"not UTF-8"
    );
    assert_eq!(target.join("log").read_link_utf8().unwrap(), "/var/log");
    assert_eq!(mode(target.join("tmp")), 0o700);
    assert_eq!(mode(target.join("tmp/deep/empty")), 0o1777);
}

#[test]
fn files_that_are_not_in_the_manifest_live_on() {
    for how in [Replacement::OneStep, Replacement::TwoSteps] {
        let place = place();
        write(&first(), &place.target, &options(), &()).unwrap();
        add_foreign(&place.target);
        let inodes = ["app.db", "tmp/pipe", "log"].map(|name| inode(place.target.join(name)));
        let written = write_how(&second(), &place.target, &options(), &(), how).unwrap();
        assert_eq!(written.carried, 6);
        check_foreign(&place.target);
        assert_eq!(["app.db", "tmp/pipe", "log"].map(|name| inode(place.target.join(name))), inodes);
        assert_eq!(
            fs::read_to_string(place.target.join("lib/a-1/ebin/notes")).unwrap(),
            "in a directory of ours"
        );
        assert!(!place.target.join("lib/a-1/ebin/a.app").exists(), "a file of the earlier release stayed");
        assert_eq!(fs::read_to_string(place.target.join("lib/a-2/ebin/a.app")).unwrap(), "2");
        assert_eq!(place.beside(), [""; 0]);
    }
}

#[test]
fn of_a_release_by_mix_everything_outside_its_directories_lives_on() {
    let place = place();
    let mix = expected(&tree(&[
        ("bin/app", ""),
        ("bin/app.bat", ""),
        ("erts-13/bin/erl", ""),
        ("lib/a-1/ebin/a.app", ""),
        ("releases/0.1.0/vm.args", ""),
        ("releases/start_erl.data", ""),
    ]));
    for (name, text) in mix.iter().filter(|(name, text)| *text != "/" && *name != MANIFEST) {
        fs::create_dir_all(place.target.join(name).parent().unwrap()).unwrap();
        fs::write(place.target.join(name), text).unwrap();
    }
    add_foreign(&place.target);
    write(&second(), &place.target, &options(), &()).unwrap();
    check_foreign(&place.target);
    for gone in ["bin/app.bat", "erts-13", "lib/a-1", "releases/0.1.0"] {
        assert!(!place.target.join(gone).exists(), "{gone} stayed");
    }
}

#[test]
fn the_release_wins_over_a_file_where_mix_puts_its_own_and_says_so() {
    let place = place();
    write(&first(), &place.target, &options(), &()).unwrap();
    fs::write(place.target.join("releases/added"), "by Mix").unwrap();
    fs::create_dir(place.target.join("lib/a-2")).unwrap();
    let heard = Heard::default();
    let mut new = second();
    new.add(path("releases/added"), file(0o644, "of the release")).unwrap();
    write(&new, &place.target, &options(), &heard).unwrap();
    assert_eq!(fs::read_to_string(place.target.join("releases/added")).unwrap(), "of the release");
    let text = format!(
        "`{}/releases/added` was not made by the earlier build; the release's own file replaces it",
        place.target
    );
    assert_eq!(heard.messages(), [text]);
}

/// It was replaced, with a message that `--quiet` left out.
#[test]
fn a_file_of_the_users_is_not_replaced_by_another_one() {
    let place = place();
    write(&first(), &place.target, &options(), &()).unwrap();
    fs::write(place.target.join("env"), "by hand").unwrap();
    let mut new = second();
    new.add(path("env"), file(0o644, "of the release")).unwrap();
    let error = write(&new, &place.target, &options(), &()).unwrap_err();
    assert!(matches!(error, DirectoryError::InTheWay { .. }), "{error}");
    assert_eq!(fs::read_to_string(place.target.join("env")).unwrap(), "by hand");
    assert!(place.target.join("lib/a-1").is_dir());
    // The same content is nobody's loss.
    fs::write(place.target.join("env"), "of the release").unwrap();
    let heard = Heard::default();
    write(&new, &place.target, &options(), &heard).unwrap();
    assert_eq!(heard.messages(), [""; 0]);
}

#[test]
fn what_can_neither_stay_nor_be_replaced_is_an_error() {
    type Make = fn(&Utf8Path);
    let cases: [(Make, &str, &str, &str); 3] = [
        (|target| fs::create_dir(target.join("data")).unwrap(), "data", "data", "file"),
        (
            |target| {
                fs::create_dir(target.join("data")).unwrap();
                fs::write(target.join("data/rows"), "").unwrap();
            },
            "data",
            "data",
            "file",
        ),
        (|target| fs::write(target.join("data"), "").unwrap(), "data/seed", "data", "directory"),
    ];
    for (make, new_file, at_path, kind) in cases {
        let place = place();
        write(&first(), &place.target, &options(), &()).unwrap();
        make(&place.target);
        let before = snapshot(&place.target);
        let mut new = second();
        new.add(path(new_file), file(0o644, "")).unwrap();
        let error = write(&new, &place.target, &options(), &()).unwrap_err();
        let DirectoryError::InTheWay { at, new, .. } = &error else { panic!("{error}") };
        assert_eq!((at.as_str(), *new), (at_path, kind), "{error}");
        assert_eq!(snapshot(&place.target), before);
        assert_eq!(place.beside(), [""; 0]);
    }
}

#[test]
fn a_file_below_a_former_directory_of_ours_is_in_the_way_of_a_file() {
    let place = place();
    write(&first(), &place.target, &options(), &()).unwrap();
    fs::write(place.target.join("lib/a-1/ebin/notes"), "").unwrap();
    let error = write(&tree(&[("lib/a-1", "a file now")]), &place.target, &options(), &()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("ebin/notes` is not part") && text.contains("has a file at `lib/a-1`"), "{text}");
}

/// Everything that can change in the earlier release between linking and the look afterwards.
#[test]
fn what_appears_in_the_last_moment_is_moved() {
    let place = place();
    let (old, new) = (place.root.join("old"), place.target.clone());
    for directory in [&old, &new] {
        fs::create_dir_all(directory.join("tmp")).unwrap();
    }
    let put = |path: Utf8PathBuf, text: &str| fs::write(path, text).unwrap();
    put(old.join("tmp/linked"), "same");
    fs::hard_link(old.join("tmp/linked"), new.join("tmp/linked")).unwrap();
    put(new.join("tmp/replaced"), "as it was linked");
    put(old.join("tmp/replaced"), "by another program since");
    put(old.join("tmp/appeared"), "appeared");
    put(old.join("tmp/both"), "old");
    put(new.join("tmp/both"), "newer");
    fs::create_dir_all(old.join("logs/today")).unwrap();
    put(old.join("logs/today/log"), "line");
    put(old.join("own"), "of the release");

    let ownership = Ownership::Manifest(HashSet::from(["own".to_owned()]));
    let mut carried = Carried::default();
    for name in ["tmp/linked", "tmp/replaced"] {
        carried.note(name, identity(new.join(name).as_std_path()).unwrap());
    }
    assert_eq!(sweep(&old, &ownership, &carried, &new).unwrap(), 3);
    let found = snapshot(&new);
    let expected = [
        ("logs", "/"),
        ("logs/today", "/"),
        ("logs/today/log", "line"),
        ("tmp", "/"),
        ("tmp/appeared", "appeared"),
        ("tmp/both", "newer"),
        ("tmp/linked", "same"),
        ("tmp/replaced", "by another program since"),
    ];
    assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
    assert_eq!(sweep(&old, &ownership, &carried, &new).unwrap(), 0, "done twice, nothing is left to do");
}

#[test]
fn a_writer_with_an_open_file_notices_nothing() {
    use std::io::Write;
    let place = place();
    write(&first(), &place.target, &options(), &()).unwrap();
    let mut log = fs::File::create(place.target.join("log")).unwrap();
    log.write_all(b"before ").unwrap();
    write(&second(), &place.target, &options(), &()).unwrap();
    log.write_all(b"after").unwrap();
    assert_eq!(fs::read_to_string(place.target.join("log")).unwrap(), "before after");
}

#[test]
fn the_manifest_itself_is_never_foreign() {
    let place = place();
    // This one lists neither itself nor the directory it is in.
    let mut bare = Tree::new();
    bare.add(path("bin/app"), file(0o755, "1")).unwrap();
    let text = manifest_text(&bare);
    bare.add(path("hidden/manifest"), file(0o644, &text)).unwrap();
    let there = DirectoryOptions { manifest: Some(path("hidden/manifest")), ..options() };
    write(&bare, &place.target, &there, &()).unwrap();
    let mut new = Tree::new();
    new.add(path("bin/app"), file(0o755, "2")).unwrap();
    let written = write(&new, &place.target, &there, &()).unwrap();
    assert_eq!(written.carried, 0);
    assert_eq!(snapshot(&place.target), expected(&new));
}
