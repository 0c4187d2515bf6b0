//! `beamship explain-boot`: a trial start with a clock, and where its time went.
//!
//! The release is started with a copy of its own boot script that writes a line to a pipe before each step. The lines are read
//! and timed here, so that what comes before the first of them (the launcher, `env.sh`, the virtual machine) is measured by
//! the same clock.

mod timeline;

use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::Context;
use camino::Utf8PathBuf;
use contract::{FAST_BOOT_FILE, Mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, mkfifoat};

use self::timeline::Timeline;
use super::trial::Trial;
use crate::arguments::{ExplainBootArguments, GlobalArguments};
use crate::output;
use crate::printer::Printer;
use crate::release_directory;

/// How often it is checked that the trial still runs.
const INTERVAL: Duration = Duration::from_millis(200);

/// As much as a pipe holds. Marks are written as a whole, so a read of this size takes no half of one.
const PIPE_SIZE: usize = 64 * 1024;

/// Starts the release once and prints the time of each step.
pub(crate) fn run(
    arguments: &ExplainBootArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let directory =
        release_directory::find(arguments.built.release.as_deref(), arguments.built.name.as_deref())?;
    let (name, version) = release_directory::identity(&directory)?;
    let versions = directory.join("releases").join(&version);
    let given = std::env::var("RELEASE_MODE").ok().filter(|mode| !mode.is_empty());
    let has_fast = versions.join(FAST_BOOT_FILE).is_file();
    let mode = match given {
        Some(given) => Mode::parse(&given)
            .with_context(|| format!("RELEASE_MODE is `{given}`\nhint: it has to be {}", Mode::CHOICES))?,
        None => Mode::unset(has_fast),
    };
    let boot = versions.join(if mode == Mode::Fast && has_fast { FAST_BOOT_FILE } else { "start.boot" });
    // The launcher knows `fast` only with a script of its own.
    let mode_of_trial = if mode == Mode::Fast { Mode::Interactive } else { mode };
    let trial = Trial::new(directory.join("bin").join(&name), "explain-boot")?;
    let mut marks = Marks::create(trial.place().join("marks"))?;
    let instrumented = release::instrument_boot_script(
        &fs_err::read(&boot)?,
        mode_of_trial == Mode::Interactive,
        &marks.path,
    )
    .with_context(|| format!("cannot rewrite `{boot}`"))?
    .with_context(|| format!("`{boot}` is not a boot script\nhint: build the release again"))?;

    let phase = printer.phase("start");
    let timeline = record(&trial, mode_of_trial, arguments.wait, instrumented, &mut marks)?;
    phase.finish(&format!("{name} {version} has started, RELEASE_MODE={}", mode.as_str()));
    if let Some(file) = &arguments.svg {
        fs_err::write(file, timeline.svg(&format!("{name} {version}, RELEASE_MODE={}", mode.as_str())))?;
    }
    let text = if global.json { timeline.json(&name, &version, mode.as_str())? } else { timeline.table() };
    Ok(output::print(text)?)
}

/// Starts the system, reads its marks until the last, and stops it.
fn record(
    trial: &Trial,
    mode: Mode,
    wait: u32,
    instrumented: release::InstrumentedBootScript,
    marks: &mut Marks,
) -> anyhow::Result<Timeline> {
    let mut started = trial.start(mode, Some(&instrumented.boot))?;
    let mut timeline = Timeline::new(instrumented.steps);
    let deadline = started.begin + Duration::from_secs(wait.into());
    let has_ended = loop {
        if Instant::now() >= deadline {
            break false;
        }
        let numbers = marks.wait()?;
        let at = started.begin.elapsed();
        // What it wrote last may have come after the look.
        if numbers.is_empty() && !started.runs() {
            break false;
        }
        if numbers.into_iter().any(|number| timeline.reached(number, at)) {
            break true;
        }
    };
    // An application that fails is noticed after its instruction: the last mark does not prove that the system runs.
    let result = trial.wait_until_ready(&mut started, deadline);
    trial.stop(started);
    result.map_err(|error| trial.failure(&error))?;
    anyhow::ensure!(
        has_ended,
        "the trial start did not finish starting in {wait} s\nhint: give it more with `--wait SECONDS`"
    );
    Ok(timeline)
}

/// The pipe that a start writes its marks to.
struct Marks {
    path: Utf8PathBuf,
    pipe: fs_err::File,
}

impl Marks {
    /// A new pipe.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    fn create(path: Utf8PathBuf) -> anyhow::Result<Self> {
        mkfifoat(CWD, path.as_std_path(), rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .with_context(|| format!("cannot create the pipe `{path}`"))?;
        // For both ends: so opening it waits for nobody, and it does not end between two marks.
        let pipe = fs_err::OpenOptions::new().read(true).write(true).open(&path)?;
        Ok(Self { path, pipe })
    }

    /// The numbers of the marks that have come, in their order; none when there were none for a while.
    ///
    /// # Errors
    ///
    /// When the pipe cannot be read.
    fn wait(&mut self) -> anyhow::Result<Vec<usize>> {
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(INTERVAL.subsec_nanos()) };
        let mut descriptors = [PollFd::new(self.pipe.file(), PollFlags::IN)];
        match poll(&mut descriptors, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
            Ok(_) => {}
            Err(error) => return Err(error).context("cannot wait for the trial start"),
        }
        let mut bytes = vec![0; PIPE_SIZE];
        let length = self.pipe.read(&mut bytes)?;
        bytes.truncate(length);
        Ok(String::from_utf8_lossy(&bytes).lines().filter_map(|line| line.parse().ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    #[test]
    fn marks_are_read_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let place = Utf8Path::from_path(directory.path()).unwrap();
        let mut marks = Marks::create(place.join("marks")).unwrap();
        assert_eq!(marks.wait().unwrap(), [0; 0]);
        for line in ["0\n", "1\n", "12\n", "99999999999999999999999\n", "something else\n"] {
            fs_err::write(&marks.path, line).unwrap();
        }
        assert_eq!(marks.wait().unwrap(), [0, 1, 12]);
        assert_eq!(marks.wait().unwrap(), [0; 0]);
    }
}
