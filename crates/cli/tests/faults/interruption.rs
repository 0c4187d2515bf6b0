//! `kill -9` of a rebuild, at many moments: what stands at the target is the old release or the new one, whole, and starts.

use std::io::Read;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use rustix::process::{Pid, Signal, kill_process};

use crate::artefact::Artefact;
use crate::files::{wait_until, write};
use crate::project;
use crate::sandbox::{Sandbox, succeed};
use crate::sweep::Source;

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

/// A project whose two versions differ in compiled code, in a file of an application and in an overlay.
struct Versions {
    sandbox: Sandbox,
    demo: Utf8PathBuf,
}

impl Versions {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let demo = project::demo(&sandbox, "demo");
        Self { sandbox, demo }
    }

    fn released(&self) -> Utf8PathBuf {
        self.demo.join("_build/prod/rel/demo")
    }

    fn set(&self, source: Source) {
        let text = format!("{source:?}");
        write(
            &self.demo.join("lib/version.ex"),
            &format!("defmodule Demo.Version do\n  def get, do: \"{text}\"\nend\n"),
        );
        write(&self.demo.join("priv/version"), &text);
        write(&self.demo.join("rel/overlays/etc/version"), &text);
    }

    /// What the release prints: the code's version, and those of the files beside it.
    fn printed(&self) -> String {
        let code = "IO.puts(Enum.join([Demo.area(), Demo.Version.get(), File.read!(Application.app_dir(:demo, \"priv/version\")),
            File.read!(Path.join(System.fetch_env!(\"RELEASE_ROOT\"), \"etc/version\"))], \" \"))";
        succeed(self.sandbox.command(self.released().join("bin/demo")).args(["eval", code])).stdout
    }

    /// What a release of a version consists of, and how long it took.
    fn build(&self, source: Source) -> (Artefact, Duration) {
        self.set(source);
        let start = Instant::now();
        succeed(&mut self.sandbox.beamship(&self.demo, &["release", "--overwrite"]));
        let time = start.elapsed();
        assert_eq!(self.printed(), format!("6 {source:?} {source:?} {source:?}\n"));
        (Artefact::at(&self.released()), time)
    }
}

#[test]
fn a_killed_rebuild_leaves_one_version_whole() {
    let versions = Versions::new();
    let known = [Source::One, Source::Two, Source::One, Source::Two].map(|source| versions.build(source));
    // Files that a first build makes may stay: what counts is what comes again and again.
    let [_, _, (one, _), (two, whole)] = known;
    assert_ne!(one, two);
    let of = |source: Source| if source == Source::One { &one } else { &two };
    let mut now = Source::Two;
    let mut kept = 0;
    for moment in 0..MOMENTS {
        let wanted = now.other();
        versions.set(wanted);
        let mut child = versions
            .sandbox
            .beamship(&versions.demo, &["release", "--quiet", "--overwrite"])
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
        let found = Artefact::at(&versions.released());
        assert!(
            found == *of(now) || found == *of(wanted),
            "a mixture after a kill at {share:.2} of a build:\n{}\n--\n{}",
            found.difference(of(now)),
            found.difference(of(wanted))
        );
        if found == *of(wanted) {
            now = wanted;
        } else {
            kept += 1;
        }
        let expected = format!("6 {now:?} {now:?} {now:?}\n");
        assert_eq!(versions.printed(), expected, "after a kill at {share:.2} of a build");
    }
    assert!(kept > 0, "every build was done before it was killed");
    // The next build cleans up behind the dead ones, and is one of what the source says.
    let wanted = now.other();
    let (found, _) = versions.build(wanted);
    assert!(found == *of(wanted), "{}", found.difference(of(wanted)));
    let left: Vec<String> = versions
        .demo
        .join("_build/prod/rel")
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .filter(|name| name.contains("beamship") && !name.ends_with("lock"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
