//! One command after the other, each with another call that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::io::Errno;

use crate::artefact::Artefact;
use crate::injector::{Call, FAULTS, Fault, run_with};
use crate::sandbox::{Outcome, Sandbox, run};

/// One of the two sources of an artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    One,
    Two,
}

impl Source {
    pub(crate) fn other(self) -> Self {
        if self == Self::One { Self::Two } else { Self::One }
    }
}

/// What is built again and again.
pub(crate) trait Work {
    /// For the table.
    fn name(&self) -> &str;

    /// Where calls fail.
    fn below(&self) -> Utf8PathBuf;

    /// Lets the next run build from this source.
    fn set_source(&self, source: Source);

    /// The command.
    fn command(&self) -> Command;

    /// What the command makes. It has to be that of one source, as a whole.
    fn artefact(&self) -> Artefact;

    /// What stands where the command works and belongs to no artefact.
    fn left_behind(&self) -> Vec<String>;

    /// Whether each file of the artefact changes for itself.
    fn is_made_of_files(&self) -> bool {
        false
    }

    /// What is wrong with the files together, after every run.
    fn contradiction(&self) -> Option<String> {
        None
    }

    /// Looks closer at an artefact that is there.
    fn check(&self, _source: Source) {}
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    /// Every call with every fault; by default with one, the next one for the next call.
    Everything,
    /// So many calls, each with one fault, the next one for the next call. By `BEAMSHIP_ALL_FAULTS=1` every call, by
    /// `BEAMSHIP_ALL_FAULTS=2/8` the second eighth of them (the 2nd, the 10th, …: parts can be tried side by side, or on
    /// different days), by `BEAMSHIP_ALL_FAULTS=kinds` the first and the last one of each kind in each directory.
    Sample(usize),
}

/// What came out.
#[derive(Debug, Default)]
struct Count {
    calls: usize,
    tried: usize,
    refused: usize,
    killed: usize,
    done_all_the_same: usize,
    old: usize,
    new: usize,
    left_behind: usize,
}

/// Lets the calls of a command fail.
pub(crate) fn sweep(sandbox: &Sandbox, work: &dyn Work, extent: Extent) {
    let known = artefacts(work);
    work.set_source(Source::One);
    let (outcome, calls) = run_with(sandbox, &work.below(), 0, Fault::Kill, &work.command());
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert!(calls.len() > 5, "{calls:?}");
    let mut sweep = Sweep {
        work,
        known,
        now: Source::One,
        count: Count { calls: calls.len(), ..Count::default() },
        messages: BTreeMap::new(),
        problems: Vec::new(),
    };
    for (number, fault) in chosen(&calls, extent) {
        let wanted = sweep.now.other();
        work.set_source(wanted);
        let (outcome, calls) = run_with(sandbox, &work.below(), number, fault, &work.command());
        let failed = calls.into_iter().find(|call| call.failed);
        sweep.judge(&Attempt { number, fault, wanted, failed, outcome });
    }
    sweep.conclude();
}

/// One run in which a call failed.
struct Attempt {
    number: usize,
    fault: Fault,
    wanted: Source,
    failed: Option<Call>,
    outcome: Outcome,
}

impl Attempt {
    fn describe(&self, work: &dyn Work) -> String {
        let call =
            self.failed.as_ref().map_or_else(String::new, |call| format!("{} {}", call.name, call.path));
        let Self { number, fault, outcome, .. } = self;
        format!(
            "{}: {fault} at call {number} {call}: status {:?}\n{}",
            work.name(),
            outcome.status,
            outcome.stderr
        )
    }

    /// What is wrong with the message of a run that was refused.
    fn wrong_message(&self, error: Errno, call: &Call, below: &Utf8Path) -> Option<&'static str> {
        let said = &self.outcome.stderr;
        let number = format!("(os error {})", error.raw_os_error());
        // What is written under a private name is called by the name that it will have: then the directory is the same.
        let mut parents = call.path.ancestors().take_while(|path| path.starts_with(below));
        let is_named = parents.any(|path| {
            let relative = path.strip_prefix(below).unwrap().as_str();
            said.contains(path.as_str()) || (!relative.is_empty() && said.contains(relative))
        });
        // In an image a file has another place: its directory and name are enough.
        let names: Vec<&str> = call.path.components().map(|component| component.as_str()).collect();
        let is_named = is_named || said.contains(&names[names.len().saturating_sub(2)..].join("/"));
        if said.contains("has a defect") || said.contains("panicked") {
            Some("a panic")
        } else if said.matches("error: ").count() != 1 {
            Some("not one error")
        } else if said.matches(&number).count() != 1 {
            Some("does not name the system's error, once")
        } else if !is_named {
            Some("does not name the path")
        } else {
            None
        }
    }
}

