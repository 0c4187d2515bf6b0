//! `kill -9` at any moment.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::*;

const FILES: usize = 60;
const KILLS: usize = 25;

/// A tree whose files all say which build they are from.
fn build(number: u64) -> Tree {
    let text = number.to_string();
    let names: Vec<String> =
        (0..FILES).map(|file| format!("lib/a-{}-{}/{file}", file % 5, number % 2)).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
    files.push(("releases/start_erl.data", &text));
    tree(&files)
}

/// Publishes one build after the other until it is killed.
fn publish_forever(target: &Utf8Path, how: Replacement) {
    let first: u64 = snapshot(target)["releases/start_erl.data"].parse().unwrap();
    let start = Instant::now();
    // Not for ever, should nobody be left to kill it.
    for number in first + 1..first + 5_000 {
        write_how(&build(number), target, &options(), &(), how).unwrap();
        if number == first + 2 {
            println!("\nready after {}", start.elapsed().as_micros());
        }
    }
}

/// The build that is at the target; it must be there as a whole, with the user's files.
fn whole_build(target: &Utf8Path) -> u64 {
    let mut found = snapshot(target);
    let number: u64 = found["releases/start_erl.data"].parse().unwrap();
    for (name, text) in [("tmp", "/"), ("tmp/kept", "kept")] {
        assert_eq!(found.remove(name).as_deref(), Some(text), "build {number}: {name}");
    }
    assert_eq!(found, expected(&build(number)), "build {number} is a mixture");
    for name in ["", "lib", "releases"] {
        assert_eq!(mode(target.join(name)), 0o755, "build {number}: mode of {name:?}");
    }
    number
}

/// Deterministic, well spread numbers (SplitMix64).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn kill_many_times(test: &str, how: Replacement) {
    if let Ok(target) = std::env::var("BEAMSHIP_TEST_KILLED") {
        return publish_forever(Utf8Path::new(&target), how);
    }
    let place = place();
    write(&build(0), &place.target, &options(), &()).unwrap();
    fs::create_dir(place.target.join("tmp")).unwrap();
    fs::write(place.target.join("tmp/kept"), "kept").unwrap();
    let (mut seed, mut left_behind, mut last) = (20_261_123, 0, 0);
    for _ in 0..KILLS {
        let mut process = child(test, "BEAMSHIP_TEST_KILLED", place.target.as_str(), "")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let two_builds: u64 = lines
            .find_map(|line| line.unwrap().strip_prefix("ready after ").map(|micros| micros.parse().unwrap()))
            .expect("it never got ready");
        // Anywhere within the next builds, however fast they are here.
        std::thread::sleep(Duration::from_micros(random(&mut seed) % two_builds));
        process.kill().unwrap();
        process.wait().unwrap();
        left_behind += usize::from(place.beside().iter().any(|name| name != ".app.beamship-lock"));
        if how == Replacement::TwoSteps && !place.target.exists() {
            // The one gap that two steps have: the next build closes it, even one that fails.
            let mut bad = build(0);
            let content = Content::Copy(place.root.join("missing"));
            bad.add(path("missing"), Node::File { mode: 0o644, content }).unwrap();
            write(&bad, &place.target, &options(), &()).unwrap_err();
        }
        let number = whole_build(&place.target);
        assert!(number > last, "build {number} after build {last}");
        last = number;
    }
    println!("{last} builds, {KILLS} kills, {left_behind} left something beside the target");
    assert!(left_behind > 5, "hardly any kill hit a build: {left_behind}");
    write(&build(last + 1), &place.target, &options(), &()).unwrap();
    assert_eq!(whole_build(&place.target), last + 1);
    assert_eq!(place.beside(), [""; 0]);
}

#[test]
fn one_step() {
    kill_many_times("killed::one_step", Replacement::OneStep);
}

#[test]
fn two_steps() {
    kill_many_times("killed::two_steps", Replacement::TwoSteps);
}
