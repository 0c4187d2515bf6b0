//! Custom steps that work on the release at its place.

use super::*;
use crate::directory::staging::{Replacement, Staging};
use crate::directory::target::Target;

fn version(text: &str) -> Tree {
    tree(&[("bin/app", text), ("releases/start_erl.data", text)])
}

fn with(tree: &Tree, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut all = expected(tree);
    all.extend(more.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    all
}

/// A target with version 1, a database of the user's, and a run-time file.
fn running() -> Place {
    let place = place();
    write(&version("1"), &place.target, &options(), &()).unwrap();
    fs::write(place.target.join("database"), "rows").unwrap();
    fs::create_dir(place.target.join("tmp")).unwrap();
    fs::write(place.target.join("tmp/log"), "line").unwrap();
    place
}

const FOREIGN: [(&str, &str); 3] = [("database", "rows"), ("tmp", "/"), ("tmp/log", "line")];

fn paths(tree: &Tree) -> Vec<&str> {
    tree.entries().map(|entry| entry.path.as_str()).collect()
}

#[test]
fn what_they_write_and_change_is_the_releases_own() {
    let place = running();
    let mut seen = Vec::new();
    write_then::<DirectoryError>(&version("2"), &place.target, &options(), &(), |published| {
        let root = published.root();
        assert_eq!(snapshot(root), with(&version("2"), &FOREIGN));
        fs::create_dir(root.join("etc")).unwrap();
        fs::write(root.join("etc/unit"), "made").unwrap();
        fs::write(root.join("bin/app"), "changed").unwrap();
        fs::write(root.join("tmp/pipe"), "not of the release").unwrap();
        std::os::unix::fs::symlink("app", root.join("bin/link")).unwrap();
        let tree = published.tree()?;
        seen.extend(paths(&tree).into_iter().map(str::to_owned));
        Ok(())
    })
    .unwrap();
    let own =
        ["bin", "bin/app", "bin/link", "etc", "etc/unit", "releases", MANIFEST, "releases/start_erl.data"];
    assert_eq!(seen, own);
    let found = snapshot(&place.target);
    assert_eq!(found[MANIFEST].lines().collect::<Vec<_>>(), own);
    assert_eq!(found["bin/app"], "changed");
    assert_eq!(place.beside(), [""; 0]);

    // The next build knows all of it, and nothing else.
    write(&version("3"), &place.target, &options(), &()).unwrap();
    let mut expected = with(&version("3"), &FOREIGN);
    expected.insert("tmp/pipe".to_owned(), "not of the release".to_owned());
    assert_eq!(snapshot(&place.target), expected);
}

#[test]
fn a_foreign_file_that_they_write_becomes_the_releases_own() {
    let place = running();
    write_then::<DirectoryError>(&version("2"), &place.target, &options(), &(), |published| {
        fs::write(published.root().join("database"), "replaced").unwrap();
        assert!(paths(&published.tree()?).contains(&"database"));
        Ok(())
    })
    .unwrap();
    write(&version("3"), &place.target, &options(), &()).unwrap();
    assert_eq!(snapshot(&place.target), with(&version("3"), &FOREIGN[1..]));
}

#[test]
fn when_they_fail_the_earlier_release_is_back() {
    let place = running();
    let before = snapshot(&place.target);
    let failed = write_then(&version("2"), &place.target, &options(), &(), |published| {
        fs::write(published.root().join("made"), "half").unwrap();
        fs::write(published.root().join("tmp/late"), "by the running system").unwrap();
        Err(DirectoryError::NoName { target: "the step failed".into() })
    });
    assert!(failed.unwrap_err().to_string().contains("the step failed"));
    let mut expected = before;
    expected.insert("tmp/late".to_owned(), "by the running system".to_owned());
    assert_eq!(snapshot(&place.target), expected);
    assert_eq!(place.beside(), [""; 0]);
}

#[test]
fn when_they_fail_and_there_was_nothing_nothing_is_there() {
    let place = place();
    let failed = write_then(&version("1"), &place.target, &options(), &(), |published| {
        fs::write(published.root().join("made"), "half").unwrap();
        Err(DirectoryError::NoName { target: "the step failed".into() })
    });
    assert!(failed.is_err());
    assert!(!place.target.exists());
    assert_eq!(place.beside(), [""; 0]);
}

/// A step that moves the release somewhere else: `cannot put back: No such file or directory`, and no release at the target.
#[test]
fn when_they_take_the_release_away_the_earlier_one_is_back() {
    for earlier in [true, false] {
        let place = if earlier { running() } else { place() };
        let elsewhere = place.root.join("elsewhere");
        let failed =
            write_then::<DirectoryError>(&version("2"), &place.target, &options(), &(), |published| {
                fs::rename(published.root(), &elsewhere).unwrap();
                Ok(())
            });
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("the custom steps of the release have removed or moved"), "{message}");
        if earlier {
            assert_eq!(snapshot(&place.target), with(&version("1"), &FOREIGN));
        } else {
            assert!(!place.target.exists());
        }
        assert_eq!(place.beside(), ["elsewhere"]);
    }
}