struct Sweep<'a> {
    work: &'a dyn Work,
    known: [Artefact; 2],
    now: Source,
    count: Count,
    messages: BTreeMap<String, usize>,
    problems: Vec<String>,
}

impl Sweep<'_> {
    fn known(&self, source: Source) -> &Artefact {
        &self.known[source as usize]
    }

    fn judge(&mut self, attempt: &Attempt) {
        self.count.tried += 1;
        let wanted = attempt.wanted;
        let artefact = self.work.artefact();
        let is_done = artefact == *self.known(wanted);
        if let Some(what) = self.not_whole(&artefact, wanted) {
            self.problem(attempt, &what);
        }
        if let Some(what) = self.work.contradiction() {
            self.problem(attempt, &what);
        }
        match (attempt.fault, &attempt.failed, attempt.outcome.status) {
            (_, None, status) if status != Some(0) || !is_done => self.problem(attempt, "nothing failed"),
            (_, None, _) => {}
            (Fault::Kill, Some(_), Some(137)) => self.count.killed += 1,
            (Fault::Error(_), Some(_), Some(0)) if is_done => self.count.done_all_the_same += 1,
            (Fault::Error(_), Some(_), Some(0)) => {
                let difference = artefact.difference(self.known(wanted));
                self.problem(attempt, &format!("success without the new one\n{difference}"));
            }
            (Fault::Error(error), Some(call), Some(1)) => {
                self.count.refused += 1;
                *self.messages.entry(kind_of(&attempt.outcome.stderr)).or_default() += 1;
                if let Some(what) = attempt.wrong_message(error, call, &self.work.below()) {
                    self.problem(attempt, what);
                }
            }
            _ => self.problem(attempt, "an unexpected status"),
        }
        if is_done {
            self.count.new += 1;
        } else {
            self.count.old += 1;
        }
        let left = self.work.left_behind();
        if !left.is_empty() {
            self.count.left_behind += 1;
            let is_told = attempt.outcome.stderr.contains("the new release is in place");
            // A build that succeeded has a word about it (`directory::write`), and nobody needs what is left.
            let is_cleaned_later = is_told || attempt.outcome.status == Some(0);
            if attempt.fault != Fault::Kill && !is_cleaned_later && !is_cleaning(attempt.failed.as_ref()) {
                self.problem(attempt, &format!("left behind: {left:?}"));
            }
        }
        // A build of what is there already would not show whether it cleans up.
        if !left.is_empty() || (artefact != *self.known(self.now) && !is_done) {
            self.repair(attempt);
        } else if is_done {
            self.now = wanted;
        }
        if self.count.tried % 50 == 1 {
            self.work.check(self.now);
        }
    }

    /// Why what is there is neither the old nor the new artefact.
    fn not_whole(&self, artefact: &Artefact, wanted: Source) -> Option<String> {
        let (old, new) = (self.known(self.now), self.known(wanted));
        if self.work.is_made_of_files() {
            let is_whole = |(path, found): &(&Utf8PathBuf, &(u32, u64))| {
                old.0.get(*path) == Some(*found) || new.0.get(*path) == Some(*found)
            };
            let damaged = artefact.0.iter().find(|entry| !is_whole(entry));
            return damaged.map(|(path, _)| format!("{path} is not whole"));
        }
        (artefact != old && artefact != new)
            .then(|| format!("neither the old nor the new one\n{}", artefact.difference(old)))
    }

    /// The next run puts everything right.
    fn repair(&mut self, attempt: &Attempt) {
        let next = run(self.work.command().env("RAYON_NUM_THREADS", "1"));
        let artefact = self.work.artefact();
        let left = self.work.left_behind();
        if next.status != Some(0) || artefact != *self.known(attempt.wanted) || !left.is_empty() {
            let difference = artefact.difference(self.known(attempt.wanted));
            let what = format!("the next run does not put it right: {left:?}\n{difference}\n{}", next.stderr);
            self.problem(attempt, &what);
        }
        if artefact == *self.known(attempt.wanted) {
            self.now = attempt.wanted;
        }
    }

    fn problem(&mut self, attempt: &Attempt, what: &str) {
        self.problems.push(format!("{what}\n{}", attempt.describe(self.work)));
    }

    /// Prints what came out, and fails where there was a problem.
    fn conclude(self) {
        for (message, number) in &self.messages {
            eprintln!("  {number:>5} × {message}");
        }
        let count = &self.count;
        eprintln!(
            "{}: {} calls, {} tried: {} refused, {} killed, {} done all the same; {} old, {} new; {} left something \
             for the next run",
            self.work.name(),
            count.calls,
            count.tried,
            count.refused,
            count.killed,
            count.done_all_the_same,
            count.old,
            count.new,
            count.left_behind
        );
        let number = self.problems.len();
        let shown = self.problems.iter().take(400).cloned().collect::<Vec<_>>().join("\n---\n");
        assert_eq!(number, 0, "{number} problems of {}\n{shown}", self.work.name());
    }
}

