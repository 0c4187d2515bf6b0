//! `kill -9` of a rebuild, at many moments: what stands at the target starts, always.

use std::io::Read;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::files::wait_until;
use crate::project;
use crate::sandbox::{Sandbox, succeed};

/// While custom steps run, the release at its place is not finished: an interrupt puts the earlier one back.
#[test]
fn an_interrupt_while_steps_run_puts_the_earlier_release_back() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let released = demo.join("_build/prod/rel/demo");
    succeed(&mut sandbox.beamship(&demo, &["release"]));
    let before = std::fs::read_to_string(released.join("releases/MANIFEST")).unwrap();

    let mix_exs = std::fs::read_to_string(demo.join("mix.exs")).unwrap();
    let steps = "releases: [demo: [steps: [:assemble, fn release ->
        File.write!(Path.join(release.path, \"made\"), \"\")
        Process.sleep(:infinity)
        release
      end]]]";
    std::fs::write(demo.join("mix.exs"), mix_exs.replace("releases: [demo: []]", steps)).unwrap();
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let mut child = sandbox
            .beamship(&demo, &["release", "--quiet"])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("the step runs", || released.join("made").exists());
        kill_process(Pid::from_child(&child), signal).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        if signal == Signal::KILL {
            // Nobody could put it back; the next build does.
            std::fs::write(demo.join("mix.exs"), mix_exs.replace("demo: []", "demo: [version: \"9.0.0\"]"))
                .unwrap();
            succeed(&mut sandbox.beamship(&demo, &["release", "--quiet"]));
            assert!(!released.join("releases/0.1.0").exists());
            // It was not provably of the release that was never finished.
            assert!(released.join("made").exists());
        } else {
            assert_eq!(status.code(), Some(128 + signal.as_raw()), "{said}");
            assert!(said.contains("the build was interrupted by signal"), "{said}");
            assert!(!released.join("made").exists());
            assert_eq!(std::fs::read_to_string(released.join("releases/MANIFEST")).unwrap(), before);
        }
    }
}

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
