//! `beamship explain-boot`: a trial start with a clock, and where its time went.
//!
//! The release is started with a copy of its own boot script that prints a line before each step. The lines are read and
//! timed here, so that what comes before the first of them (the launcher, `env.sh`, the virtual machine) is measured by the
//! same clock.

mod timeline;

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use camino::Utf8Path;
use contract::FAST_BOOT_FILE;

use self::timeline::Timeline;
use super::trial::{HINT, Trial};
use crate::arguments::{ExplainBootArguments, GlobalArguments};
use crate::output;
use crate::printer::Printer;
use crate::release_directory;

/// How often it is checked that the trial still runs.
const INTERVAL: Duration = Duration::from_millis(200);

/// Starts the release once and prints the time of each step.
pub(crate) fn run(
    arguments: &ExplainBootArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let directory =
        release_directory::find(global, arguments.built.release.as_deref(), arguments.built.name.as_deref())?;
    let (name, version) = release_directory::identity(&directory)?;
    let temporary = tempfile::tempdir().context("cannot create a temporary directory")?;
    let place = Utf8Path::from_path(temporary.path()).context("the temporary directory is not UTF-8")?;
    let versions = directory.join("releases").join(&version);
    let given = std::env::var("RELEASE_MODE").ok().filter(|mode| !mode.is_empty());
    let has_fast = versions.join(FAST_BOOT_FILE).is_file();
    let mode = given.unwrap_or_else(|| contract::default_mode(has_fast).to_owned());
    let is_fast = mode == "fast" && has_fast;
    let boot = versions.join(if is_fast { FAST_BOOT_FILE } else { "start.boot" });
    // The launcher knows `fast` only with a script of its own; what the runtime is told is `interactive`.
    let flag = if mode == "fast" { "interactive" } else { mode.as_str() };
    let instrumented = release::instrument_boot_script(&fs_err::read(&boot)?, flag == "interactive")
        .with_context(|| format!("cannot rewrite `{boot}`"))?
        .with_context(|| format!("`{boot}` is not a boot script\nhint: build the release again"))?;
    fs_err::write(place.join("explain.boot"), &instrumented.boot)?;

    let trial = Trial::new(directory.join("bin").join(&name), place.to_owned(), "explain-boot")?;
    let phase = printer.phase("start");
    let timeline = record(&trial, flag, arguments.wait, instrumented.steps)?;
    phase.finish(&format!("{name} {version} has started, RELEASE_MODE={mode}"));
    if let Some(file) = &arguments.svg {
        fs_err::write(file, timeline.svg(&format!("{name} {version}, RELEASE_MODE={mode}")))?;
    }
    let text = if global.json { timeline.json(&name, &version, &mode)? } else { timeline.table() };
    Ok(output::print(text)?)
}

/// Starts the system, reads its marks until the last, and stops it.
fn record(trial: &Trial, flag: &str, wait: u32, steps: Vec<release::Step>) -> anyhow::Result<Timeline> {
    let mut command = trial.command(&["start"]);
    command
        .env("PHX_SERVER", "true")
        .env("RELEASE_MODE", flag)
        .env("RELEASE_BOOT_SCRIPT", trial.place.join("explain"))
        .stdout(Stdio::piped())
        .stderr(trial.create_log()?.into_file());
    let begin = Instant::now();
    let mut started = trial.spawn(&mut command)?;
    let output = started.child.stdout.take().context("the output of the trial start cannot be read")?;
    let lines = read(output);
    let mut timeline = Timeline::new(steps);
    let mut said = Vec::new();
    let deadline = begin + Duration::from_secs(wait.into());
    let has_ended = loop {
        // A system that never stops printing is late as well.
        if Instant::now() >= deadline {
            break false;
        }
        match lines.recv_timeout(INTERVAL) {
            Ok((at, line)) => match mark(&line) {
                Some(number) => {
                    if timeline.reached(number, at.duration_since(begin)) {
                        break true;
                    }
                }
                None => said.push(line),
            },
            Err(RecvTimeoutError::Timeout) if started.runs() => {}
            Err(_) => break false,
        }
    };
    // An application that fails is noticed after its instruction: the last mark does not prove that the system runs.
    let is_ready = has_ended && trial.wait_until_ready(&mut started, deadline).is_ok();
    // What was said while it ended.
    said.extend(lines.try_iter().map(|(_, line)| line));
    trial.stop(started);
    if !is_ready {
        return Err(trial.failure(&format!("the trial start did not finish starting\n{HINT}"), &said));
    }
    Ok(timeline)
}

/// Every line of an output and when it came, until the output ends. It is read to its end even when nobody asks for the lines any
/// more: a system whose output nobody reads cannot stop.
fn read(output: ChildStdout) -> Receiver<(Instant, String)> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let _ = sender.send((Instant::now(), String::from_utf8_lossy(&line).trim_end().to_owned()));
            line.clear();
        }
    });
    receiver
}

/// The number of a mark. Something that the system has printed without an end of line may stand before it.
fn mark(line: &str) -> Option<usize> {
    let (_, number) = line.rsplit_once(release::MARK)?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::mark;

    #[test]
    fn marks_are_found_wherever_they_stand() {
        assert_eq!(mark("beamship_explain_boot_12"), Some(12));
        assert_eq!(mark("Running …beamship_explain_boot_0"), Some(0));
        assert_eq!(mark("beamship_explain_boot_x"), None);
        assert_eq!(mark("beamship_explain_boot_99999999999999999999999"), None);
        assert_eq!(mark("something else"), None);
    }
}
