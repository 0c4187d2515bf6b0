//! stderr: what is said while a command works. (Data goes to stdout, by `output`.)
//!
//! A phase of a build is one line: what, with which result, how long. On a terminal the line is there while the phase
//! runs, with a bar where there is something to count; elsewhere only finished lines are written.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// A line a phase.
    Normal,
    /// Also what Mix prints.
    Verbose,
}

/// Something that the user is told however quiet, and told again by a build that need not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Remark {
    /// A warning of our own.
    Warning(String),
    /// Warnings as Mix wrote them, without what it said of its progress.
    Output(String),
}

/// Prints.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    remarks: Arc<Mutex<Vec<Remark>>>,
    verbosity: Verbosity,
    /// Whether bars and spinners are shown.
    live: bool,
}

impl Printer {
    /// A printer for this process's stderr.
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        let live = verbosity == Verbosity::Normal
            && std::io::stderr().is_terminal()
            && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
        Self { remarks: Arc::default(), verbosity, live }
    }

    /// How much is said.
    pub(crate) fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Starts a phase.
    pub(crate) fn phase(&self, name: &'static str) -> Phase {
        let bar = ProgressBar::with_draw_target(
            None,
            if self.live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() },
        );
        if self.live {
            bar.set_style(
                ProgressStyle::with_template("{spinner} {msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.set_message(name);
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Phase { name, bar, start: Instant::now(), printer: self.clone() }
    }

    /// A line of talk.
    pub(crate) fn say(&self, line: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.write(line);
        }
    }

    /// A warning, shown however quiet.
    pub(crate) fn warn(&self, text: &str) {
        let style = anstyle(anstream::stderr().is_terminal(), "33");
        self.write(&format!("{}warning{}: {text}", style.0, style.1));
        self.remember(Remark::Warning(text.to_owned()));
    }

    /// All warnings so far.
    pub(crate) fn remarks(&self) -> Vec<Remark> {
        self.remarks.lock().map(|remarks| remarks.clone()).unwrap_or_default()
    }

    /// Says once more what an earlier build has said.
    pub(crate) fn repeat(&self, remarks: &[Remark]) {
        for remark in remarks {
            match remark {
                Remark::Warning(text) => self.warn(text),
                Remark::Output(text) => self.pass_on(text),
            }
        }
    }

    fn remember(&self, remark: Remark) {
        if let Ok(mut remarks) = self.remarks.lock() {
            remarks.push(remark);
        }
    }

    /// What Mix printed, if there are warnings in it: they are the user's to see even when all went well.
    pub(crate) fn pass_on_warnings(&self, output: &project::Output) {
        if output.has_warnings() {
            self.remember(Remark::Output(without_progress(&output.text())));
            if !output.is_forwarded() {
                self.pass_on(&output.text());
            }
        }
    }

    /// All that Mix and the project printed, unless it has been shown while they did.
    pub(crate) fn pass_on_output(&self, output: &project::Output) {
        if !output.is_forwarded() {
            self.pass_on(&output.text());
        }
    }

    /// Text as somebody else wrote it, shown however quiet.
    pub(crate) fn pass_on(&self, text: &str) {
        let text = text.trim_end();
        if !text.is_empty() {
            self.write(text);
        }
    }

    fn write(&self, line: &str) {
        // Nobody to tell it to is no reason to fail.
        let _ = writeln!(anstream::stderr(), "{line}");
    }
}

fn anstyle(colour: bool, code: &str) -> (String, String) {
    if colour { (format!("\u{1b}[{code}m"), "\u{1b}[0m".to_owned()) } else { (String::new(), String::new()) }
}

/// A phase that runs.
#[derive(Debug)]
pub(crate) struct Phase {
    name: &'static str,
    bar: ProgressBar,
    start: Instant,
    printer: Printer,
}

