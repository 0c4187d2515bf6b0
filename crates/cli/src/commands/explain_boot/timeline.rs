//! When each step of a start began and ended, as a table, as JSON and as a picture.

use std::fmt::Write;
use std::time::Duration;

use release::{Step, StepKind};
use serde_json::json;

use crate::printable::with_escapes;

/// Width of the bars in a picture, and of what stands before them.
const BARS: f64 = 640.0;
const NAMES: f64 = 260.0;

/// Height of a row in a picture.
const ROW: usize = 20;

/// The steps of a start in the order in which they came.
#[derive(Debug)]
pub(super) struct Timeline {
    steps: Vec<Step>,
    rows: Vec<Row>,
    end: Duration,
}

/// One step that has begun.
#[derive(Debug)]
struct Row {
    kind: &'static str,
    subject: Option<String>,
    modules: usize,
    begin: Duration,
}

impl Timeline {
    /// A start that has just been asked for.
    pub(super) fn new(steps: Vec<Step>) -> Self {
        let row = Row { kind: "virtual machine", subject: None, modules: 0, begin: Duration::ZERO };
        Self { steps, rows: vec![row], end: Duration::ZERO }
    }

    /// A mark has come. Whether it was the last one. A system that reboots after it is configured reaches its first mark twice.
    pub(super) fn reached(&mut self, number: usize, at: Duration) -> bool {
        self.end = at;
        let Some(step) = self.steps.get(number) else { return true };
        self.rows.push(Row {
            kind: kind(step.kind),
            subject: step.subject.as_deref().map(with_escapes),
            modules: step.modules,
            begin: at,
        });
        false
    }

    /// Each row with its length.
    fn lengths(&self) -> impl Iterator<Item = (&Row, Duration)> {
        let ends = self.rows.iter().skip(1).map(|row| row.begin).chain([self.end]);
        self.rows.iter().zip(ends).map(|(row, end)| (row, end.saturating_sub(row.begin)))
    }

    /// One row for each step, and the total.
    pub(super) fn table(&self) -> String {
        let mut lines = Vec::with_capacity(self.rows.len() + 2);
        lines.push(["step", "application", "modules", "ms", "share"].map(str::to_owned));
        for (row, length) in self.lengths() {
            let modules = if row.modules == 0 { String::new() } else { row.modules.to_string() };
            let share = 100.0 * length.as_secs_f64() / self.end.as_secs_f64().max(f64::MIN_POSITIVE);
            lines.push([
                row.kind.to_owned(),
                row.subject.clone().unwrap_or_default(),
                modules,
                format!("{:.1}", milliseconds(length)),
                format!("{share:.0} %"),
            ]);
        }
        let modules = self.rows.iter().map(|row| row.modules).sum::<usize>().to_string();
        let total = format!("{:.1}", milliseconds(self.end));
        lines.push(["total".to_owned(), String::new(), modules, total, "100 %".to_owned()]);
        let mut widths = [0; 5];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        for [step, subject, modules, length, share] in &lines {
            let [a, b, c, d, e] = widths;
            let _ = writeln!(text, "{step:a$}  {subject:b$}  {modules:>c$}  {length:>d$}  {share:>e$}");
        }
        text
    }

    /// The same for machines; times are in microseconds since the command was given.
    pub(super) fn json(&self, name: &str, version: &str, mode: &str) -> serde_json::Result<String> {
        let steps: Vec<_> = self
            .lengths()
            .map(|(row, length)| {
                json!({
                    "step": row.kind,
                    "application": row.subject,
                    "modules": row.modules,
                    "begin_us": microseconds(row.begin),
                    "duration_us": microseconds(length),
                })
            })
            .collect();
        let all = json!({
            "release": name,
            "version": version,
            "mode": mode,
            "total_us": microseconds(self.end),
            "steps": steps,
        });
        Ok(format!("{}\n", serde_json::to_string_pretty(&all)?))
    }

    /// A waterfall: one row for each step, each bar where its time was.
    pub(super) fn svg(&self, title: &str) -> String {
        let width = NAMES + BARS + 90.0;
        let height = (self.rows.len() + 3) * ROW;
        let scale = BARS / self.end.as_secs_f64().max(f64::MIN_POSITIVE);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"10\" y=\"{ROW}\" font-weight=\"bold\">{}: {:.1} ms</text>\n",
            escaped(title),
            milliseconds(self.end)
        );
        for (index, (row, length)) in self.lengths().enumerate() {
            let top = (index + 2) * ROW;
            let baseline = top + 14;
            let x = NAMES + row.begin.as_secs_f64() * scale;
            let bar = (length.as_secs_f64() * scale).max(1.0);
            let name = match &row.subject {
                Some(subject) => format!("{} {subject}", row.kind),
                None => row.kind.to_owned(),
            };
            let _ = writeln!(
                svg,
                "<text x=\"10\" y=\"{baseline}\">{}</text><rect x=\"{x:.1}\" y=\"{}\" width=\"{bar:.1}\" height=\"14\" \
                 fill=\"{}\"/><text x=\"{:.1}\" y=\"{baseline}\" fill=\"#555\">{:.1} ms</text>",
                escaped(&name),
                top + 3,
                colour(row.kind),
                x + bar + 5.0,
                milliseconds(length)
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Load => "load",
        StepKind::Kernel => "kernel processes",
        StepKind::Resources => "resources",
        StepKind::Configuration => "configuration",
        StepKind::Start => "start",
        StepKind::Call => "call",
    }
}

fn colour(kind: &str) -> &'static str {
    match kind {
        "load" => "#4878cf",
        "start" => "#6acc65",
        "configuration" => "#d65f5f",
        _ => "#b47cc7",
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn escaped(text: &str) -> String {
    with_escapes(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> Timeline {
        let step = |kind, subject: Option<&str>, modules| Step {
            kind,
            subject: subject.map(str::to_owned),
            modules,
        };
        let mut timeline = Timeline::new(vec![
            step(StepKind::Load, None, 29),
            step(StepKind::Start, Some("a<b>\u{1b}[31m"), 0),
        ]);
        assert!(!timeline.reached(0, Duration::from_millis(60)));
        assert!(!timeline.reached(1, Duration::from_millis(70)));
        assert!(timeline.reached(2, Duration::from_millis(100)));
        timeline
    }

    #[test]
    fn the_columns_are_aligned_and_names_are_text() {
        let expected = [
            "step             application   modules     ms  share",
            "virtual machine                           60.0   60 %",
            "load                                29   10.0   10 %",
            "start            a<b>\\u{1b}[31m           30.0   30 %",
            "total                               29  100.0  100 %",
        ];
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let table = timeline().table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), expected.len());
        for (line, expected) in lines.iter().zip(expected) {
            assert_eq!(words(line), words(expected));
            assert_eq!(line.chars().count(), lines[0].chars().count(), "{table}");
        }
    }

    #[test]
    fn the_picture_holds_no_markup_of_others() {
        let svg = timeline().svg("x & y");
        assert!(svg.contains("start a&lt;b&gt;\\u{1b}[31m") && svg.contains("x &amp; y: 100.0 ms"), "{svg}");
        assert!(!svg.contains('\u{1b}'));
    }

    #[test]
    fn the_steps_add_up() {
        let json: serde_json::Value =
            serde_json::from_str(&timeline().json("a", "1", "fast").unwrap()).unwrap();
        let sum: u64 =
            json["steps"].as_array().unwrap().iter().map(|step| step["duration_us"].as_u64().unwrap()).sum();
        assert_eq!(json["total_us"], 100_000);
        assert_eq!(sum, 100_000);
    }
}
