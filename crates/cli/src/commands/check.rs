//! `beamship check abi`: whether a release finds, on a system, the libraries that its native code needs.

use abi::{Finding, ReleaseFiles, Report, SymbolVersion};
use camino::Utf8Path;
use serde::Serialize;

use crate::abi_target::Target;
use crate::arguments::{Check, CheckAbiArguments, CheckArguments, GlobalArguments};
use crate::output;
use crate::printer::{Printer, count};
use crate::report::print_json;
use crate::{native_code, release_directory};

/// Runs a check.
pub(crate) fn run(
    arguments: &CheckArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    match &arguments.check {
        Check::Abi(arguments) => abi(arguments, global, printer),
    }
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Json<'a> {
    release: &'a Utf8Path,
    target: &'a str,
    #[serde(flatten)]
    report: &'a Report,
    /// The findings again, as the error message has them.
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Message {
    message: String,
    hint: String,
}

fn abi(arguments: &CheckAbiArguments, global: &GlobalArguments, printer: &Printer) -> anyhow::Result<()> {
    let directory =
        release_directory::find(arguments.built.release.as_deref(), arguments.built.name.as_deref())?;
    let mut files = ReleaseFiles::read_directory(&directory, &directory)?;
    let machine = files.paths().find_map(native_code::machine_of);
    let target = Target::parse(arguments.target.as_deref(), machine)?;
    for path in &arguments.ignore {
        if !files.remove(&directory.join(path)) {
            printer.warn(&format!("--ignore {path}: there is no native code in the release"));
        }
    }
    let report = abi::check(&files, target.root(), target.machine())?;
    if global.json {
        let json =
            Json { release: &directory, target: target.name(), report: &report, messages: messages(&report) };
        print_json(&json)?;
    } else {
        output::print(table(&report))?;
    }
    conclude(&report, target.name(), printer)
}

/// The same check of a release as it is, on this machine.
///
/// # Errors
///
/// When the release or the machine cannot be looked at.
pub(crate) fn on_this_machine(directory: &Utf8Path) -> anyhow::Result<Report> {
    let files = ReleaseFiles::read_directory(directory, directory)?;
    let target = Target::parse(None, None)?;
    Ok(abi::check(&files, target.root(), target.machine())?)
}

fn messages(report: &Report) -> Vec<Message> {
    let message = |finding: &Finding| Message { message: finding.to_string(), hint: finding.hint() };
    report.findings.iter().map(message).collect()
}

/// Says that everything is in order, or fails with all findings. `target` is what the system is called.
pub(crate) fn conclude(report: &Report, target: &str, printer: &Printer) -> anyhow::Result<()> {
    let files = count(report.checked_files());
    if report.is_ok() {
        let machine = report.machine.map(|machine| format!(" for {machine}")).unwrap_or_default();
        printer.say(&format!("{files} ELF files{machine}: {target} has all that they need"));
        return Ok(());
    }
    let mut text = format!("{} of {files} ELF files do not run on {target}", count(report.unusable().len()));
    for (index, finding) in report.findings.iter().enumerate() {
        text.push_str(&format!("\n  {finding}"));
        // One remedy for a run of findings that have the same.
        let hint = finding.hint();
        if report.findings.get(index + 1).is_none_or(|next| next.hint() != hint) {
            text.push_str(&format!("\n  hint: {hint}"));
        }
    }
    Err(anyhow::anyhow!(text))
}

/// The libraries of the target and the newest symbol versions: a row for each family.
fn table(report: &Report) -> String {
    let mut rows = vec![["library".to_owned(), "needed".to_owned(), "provided".to_owned()]];
    for library in &report.libraries {
        let provided = |needed: &SymbolVersion| {
            let mut same = library.provided.iter().filter(|version| version.family() == needed.family());
            same.next().map_or_else(|| "none".to_owned(), ToString::to_string)
        };
        let mut path = library.path.to_string();
        if library.needed.is_empty() {
            rows.push([path, "any".to_owned(), String::new()]);
            continue;
        }
        for needed in &library.needed {
            rows.push([std::mem::take(&mut path), needed.to_string(), provided(needed)]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let line = |row: &[String; 3]| format!("{:first$}  {:second$}  {}", row[0], row[1], row[2]);
    rows.iter().map(|row| format!("{}\n", line(row).trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use abi::LibraryReport;

    use super::*;

    #[test]
    fn a_family_is_a_row() {
        let versions = |names: &[&str]| names.iter().copied().map(SymbolVersion::new).collect();
        let libraries = vec![
            LibraryReport {
                path: "/lib/libc.so.6".into(),
                needed: versions(&["GLIBC_2.34"]),
                provided: versions(&["GLIBC_2.36"]),
            },
            LibraryReport {
                path: "/lib/libgcc_s.so.1".into(),
                needed: versions(&["GCC_3.0", "X_1"]),
                provided: versions(&["GCC_12.0.0"]),
            },
            LibraryReport { path: "/lib/libx.so".into(), needed: vec![], provided: vec![] },
        ];
        let report = Report { machine: None, interpreter: None, files: vec![], libraries, findings: vec![] };
        let expected = "\
library             needed      provided
/lib/libc.so.6      GLIBC_2.34  GLIBC_2.36
/lib/libgcc_s.so.1  GCC_3.0     GCC_12.0.0
                    X_1         none
/lib/libx.so        any
";
        assert_eq!(table(&report), expected);
    }
}