/// The artefacts of both sources; the second one is there.
fn artefacts(work: &dyn Work) -> [Artefact; 2] {
    let known = [Source::One, Source::Two, Source::One, Source::Two].map(|source| {
        work.set_source(source);
        let outcome = run(work.command().env("RAYON_NUM_THREADS", "1"));
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        assert_eq!(work.left_behind(), Vec::<String>::new());
        work.artefact()
    });
    // Files that a first run makes may stay: what counts is what comes again and again.
    let [_, _, one, two] = known;
    assert_ne!(one, two);
    [one, two]
}

/// Which calls are tried, with which faults.
fn chosen(calls: &[Call], extent: Extent) -> Vec<(usize, Fault)> {
    let in_turn = |(index, number): (usize, usize)| (number, FAULTS[index % FAULTS.len()]);
    // One more than there are: a run in which nothing failed is one more check.
    let all = 1..=calls.len() + 1;
    let wanted = std::env::var("BEAMSHIP_ALL_FAULTS").unwrap_or_default();
    match (wanted.as_str(), extent) {
        ("", Extent::Sample(size)) => {
            sample(size, calls.len()).into_iter().enumerate().map(in_turn).collect()
        }
        ("", Extent::Everything) => all.enumerate().map(in_turn).collect(),
        (_, Extent::Everything) => all.flat_map(|number| FAULTS.map(|fault| (number, fault))).collect(),
        ("kinds", Extent::Sample(_)) => kinds(calls).into_iter().enumerate().map(in_turn).collect(),
        (part, Extent::Sample(_)) => {
            let (part, parts) = part.split_once('/').unwrap_or(("1", "1"));
            let [part, parts] = [part, parts].map(|number| number.parse::<usize>().unwrap());
            all.enumerate().map(in_turn).skip(part - 1).step_by(parts).collect()
        }
    }
}

/// Numbers from 1 that look random and are the same each time (a linear congruential generator, Numerical Recipes).
fn sample(size: usize, calls: usize) -> BTreeSet<usize> {
    let mut state = 1_u32;
    let mut numbers = BTreeSet::new();
    while numbers.len() < size.min(calls) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        numbers.insert(1 + (state >> 8) as usize % calls);
    }
    numbers
}

/// Of each kind of call in each directory the first and the last one.
fn kinds(calls: &[Call]) -> BTreeSet<usize> {
    let mut kinds: BTreeMap<(&str, &Utf8Path), Vec<usize>> = BTreeMap::new();
    for call in calls {
        let directory = call.path.parent().unwrap_or(&call.path);
        kinds.entry((&call.name, directory)).or_default().push(call.number);
    }
    kinds.values().flat_map(|numbers| [0, numbers.len() - 1].map(|index| numbers[index])).collect()
}

/// Whether the fault was in what removes leftovers: then they stay until the next run.
fn is_cleaning(failed: Option<&Call>) -> bool {
    failed.is_some_and(|call| matches!(call.name.as_str(), "unlink" | "unlinkat" | "rmdir"))
}

/// A message without what differs from run to run.
fn kind_of(said: &str) -> String {
    let line = said.lines().find(|line| line.contains("error: ")).unwrap_or_default();
    let mut text = String::new();
    for (index, part) in line.split('`').enumerate() {
        text.push_str(if index % 2 == 0 { part } else { "`…`" });
    }
    text
}
