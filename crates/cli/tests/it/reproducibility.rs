//! Same input, same bytes.

use crate::differences::files;
use crate::project;
use crate::sandbox::{Sandbox, succeed};

#[test]
fn two_builds_in_two_directories_give_the_same_bytes() {
    let sandbox = Sandbox::new();
    let one = project::demo(&sandbox, "one");
    let other = project::demo(&sandbox, "somewhere/else/other");
    succeed(&mut sandbox.beamship(&one, &["build"]));
    succeed(sandbox.beamship(&other, &["build"]).env("RAYON_NUM_THREADS", "1"));
    let one = files(&one.join("_build/prod/rel/demo"));
    let other = files(&other.join("_build/prod/rel/demo"));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (path, file) in &one {
        if path == "releases/COOKIE" || file.is_dir() {
            continue;
        }
        assert!(std::fs::read(file).unwrap() == std::fs::read(&other[path]).unwrap(), "{path} differs");
    }
}

#[test]
fn the_cookie_is_made_once_and_never_printed() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let cookie = || std::fs::read_to_string(demo.join("_build/prod/rel/demo/releases/COOKIE")).unwrap();
    let first = succeed(&mut sandbox.beamship(&demo, &["build", "--verbose"]));
    let made = cookie();
    assert_eq!(made.len(), 56);
    let second = succeed(&mut sandbox.beamship(&demo, &["build", "--verbose", "--json"]));
    assert_eq!(cookie(), made);
    for outcome in [first, second] {
        assert!(!outcome.stdout.contains(&made) && !outcome.stderr.contains(&made));
    }
}
