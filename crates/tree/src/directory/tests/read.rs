//! A release as a tree again.

use std::os::unix::ffi::OsStrExt;

use super::*;

fn published(place: &Place) -> Tree {
    let files = tree(&[("bin/app", "1"), ("lib/a/a.app", "1"), ("releases/start_erl.data", "1 1")]);
    write(&files, &place.target, &options(), &()).unwrap();
    files
}

fn refusal(place: &Place) -> String {
    read(&place.target, &path(MANIFEST)).unwrap_err().to_string()
}

#[test]
fn what_the_manifest_lists_is_read_and_nothing_else() {
    let place = place();
    let files = published(&place);
    fs::create_dir(place.target.join("data")).unwrap();
    fs::write(place.target.join("data/app.db"), "1").unwrap();
    let paths = |tree: &Tree| tree.entries().map(|entry| entry.path.to_string()).collect::<Vec<_>>();
    let mut expected = paths(&files);
    // The manifest does not list itself.
    expected.retain(|path| path != MANIFEST);
    assert_eq!(paths(&read(&place.target, &path(MANIFEST)).unwrap()), expected);
}

#[test]
fn a_manifest_cannot_lead_out_of_the_release() {
    let place = place();
    fs::write(place.root.join("secret"), "1").unwrap();
    published(&place);
    let manifest = place.target.join(MANIFEST);
    for listed in ["../secret", "/etc/passwd", "lib//a"] {
        fs::write(&manifest, format!("bin\n{listed}\n")).unwrap();
        assert!(refusal(&place).contains(&format!("lists `{listed}`, but it ")), "{}", refusal(&place));
    }
    std::os::unix::fs::symlink("..", place.target.join("lib/up")).unwrap();
    for listed in ["lib/up/secret\n", "lib/up\nlib/up/secret\n"] {
        fs::write(&manifest, listed).unwrap();
        let reason = "lists `lib/up/secret`, but a file or link stands at one of its parents";
        assert!(refusal(&place).contains(reason), "{}", refusal(&place));
    }
    // The link itself may be a part of it.
    fs::write(&manifest, "lib/up\n").unwrap();
    assert_eq!(read(&place.target, &path(MANIFEST)).unwrap().entries().count(), 2);
}

#[test]
fn nothing_is_left_out_in_silence() {
    let place = place();
    published(&place);
    fs::remove_file(place.target.join(MANIFEST)).unwrap();
    fs::write(place.target.as_std_path().join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "").unwrap();
    assert!(refusal(&place).contains("is not valid UTF-8"), "{}", refusal(&place));
}