/// A second version at the target, when its steps are about to run.
fn published(place: &Place) -> Staging {
    let target = Target::resolve(&place.target).unwrap();
    let mut staging = Staging::create(&target).unwrap();
    assemble(&version("2"), &staging.new_tree(), None, &()).unwrap();
    staging.begin_steps().unwrap();
    if place.target.exists() {
        staging.publish_instead(&target, Replacement::OneStep).unwrap();
    } else {
        staging.publish_new(&target).unwrap();
    }
    staging
}

#[test]
fn killed_while_they_run() {
    for earlier in [false, true] {
        let place = if earlier { running() } else { place() };
        let staging = published(&place);
        fs::write(place.target.join("made"), "half").unwrap();
        std::mem::forget(staging);

        // A build that fails has put the earlier release back all the same.
        let mut bad = version("3");
        let content = Content::Copy(place.root.join("missing"));
        bad.add(path("missing"), Node::File { mode: 0o644, content }).unwrap();
        write(&bad, &place.target, &options(), &()).unwrap_err();
        if earlier {
            // What is not provably the interrupted release's own is kept, whoever made it.
            let mut expected = with(&version("1"), &FOREIGN);
            expected.insert("made".to_owned(), "half".to_owned());
            assert_eq!(snapshot(&place.target), expected);
        } else {
            assert!(!place.target.exists());
        }
        assert_eq!(place.beside(), [""; 0]);
    }
}

/// Between the exchange and the moment when the earlier release has its name. The next build used to stop for good here:
/// `cannot take back: Directory not empty`.
#[test]
fn killed_right_after_the_exchange_and_before_they_run() {
    let place = running();
    let staging = published(&place);
    fs::rename(staging.old_tree(), staging.new_tree()).unwrap();
    std::mem::forget(staging);

    write(&version("3"), &place.target, &options(), &()).unwrap();
    assert_eq!(snapshot(&place.target), with(&version("3"), &FOREIGN));
    assert_eq!(place.beside(), [""; 0]);
}

/// The manifest that is written for them is drafted outside of the release: a build that is killed meanwhile used to leave
/// `MANIFEST.new`, which was then kept for ever as a file of the user's.
#[test]
fn killed_while_their_manifest_is_written() {
    let place = running();
    let staging = published(&place);
    fs::write(staging.manifest_draft(), "half of").unwrap();
    std::mem::forget(staging);

    write(&version("3"), &place.target, &options(), &()).unwrap();
    assert_eq!(snapshot(&place.target), with(&version("3"), &FOREIGN));
    assert_eq!(place.beside(), [""; 0]);
}

/// Steps before the assembly may have made the target themselves.
#[test]
fn a_target_that_steps_have_made_is_replaced_when_that_is_said() {
    let place = place();
    fs::create_dir(&place.target).unwrap();
    fs::write(place.target.join("made"), "before").unwrap();
    let refused = write(&version("1"), &place.target, &options(), &()).unwrap_err();
    assert!(matches!(refused, DirectoryError::NotARelease { .. }), "{refused}");
    let said = DirectoryOptions { made_by_steps: true, ..options() };
    write(&version("1"), &place.target, &said, &()).unwrap();
    assert_eq!(snapshot(&place.target), expected(&version("1")));
}
