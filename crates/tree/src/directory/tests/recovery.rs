//! Every state that a killed process can leave, made by hand, and what the next build makes of it.

use super::*;
use crate::directory::staging::Staging;
use crate::directory::target::Target;

fn version(text: &str) -> Tree {
    tree(&[("bin/app", text), ("releases/start_erl.data", text)])
}

/// A target with version 1 and a user's file, and a staging directory with version 2 assembled in it.
fn interrupted() -> (Place, Staging, Target) {
    let place = place();
    write(&version("1"), &place.target, &options(), &()).unwrap();
    fs::write(place.target.join("database"), "rows").unwrap();
    let target = Target::resolve(&place.target).unwrap();
    let staging = Staging::create(&target).unwrap();
    assemble(&version("2"), &staging.new_tree(), None, &()).unwrap();
    (place, staging, target)
}

/// What a process that is killed does: nothing.
fn kill(staging: Staging) {
    std::mem::forget(staging);
}

/// The next build, which writes version 3, or fails before it does.
fn next_build(place: &Place, works: bool) -> BTreeMap<String, String> {
    let mut next = version("3");
    if !works {
        let content = Content::Copy(place.root.join("missing"));
        next.add(path("missing"), Node::File { mode: 0o644, content }).unwrap();
    }
    assert_eq!(write(&next, &place.target, &options(), &()).is_ok(), works);
    assert_eq!(place.beside(), [""; 0], "something stayed");
    snapshot(&place.target)
}

fn with(tree: &Tree, foreign: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut all = expected(tree);
    all.extend(foreign.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    all
}

const DATABASE: (&str, &str) = ("database", "rows");

#[test]
fn killed_while_assembling() {
    for works in [false, true] {
        let (place, staging, _) = interrupted();
        kill(staging);
        assert_eq!(next_build(&place, works), with(&version(if works { "3" } else { "1" }), &[DATABASE]));
    }
}

#[test]
fn killed_right_after_the_exchange() {
    for works in [false, true] {
        let (place, staging, target) = interrupted();
        fs::write(place.target.join("late"), "in the last moment").unwrap();
        // What `publish_instead` does, but for the second rename.
        fs::rename(&target.path, place.root.join("between")).unwrap();
        fs::rename(staging.new_tree(), &target.path).unwrap();
        fs::rename(place.root.join("between"), staging.new_tree()).unwrap();
        kill(staging);
        let late = ("late", "in the last moment");
        assert_eq!(
            next_build(&place, works),
            with(&version(if works { "3" } else { "2" }), &[DATABASE, late])
        );
    }
}

#[test]
fn killed_before_the_users_files_were_moved() {
    for how in [Replacement::OneStep, Replacement::TwoSteps] {
        let (place, mut staging, target) = interrupted();
        staging.publish_instead(&target, how).unwrap();
        kill(staging);
        assert_eq!(next_build(&place, false), with(&version("2"), &[DATABASE]));
    }
}

#[test]
fn killed_between_two_steps() {
    for works in [false, true] {
        let (place, staging, target) = interrupted();
        fs::rename(&target.path, staging.old_tree()).unwrap();
        kill(staging);
        assert_eq!(next_build(&place, works), with(&version(if works { "3" } else { "1" }), &[DATABASE]));
    }
}

#[test]
fn killed_while_removing() {
    let (place, mut staging, target) = interrupted();
    staging.publish_instead(&target, Replacement::OneStep).unwrap();
    // The manifest is gone already: nothing says any more which of these files are whose.
    fs::rename(staging.old_tree(), staging.directory().join("trash")).unwrap();
    fs::remove_file(staging.directory().join("trash").join(MANIFEST)).unwrap();
    fs::remove_file(staging.directory().join("trash/releases/start_erl.data")).unwrap();
    kill(staging);
    assert_eq!(next_build(&place, false), expected(&version("2")));
}

#[test]
fn killed_before_the_marker_was_written() {
    for contents in [&[][..], &["new"]] {
        let (place, staging, _) = interrupted();
        let directory = staging.directory().to_owned();
        drop(staging);
        fs::create_dir(&directory).unwrap();
        for name in contents {
            fs::create_dir(directory.join(name)).unwrap();
        }
        assert_eq!(next_build(&place, true), with(&version("3"), &[DATABASE]));
    }
}

#[test]
fn what_only_looks_like_ours_is_left_alone() {
    let place = place();
    let named_like_it = [
        ".app.beamship-1-0123456789abcdef",
        ".app.beamship-notes",
        ".app.beamship-1-0123456789abcdef0",
        ".other.beamship-1-0123456789abcdef",
    ];
    for name in named_like_it {
        fs::create_dir_all(place.root.join(name).join("new")).unwrap();
        fs::write(place.root.join(name).join("new/precious"), "").unwrap();
    }
    write(&version("1"), &place.target, &options(), &()).unwrap();
    let mut expected = named_like_it.to_vec();
    expected.sort_unstable();
    assert_eq!(place.beside(), expected);
    for name in named_like_it {
        assert!(place.root.join(name).join("new/precious").exists(), "{name}");
    }
}

#[test]
fn a_target_that_was_removed_meanwhile_comes_back() {
    let (place, mut staging, target) = interrupted();
    staging.publish_instead(&target, Replacement::OneStep).unwrap();
    kill(staging);
    fs::remove_dir_all(&place.target).unwrap();
    assert_eq!(next_build(&place, false), with(&version("1"), &[DATABASE]));
}

/// Where nothing is written, what was left is removed too; the release and the user's files stay.
#[test]
fn what_is_left_beside_a_release_that_stays_is_removed() {
    let (place, staging, target) = interrupted();
    let mut staging = staging;
    staging.publish_instead(&target, Replacement::OneStep).unwrap();
    kill(staging);
    assert_ne!(place.beside(), [""; 0]);
    let before = snapshot(&place.target);
    tidy(&place.target, options().manifest.as_ref(), &()).unwrap();
    assert_eq!(place.beside(), [""; 0]);
    let after = snapshot(&place.target);
    assert!(before.iter().all(|(path, content)| after.get(path) == Some(content)), "{before:?} {after:?}");
    assert_eq!(after.get("database").map(String::as_str), Some("rows"));
    // Nothing is touched where there is nothing to do: not even a lock is taken.
    let locked = TargetLock::acquire(&target, &()).unwrap();
    tidy(&place.target, options().manifest.as_ref(), &()).unwrap();
    drop(locked);
}
