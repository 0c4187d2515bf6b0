//! `kill -9` of a rebuild, at many moments: what stands at the target starts, always.

use std::time::{Duration, Instant};

use crate::project;
use crate::sandbox::{Sandbox, succeed};

const MOMENTS: u32 = 24;

#[test]
fn a_killed_rebuild_leaves_a_release_that_starts() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.beamship(&demo, &["build"]));
    let start = Instant::now();
    succeed(&mut sandbox.beamship(&demo, &["release"]));
    let whole = start.elapsed();
    for moment in 0..MOMENTS {
        let mut child = sandbox
            .beamship(&demo, &["release", "--quiet"])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Most moments in the second half, where files are written.
        let share = 0.4 + 0.65 * f64::from(moment) / f64::from(MOMENTS);
        let deadline = Instant::now() + whole.mul_f64(share);
        while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let evaluated = succeed(
            sandbox
                .command(demo.join("_build/prod/rel/demo/bin/demo"))
                .args(["eval", "IO.puts(Demo.area())"]),
        );
        assert_eq!(evaluated.stdout, "6\n", "after a kill at {share:.2} of a build");
    }
    // The next build cleans up behind the dead ones.
    succeed(&mut sandbox.beamship(&demo, &["release"]));
    let left: Vec<String> = demo
        .join("_build/prod/rel")
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .filter(|name| name.contains("beamship") && !name.ends_with("lock"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
