//! A clock that is set back while a build runs: for beamship, and for the virtual machine that compiles.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::Project;
use crate::sandbox::{Outcome, succeed};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/clock.c");

/// A day in seconds.
const DAY: i64 = 86_400;

/// The compiled library, kept in the target directory like the injector.
fn library() -> Utf8PathBuf {
    let mut hash = DefaultHasher::new();
    std::fs::read(SOURCE).unwrap().hash(&mut hash);
    let directory = Utf8Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = directory.join(format!("clock-{:016x}.so", hash.finish()));
    if !library.exists() {
        std::fs::create_dir_all(directory).unwrap();
        let draft = tempfile::NamedTempFile::new_in(directory).unwrap();
        let mut compiler = Command::new("gcc");
        compiler.args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(draft.path());
        let status = compiler.arg(SOURCE).status().expect("gcc is needed");
        assert!(status.success(), "{compiler:?}");
        draft.persist(&library).unwrap();
    }
    library
}

/// A project that sets the clock back while its code is compiled.
struct Clock {
    project: Project,
    library: Utf8PathBuf,
    /// Exists when the clock has been set back.
    jump: Utf8PathBuf,
    /// What the compiler has seen of it: seconds before, and after.
    seen: Utf8PathBuf,
    moved: [i64; 2],
}

impl Clock {
    fn new(before: i64, after: i64) -> Self {
        let project = Project::new(false);
        let (jump, seen) = (project.sandbox.join("jump"), project.sandbox.join("seen"));
        Self { project, library: library(), jump, seen, moved: [before, after] }
    }

    /// A source of always the same size.
    fn set_version(&self, version: u32) {
        let (jump, seen) = (&self.jump, &self.seen);
        let text = format!(
            "defmodule Demo do
  before = System.os_time(:second)
  unless File.exists?(\"{jump}\") do
    File.write!(\"{jump}\", \"\")
    File.write!(\"{seen}\", \"#{{before}} #{{System.os_time(:second)}}\")
  end
  def version, do: {version}
end
"
        );
        std::fs::write(self.project.path.join("lib/demo.ex"), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let [before, after] = self.moved.map(|seconds| seconds.to_string());
        let mut command = self.project.beamship(arguments);
        command.env("LD_PRELOAD", &self.library).env("CLOCK_JUMP", &self.jump);
        succeed(command.env("CLOCK_BEFORE", before).env("CLOCK_AFTER", after))
    }

    /// Builds a version that changes no byte's place, and looks whether it is there.
    fn builds(&self, version: u32, arguments: &[&str]) {
        self.set_version(version);
        let outcome = self.run(arguments);
        let found = self.project.version_of(&self.project.target());
        assert_eq!(found, version.to_string(), "{arguments:?} {:?}\n{}", self.moved, outcome.stderr);
    }
}

/// The clock was right and is now a day back, or was a day ahead and is now right.
#[test]
fn a_clock_that_is_set_back_while_a_build_runs_ships_nothing_stale() {
    for (before, after) in [(0, -DAY), (DAY, 0)] {
        let clock = Clock::new(before, after);
        let mut version = 2;
        for arguments in [&["build"][..], &["release", "--overwrite"], &["build", "--no-cache"]] {
            let _ = std::fs::remove_file(&clock.jump);
            version += 1;
            clock.builds(version, arguments);
            let seen = std::fs::read_to_string(&clock.seen).expect("the source has been compiled");
            let (first, then) = seen.split_once(' ').unwrap();
            let jump = then.parse::<i64>().unwrap() - first.parse::<i64>().unwrap();
            assert!((-DAY..=-DAY + 300).contains(&jump), "the clock of the compiler has not jumped: {seen}");
            std::fs::remove_file(&clock.seen).unwrap();
            // It stays where it is: the next build, of another source that looks the same, sees the change.
            version += 1;
            clock.builds(version, arguments);
            // And the one after sees that there is none; but where files are of the future nothing is certain, and everything
            // is made again. (This shows that beamship goes by this clock too, and not only the compiler.)
            if arguments == ["build"] {
                let said = clock.run(arguments).stderr;
                assert_eq!(said.contains("Nothing has changed since"), after == 0, "{said}");
            }
        }
        // The clock is right.
        let right = succeed(&mut clock.project.beamship(&["build"]));
        clock.set_version(9);
        let outcome = succeed(&mut clock.project.beamship(&["build"]));
        assert_eq!(
            clock.project.version_of(&clock.project.target()),
            "9",
            "{}\n{}",
            right.stderr,
            outcome.stderr
        );
        let said = succeed(&mut clock.project.beamship(&["build"])).stderr;
        assert!(said.contains("Nothing has changed since"), "{said}");
    }
}
