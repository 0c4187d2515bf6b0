//! Runs that are killed, run at the same time, or find what others have left.

use std::process::{Command, Stdio};
use std::time::Duration;

use beamship_assets::{Options, digest};
use camino::{Utf8Path, Utf8PathBuf};
use sha2::Digest as _;

use crate::place::{NOW, Place, compatible, files_below};

fn options(cache: &Utf8Path) -> Options {
    Options { cache: Some(cache.to_owned()), ..Options::usual(NOW) }
}

/// A tree whose stylesheets all change their content, but under Phoenix's settings not their name.
fn tree(round: usize) -> Place {
    let place = Place::new(&[]);
    fill(&place, round);
    place
}

fn fill(place: &Place, round: usize) {
    place.put("image.png", &format!("image {round}"));
    for number in 0..60 {
        place.put(&format!("css/{number}.css"), &format!("a{{b:url(/image.png)}}/* {number} */"));
        place.put(
            &format!("js/{number}.js"),
            &format!("import './{}.js' // {}", (number + 1) % 60, round * number),
        );
    }
}

/// Everything that the manifest names is there, with the content that it says.
fn agrees(place: &Place) {
    if !place.has("cache_manifest.json") {
        return;
    }
    let manifest = place.manifest();
    for (path, entry) in &manifest.digests {
        let content = std::fs::read(place.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let digest = sha2::Sha512::digest(&content);
        let text: String = entry.sha512.clone().unwrap();
        assert_eq!(decoded(&text), digest.to_vec(), "{path}");
    }
    for digested in manifest.latest.values() {
        assert!(place.has(digested), "{digested}");
    }
}

fn decoded(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in text.chars().filter_map(|character| ALPHABET.find(character)) {
        bits = bits << 6 | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).unwrap());
        }
    }
    bytes
}

/// Not a test: the process that [`a_killed_run_leaves_a_manifest_that_tells_the_truth`] kills.
#[test]
#[ignore = "started by another test"]
fn victim() {
    let Ok(root) = std::env::var("DIGESTED") else { return };
    let root = Utf8PathBuf::from(root);
    let usual = std::env::var_os("USUAL").is_some();
    let options = if usual { Options::usual(NOW) } else { compatible() };
    digest(&root, &root, &options, &()).unwrap();
}

#[test]
fn a_killed_run_leaves_a_manifest_that_tells_the_truth() {
    let place = tree(0);
    let mut killed = 0;
    for round in 0..24 {
        fill(&place, round);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "faults::victim", "--ignored"]).env("DIGESTED", place.root.as_str());
        // Settings change as well: then names stay and contents do not.
        if round % 3 == 0 {
            command.env("USUAL", "1");
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(2 + round as u64 * 2));
        killed += usize::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
        agrees(&place);
    }
    assert!(killed > 3, "only {killed} runs were killed before their end");
    place.digest(&compatible()).unwrap();
    agrees(&place);
    assert!(
        place.files().keys().all(|path| !path.contains(".beamship-digest-")),
        "what killed runs have left is gone"
    );
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let place = tree(1);
    let cache = place.root.with_file_name("cache");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| place.digest(&options(&cache)).unwrap());
        }
    });
    agrees(&place);
    let before = place.files();
    place.digest(&Options::usual(NOW)).unwrap();
    assert_eq!(place.files(), before);
}

#[test]
fn what_a_killed_run_has_left_is_removed_by_a_run_that_writes_nothing() {
    let place = tree(1);
    let cache = place.root.with_file_name("cache");
    place.digest(&options(&cache)).unwrap();
    place.put("css/empty/.keep", "");
    let left = ["css/.beamship-digest-1", "css/empty/.beamship-digest-2"];
    for changed in [false, true] {
        left.iter().for_each(|path| place.put(path, "left"));
        if changed {
            place.put("new.txt", "only here something is written");
        }
        assert_eq!(place.digest(&options(&cache)).unwrap().unchanged, !changed);
        assert!(left.iter().all(|path| !place.has(path)));
    }
    assert!(place.has("css/empty/.keep"));
}

#[test]
fn nothing_is_done_when_nothing_has_changed() {
    let place = tree(1);
    let cache = place.root.with_file_name("cache");
    let first = place.digest(&options(&cache)).unwrap();
    assert!(!first.unchanged && first.written > 0);
    let second = place.digest(&options(&cache)).unwrap();
    assert!(second.unchanged && second.written == 0);
    assert_eq!((second.files, &second.kinds), (first.files, &first.kinds));
    // Another content of the same size at the same place, a file that is gone, other settings.
    place.put("image.png", "IMAGE 1");
    assert!(!place.digest(&options(&cache)).unwrap().unchanged);
    std::fs::remove_file(place.root.join(place.latest("css/1.css"))).unwrap();
    let mended = place.digest(&options(&cache)).unwrap();
    assert!(!mended.unchanged && mended.written > 0 && place.has(&place.latest("css/1.css")));
    assert!(!place.digest(&Options { adds_vsn: false, ..options(&cache) }).unwrap().unchanged);
    agrees(&place);
}

#[test]
fn a_damaged_cache_does_no_harm() {
    let place = tree(1);
    let cache = place.root.with_file_name("cache");
    place.digest(&options(&cache)).unwrap();
    let expected = place.files();
    for path in files_below(&cache) {
        std::fs::write(path, "damaged").unwrap();
    }
    let other = tree(1);
    other.digest(&options(&cache)).unwrap();
    assert_eq!(other.files(), expected);
    std::fs::remove_dir_all(&cache).unwrap();
    std::fs::write(&cache, "a file where the directory should be").unwrap();
    other.put("new.css", "b{}");
    other.digest(&options(&cache)).unwrap();
    assert!(other.has(&other.latest("new.css")));
}