impl Phase {
    /// The bar to draw progress on.
    pub(crate) fn progress(&self, done: usize, total: usize) {
        if self.bar.length() != Some(total as u64) {
            self.bar.set_length(total as u64);
            self.bar.set_style(
                ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
        }
        self.bar.set_position(done as u64);
    }

    /// Says something while the phase runs.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| self.printer.say(line));
    }

    /// Ends the phase: its line is printed, its duration returned.
    pub(crate) fn finish(&self, result: &str) -> Duration {
        let duration = self.start.elapsed();
        self.bar.finish_and_clear();
        let colour = std::io::stderr().is_terminal();
        let (green, reset) = anstyle(colour, "32");
        let line = format!("{green}✓{reset} {:<13} {:<44} {:>9}", self.name, result, seconds(duration));
        self.printer.say(&line);
        duration
    }
}

/// A phase that ends without a result, because it has failed, leaves nothing on the terminal: an error message follows.
impl Drop for Phase {
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
        }
    }
}

/// What Mix printed, but for the lines that tell what it is doing: a build that need not run does none of it. The line that
/// says which application of an umbrella is compiled stays where more is said of that one, whose paths are relative to it.
fn without_progress(text: &str) -> String {
    let mut result = String::new();
    let mut application = None;
    for line in text.lines() {
        if is_heading(line) {
            application = Some(line);
        } else if !is_progress(line) {
            // An empty line ends a warning, and belongs to what comes before it.
            for line in application.take_if(|_| !line.is_empty()).into_iter().chain([line]) {
                result.push_str(line);
                result.push('\n');
            }
        }
    }
    result
}

/// Whether it is `==> NAME`.
fn is_heading(line: &str) -> bool {
    line.strip_prefix("==> ").is_some_and(|name| name.split_whitespace().count() == 1)
}

/// Whether it is `Compiling 3 files (.ex)` or `Generated NAME app`.
fn is_progress(line: &str) -> bool {
    match line.split(' ').collect::<Vec<_>>().as_slice() {
        ["Compiling", number, "file" | "files", kind] => {
            number.bytes().all(|byte| byte.is_ascii_digit()) && kind.starts_with("(.") && kind.ends_with(')')
        }
        ["Generated", _, "app"] => true,
        _ => false,
    }
}

/// A duration as people read it: `12 ms`, `1.3 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds < 1000 {
        format!("{milliseconds} ms")
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// A size as people read it: `812 kB`, `29.5 MB`.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A number with separators: `12,345`.
pub(crate) fn count(number: usize) -> String {
    diagnosis::count(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An unchanged build said once more that it compiles.
    #[test]
    fn only_warnings_are_remembered() {
        let old = "Compiling 3 files (.ex)\nwarning: variable \"x\" is unused\n  lib/own.ex:2: Own.a/1\n\nGenerated own app\n";
        assert_eq!(without_progress(old), "warning: variable \"x\" is unused\n  lib/own.ex:2: Own.a/1\n\n");
        let new = "Compiling 1 file (.erl)\n    warning: variable \"x\" is unused\n    │\n  2 │   def a(x), do: 1\n    │         ~\n    │\n    └─ lib/own.ex:2:9: Own.a/1\n\n";
        assert_eq!(without_progress(new), new.strip_prefix("Compiling 1 file (.erl)\n").unwrap());
        let umbrella = "==> one\nCompiling 1 file (.ex)\n\nGenerated one app\n==> two\nCompiling 2 files (.ex)\nwarning: w\nGenerated two app\n==> three\n";
        assert_eq!(without_progress(umbrella).trim_start(), "==> two\nwarning: w\n");
        let said = "Compiling with care (.ex)\nGenerated 3 files\n==> a b\nCompiling x files (.ex)\n";
        assert_eq!(without_progress(said), said);
    }

    #[test]
    fn sizes_and_durations_are_rounded() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(812_345), "812 kB");
        assert_eq!(size(29_480_000), "29.5 MB");
        assert_eq!(seconds(Duration::from_millis(12)), "12 ms");
        assert_eq!(seconds(Duration::from_millis(1349)), "1.3 s");
    }
}
