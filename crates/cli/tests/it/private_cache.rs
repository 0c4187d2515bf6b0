//! The cache decides what a build does: it holds code that runs in it. Only its user may write there.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use camino::Utf8Path;

use crate::files::write;
use crate::project;
use crate::sandbox::{Outcome, Sandbox, succeed};

fn mode(path: &Utf8Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

fn set_mode(path: &Utf8Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A cache that belongs to this test alone.
fn own_cache(sandbox: &Sandbox) -> camino::Utf8PathBuf {
    let cache = sandbox.join("own/beamship");
    std::fs::create_dir(cache.parent().unwrap()).unwrap();
    cache
}

/// With a umask of 000 everybody could put code into the compiled bridge, which the next build runs.
#[test]
fn it_is_private_whatever_the_umask_is() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let cache = own_cache(&sandbox);
    let mut command = sandbox.command("sh");
    command.args(["-c", "umask 000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_beamship"), "build", "--quiet"]);
    command.current_dir(&demo).env("XDG_CACHE_HOME", cache.parent().unwrap());
    assert_eq!(succeed(&mut command).stderr, "");
    assert_eq!(mode(&cache), 0o700);
    assert!(cache.join("bridge").is_dir() && cache.join("builds").is_dir());
}

#[test]
fn one_that_others_can_write_to_is_not_used() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    write(&demo.join("assets/a.txt"), "");
    let cache = own_cache(&sandbox);
    let beamship = |arguments: &[&str]| -> Outcome {
        succeed(sandbox.beamship(&demo, arguments).env("XDG_CACHE_HOME", cache.parent().unwrap()))
    };
    assert_eq!(beamship(&["build", "--quiet"]).stderr, "");
    let bridge = std::fs::read_dir(cache.join("bridge")).unwrap().next().unwrap().unwrap().path();
    let bridge = Utf8Path::from_path(&bridge).unwrap();
    let mut refused = vec![("others can write to it", "hint: remove it")];
    // Only root can give it away.
    if rustix::process::geteuid().is_root() {
        refused.push(("it belongs to somebody else", "hint: set XDG_CACHE_HOME"));
    }
    for (why, hint) in refused {
        if why.starts_with("others") {
            set_mode(&cache, 0o777);
        } else {
            set_mode(&cache, 0o700);
            chown(&cache, Some(65534), None).unwrap();
        }
        // What is used is read, and written anew when it is damaged.
        write(bridge, "whatever somebody has put here");
        for arguments in
            [&["build", "--quiet"][..], &["release", "--quiet"], &["digest", "assets"], &["gen", "--dry-run"]]
        {
            let said = beamship(arguments).stderr;
            let warning = format!("warning: the cache `{cache}` is not used: {why}\n{hint}");
            assert_eq!(said.matches(&warning).count(), 1, "{arguments:?}: {said}");
            assert!(!said.contains("Nothing has changed"), "{said}");
        }
        assert_eq!(std::fs::read_to_string(bridge).unwrap(), "whatever somebody has put here");
        let found = beamship(&["doctor"]).stdout;
        assert!(found.contains("cache") && found.contains(why), "{found}");
    }
}
