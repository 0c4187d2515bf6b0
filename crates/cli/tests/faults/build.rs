//! `beamship build`, which compiles, with all that it has to do with in the sandbox: the project, the cache, the directory for
//! temporary files.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::io::Errno;

use crate::artefact::Artefact;
use crate::commands::{Project, names};
use crate::injector::{Call, Fault, run_with};
use crate::sandbox::succeed;
use crate::sweep::{Extent, Source, Work, sweep};

struct Build {
    project: Project,
    /// Where calls fail, below the sandbox.
    below: &'static str,
}

impl Build {
    fn new(below: &'static str) -> Self {
        let project = Project::new(false);
        // What the other tests share must not fail for them.
        let bridge = project.sandbox.join("cache/beamship/bridge");
        std::fs::remove_file(&bridge).unwrap();
        Self { project, below }
    }
}

impl Work for Build {
    fn name(&self) -> &str {
        if self.below.is_empty() { "beamship build" } else { "beamship build, cache" }
    }

    fn below(&self) -> Utf8PathBuf {
        // Without a separator at the end.
        if self.below.is_empty() {
            self.project.sandbox.path().to_owned()
        } else {
            self.project.sandbox.join(self.below)
        }
    }

    fn set_source(&self, source: Source) {
        let number = source as usize + 1;
        let text = format!("defmodule Demo do\n  def version, do: {number}\nend\n");
        std::fs::write(self.project.path.join("lib/demo.ex"), text).unwrap();
    }

    fn command(&self) -> Command {
        self.project.beamship(&["build", "--quiet"])
    }

    fn artefact(&self) -> Artefact {
        Artefact::at(&self.project.target())
    }

    fn left_behind(&self) -> Vec<String> {
        let build = self.project.path.join("_build/prod");
        let mut left = names(&build.join("rel"), &["demo", ".demo.beamship-lock"]);
        left.extend(names(&build, &["rel", "lib", "beamship"]));
        left.extend(names(&self.project.path, &["_build", "config", "lib", "mix.exs", "rel"]));
        left.extend(names(&self.project.sandbox.join("tmp"), &[]));
        let mut drafts = Vec::new();
        for place in ["cache", "demo/_build/prod/beamship"] {
            find_drafts(&self.project.sandbox.join(place), &mut drafts);
        }
        left.extend(drafts);
        left
    }

    fn check(&self, source: Source) {
        assert_eq!(self.project.version_of(&self.project.target()), (source as usize + 1).to_string());
    }
}

/// Files that were going to have another name.
fn find_drafts(directory: &Utf8Path, drafts: &mut Vec<String>) {
    for entry in directory.read_dir_utf8().into_iter().flatten() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name.contains(".beamship-") && !name.ends_with("lock") || name.ends_with(".new") {
            drafts.push(entry.path().to_string());
        } else if entry.file_type().unwrap().is_dir() {
            find_drafts(entry.path(), drafts);
        }
    }
}

#[test]
fn calls_of_a_build_may_fail() {
    let work = Build::new("");
    sweep(&work.project.sandbox, &work, Extent::Sample(12));
}

/// A cache that fails costs time.
#[test]
fn calls_in_the_cache_may_fail() {
    let work = Build::new("cache");
    sweep(&work.project.sandbox, &work, Extent::Sample(8));
}

/// It stayed until something changed.
#[test]
fn what_a_build_could_not_remove_is_removed_when_nothing_has_changed() {
    let work = Build::new("");
    let build = |source: Source, number: usize| {
        work.set_source(source);
        let fault = Fault::Error(Errno::IO);
        run_with(&work.project.sandbox, &work.below(), number, fault, &work.command())
    };
    build(Source::One, 0);
    let (_, calls) = build(Source::Two, 0);
    // One in the middle: how many calls a thread has made before them differs by a few.
    let is_removal = |call: &&Call| call.name == "unlink" && call.path.as_str().contains("/trash/");
    let removals: Vec<usize> = calls.iter().filter(is_removal).map(|call| call.number).collect();
    let (outcome, _) = build(Source::One, removals[removals.len() / 2]);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert_eq!(work.left_behind().len(), 1, "{}", outcome.stderr);
    let said = succeed(&mut work.project.beamship(&["build"])).stderr;
    assert!(said.contains("Nothing has changed since"), "{said}");
    assert_eq!(work.left_behind(), Vec::<String>::new(), "{said}");
}
