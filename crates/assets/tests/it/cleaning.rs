//! Cleaning.

use beamship_assets::{AssetsError, Choice, Options, carry, clean};
use camino::Utf8Path;

use crate::place::{NOW, Place, compatible};

/// Three versions of `foo.css`, an hour apart; the names of the digested files, oldest first.
fn three_versions() -> (Place, Vec<String>) {
    let place = Place::new(&[("app.js", "app")]);
    let names = (0..3).map(|number| {
        place.put("foo.css", &format!("/* {number} */"));
        place.digest(&Options { modified: NOW + number * 3600, ..compatible() }).unwrap();
        place.latest("foo.css")
    });
    let names = names.collect();
    (place, names)
}

#[test]
fn d17_d23_a_missing_directory_is_an_error_and_a_missing_manifest_none() {
    for choice in [Choice::All, Choice::Old { age: 0, keep: 0, now: NOW }] {
        let error = clean(Utf8Path::new("/nowhere"), choice, false).unwrap_err();
        assert!(matches!(error, AssetsError::NoOutput { .. }));
        let place = Place::new(&[("app.js", "app")]);
        assert_eq!(clean(&place.root, choice, false).unwrap(), [""; 0]);
        assert_eq!(place.files().len(), 1);
    }
}

#[test]
fn d18_d21_so_many_versions_are_kept() {
    let (place, names) = three_versions();
    let choice = Choice::Old { age: 1_000_000, keep: 1, now: NOW + 7200 };
    let removed = clean(&place.root, choice, true).unwrap();
    assert!(place.has(&names[0]), "nothing is removed by a dry run");
    assert_eq!(clean(&place.root, choice, false).unwrap(), removed);
    assert_eq!(removed, [names[0].clone(), format!("{}.gz", names[0])]);
    assert!(place.has(&names[1]) && place.has(&names[2]));
    assert!(!place.manifest().digests.contains_key(&names[0]));
}

#[test]
fn d19_old_versions_are_removed() {
    let (place, names) = three_versions();
    clean(&place.root, Choice::Old { age: 5000, keep: 9, now: NOW + 7200 }, false).unwrap();
    assert_eq!(names.iter().map(|name| place.has(name)).collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn d20_the_newest_stays_however_old() {
    let (place, names) = three_versions();
    // The first content again: its entry is the oldest.
    place.put("foo.css", "/* 0 */");
    place.digest(&Options::usual(NOW + 9000)).unwrap();
    assert_eq!(place.latest("foo.css"), names[0]);
    clean(&place.root, Choice::Old { age: 0, keep: 0, now: NOW + 90_000 }, false).unwrap();
    assert!(place.has(&names[0]) && !place.has(&names[1]) && !place.has(&names[2]));
}

#[test]
fn d22_all_compressed_files_go_along() {
    let (place, names) = three_versions();
    for suffix in ["br", "zst"] {
        place.put(&format!("{}.{suffix}", names[0]), "x");
    }
    clean(&place.root, Choice::Old { age: 1, keep: 0, now: NOW + 90_000 }, false).unwrap();
    for suffix in ["", ".gz", ".br", ".zst"] {
        assert!(!place.has(&format!("{}{suffix}", names[0])));
    }
}

#[test]
fn d23_everything_that_was_made_goes() {
    let (place, _) = three_versions();
    // The project's own, though its name looks like ours.
    place.put("app.js.br", "own");
    place.put("manifest.json.gz", "own");
    place.put(".beamship-digest-1", "left by a run that was killed");
    clean(&place.root, Choice::All, false).unwrap();
    let left: Vec<String> = place.files().into_keys().collect();
    assert_eq!(left, ["app.js", "app.js.br", "foo.css", "manifest.json.gz"]);
}

#[test]
fn files_of_an_earlier_release_are_brought_along() {
    let (earlier, names) = three_versions();
    let place = Place::new(&[("foo.css", "new")]);
    place.digest(&compatible()).unwrap();
    let latest = place.latest("foo.css");
    let count = carry(&earlier.root, &place.root, NOW).unwrap();
    assert_eq!(count, 8, "three stylesheets and a script, each with what was compressed of it");
    for name in &names {
        assert_eq!(place.text(name), earlier.text(name));
        assert!(place.manifest().digests.contains_key(name));
    }
    assert_eq!(place.latest("foo.css"), latest);
    assert_eq!(carry(&earlier.root, &place.root, NOW).unwrap(), 0);
    let error = carry(&place.root.join(".."), &place.root, NOW).unwrap_err().to_string();
    assert!(error.contains("hint: --carry names"), "{error}");
}

/// A week, in seconds.
const WEEK: u64 = 7 * 24 * 3600;

#[test]
fn what_was_the_newest_until_now_is_not_old() {
    let place = Place::new(&[("foo.css", "/* 0 */"), ("gone.css", "/* 0 */")]);
    place.digest(&Options::usual(NOW)).unwrap();
    let names = [place.latest("foo.css"), place.latest("gone.css")];
    // For a long time nothing changes.
    place.digest(&Options::usual(NOW + 9 * WEEK)).unwrap();
    place.put("foo.css", "/* 1 */");
    std::fs::remove_file(place.root.join("gone.css")).unwrap();
    place.digest(&Options::usual(NOW + 10 * WEEK)).unwrap();
    let old = |now| Choice::Old { age: WEEK, keep: 9, now };
    assert_eq!(clean(&place.root, old(NOW + 11 * WEEK), false).unwrap(), [""; 0]);
    // Their age counts from when they were replaced, not from the last run.
    place.digest(&Options::usual(NOW + 11 * WEEK)).unwrap();
    assert_eq!(clean(&place.root, old(NOW + 11 * WEEK + 1), false).unwrap(), names);
}

#[test]
fn what_was_brought_along_is_not_old_but_becomes_so() {
    let release = |number: u64, earlier: Option<&Place>| {
        let place = Place::new(&[("foo.css", &format!("/* {number} */"))]);
        let time = NOW + number * WEEK;
        place.digest(&Options::usual(time)).unwrap();
        if let Some(earlier) = earlier {
            carry(&earlier.root, &place.root, time).unwrap();
        }
        let removed = clean(&place.root, Choice::Old { age: WEEK - 1, keep: 9, now: time }, false).unwrap();
        (place, removed)
    };
    let (first, _) = release(0, None);
    let (second, removed) = release(5, Some(&first));
    assert_eq!(removed, [""; 0]);
    let (third, removed) = release(6, Some(&second));
    assert_eq!(removed, [first.latest("foo.css")]);
    assert!(third.has(&second.latest("foo.css")));
}
