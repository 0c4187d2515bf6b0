//! A planned release is written, changed by the custom steps of its project, and packed.

use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use contract::MANIFEST;
use freshness::InitialSnapshot;
use project::{Bridge, BridgeError, NextStep, Outcome, ReleaseDescription, Step};
use release::Plan;
use tree::directory::{self, DirectoryOptions, Earlier, Published};
use tree::{Content, Node, Tree, TreePath};

use crate::archiving::Archiving;
use crate::bridge_failure::explain;
use crate::interruption::Watch;
use crate::output;
use crate::printer::{Phase, Printer, count, size};
use crate::project_directory;
use crate::report::{Report, print_json};

/// A planned release, which only has to be written.
pub(crate) struct Assembly<'a> {
    pub(crate) printer: &'a Printer,
    pub(crate) report: Report,
    pub(crate) plan: Plan,
    pub(crate) description: ReleaseDescription,
    /// Whether custom steps have written into its directory already.
    pub(crate) made_by_steps: bool,
    pub(crate) archive: Archiving,
    pub(crate) virtual_machine: VirtualMachine,
    /// What there was before anything was compiled; none when that is not known.
    pub(crate) initial: Option<InitialSnapshot>,
    /// Files that code was compiled from besides its sources, wherever they are.
    pub(crate) external_resources: Vec<Utf8PathBuf>,
}

/// The virtual machine of the bridge.
pub(crate) enum VirtualMachine {
    /// It runs custom steps.
    Running(Box<Bridge>),
    /// Nothing is asked of it any more, and ending it takes longer than writing the release.
    Ending(std::thread::JoinHandle<Result<Outcome<()>, BridgeError>>),
}

impl VirtualMachine {
    /// Ends the virtual machine unless steps that need it follow.
    pub(crate) fn new(bridge: Bridge, steps: &[Step]) -> Self {
        if steps.contains(&Step::Custom) {
            Self::Running(Box::new(bridge))
        } else {
            Self::Ending(std::thread::spawn(move || bridge.stop()))
        }
    }

    fn end(self, printer: &Printer) {
        let ended = match self {
            Self::Running(bridge) => bridge.stop(),
            Self::Ending(thread) => match thread.join() {
                Ok(ended) => ended,
                Err(_) => return,
            },
        };
        // The release is complete whatever the virtual machine does when it ends; only an error is worth mentioning.
        if let Err(error) = ended {
            printer.warn(&error.to_string());
        }
    }
}

impl Assembly<'_> {
    /// Writes the release, all or nothing, and lets its steps run. Code that `earlier` knows is not written again.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or a step fails; what was there before is then still there.
    pub(crate) fn make(
        mut self,
        earlier: Option<&dyn Earlier>,
    ) -> anyhow::Result<(Report, ReleaseDescription)> {
        self.archive.warn(self.printer);
        let manifest = Some(TreePath::new(MANIFEST)?);
        let options = DirectoryOptions { manifest, made_by_steps: self.made_by_steps, earlier };
        match &self.virtual_machine {
            VirtualMachine::Ending(_) => self.write_whole(&options)?,
            VirtualMachine::Running(_) => self.write_with_steps(&options)?,
        }
        self.report.written = true;
        let Self { printer, report, virtual_machine, description, .. } = self;
        virtual_machine.end(printer);
        Ok((report, description))
    }

    fn write_whole(&mut self, options: &DirectoryOptions<'_>) -> anyhow::Result<()> {
        let target = &self.description.spec.path;
        let phase = self.printer.phase("assemble");
        let written = directory::write(&self.plan.tree, target, options, &phase)?;
        self.report.assembled(written.files, written.bytes, &phase);
        if self.archive.is_wanted() {
            let tree = self.plan.tree.written_at(&written.path);
            self.archive.pack(&tree, self.printer, &mut self.report)?;
        }
        Ok(())
    }

    fn write_with_steps(&mut self, options: &DirectoryOptions<'_>) -> anyhow::Result<()> {
        let Self { printer, report, plan, description, archive, virtual_machine, .. } = self;
        let VirtualMachine::Running(bridge) = virtual_machine else { return Ok(()) };
        let phase = printer.phase("assemble");
        let watch = Watch::over(bridge.process_id())?;
        let steps = |published: &Published<'_>| {
            let (files, bytes) = published.written();
            report.assembled(files, bytes, &phase);
            archive.exclude_from(published);
            run_steps(bridge, published, archive, printer, report)?;
            watch.check()?;
            let tree = published.tree()?;
            if archive.is_wanted() && !archive.is_made() {
                archive.pack(&tree, printer, report)?;
            }
            report.count(&tree);
            watch.check()?;
            Ok::<(), anyhow::Error>(())
        };
        let result = directory::write_then(&plan.tree, &description.spec.path, options, &phase, steps);
        result.map(|_| ()).map_err(|error| watch.explain(error))
    }

    /// Prints the plan instead of writing it.
    ///
    /// # Errors
    ///
    /// When stdout is gone.
    pub(crate) fn print(self, json: bool) -> anyhow::Result<()> {
        self.virtual_machine.end(self.printer);
        self.archive.warn(self.printer);
        if json {
            return print_json(&self.report);
        }
        let report = &self.report;
        let mut text = format!("{} {} in {}\n", report.name, report.version, report.path);
        for application in &report.applications {
            text.push_str(&format!("application {} {}\n", application.name, application.version));
        }
        for (name, list) in &report.boot_lists {
            let list: Vec<_> = list.iter().map(|booted| format!("{} {}", booted.name, booted.mode)).collect();
            text.push_str(&format!("boot {name}: {}\n", list.join(", ")));
        }
        text.push_str(&listing(&self.plan.tree));
        if self.archive.is_wanted() {
            text.push_str(&format!("tarball {}\n", self.archive.path()));
        }
        Ok(output::print(text)?)
    }
}

/// Runs the custom steps after the assembly, and makes the tarball where they want it.
fn run_steps(
    bridge: &mut Bridge,
    published: &Published<'_>,
    archive: &mut Archiving,
    printer: &Printer,
    report: &mut Report,
) -> anyhow::Result<()> {
    loop {
        let start = Instant::now();
        let phase = printer.phase("steps");
        let continued = bridge.continue_steps();
        // Before anything is printed.
        drop(phase);
        let outcome = continued.map_err(|error| explain(error, printer))?;
        printer.pass_on_output(&outcome.output);
        report.phase("steps", start.elapsed());
        match outcome.value {
            NextStep::Done => return Ok(()),
            NextStep::Tar => archive.pack(&published.tree()?, printer, report)?,
        }
    }
}

/// One line per entry: mode, path, and where its content comes from.
fn listing(tree: &Tree) -> String {
    let mut text = String::new();
    for entry in tree.entries() {
        let line = match entry.node {
            Node::Directory { .. } => continue,
            Node::Link { target } => format!("link {} -> {target}\n", entry.path),
            Node::File { mode, content } => {
                let origin = match content {
                    Content::Bytes(_) => String::new(),
                    Content::Copy(from) => format!(" = {from}"),
                    Content::StrippedBeam(from, _) => format!(" = stripped {from}"),
                };
                format!("{mode:04o} {}{origin}\n", entry.path)
            }
        };
        text.push_str(&line);
    }
    text
}

impl tree::Progress for Phase {
    fn files(&self, done: usize, total: usize) {
        self.progress(done, total);
    }

    fn message(&self, text: &str) {
        self.say(text);
    }
}

impl Report {
    /// Notes what has been written and ends the phase of it.
    fn assembled(&mut self, files: usize, bytes: u64, phase: &Phase) {
        let duration = phase.finish(&format!("{} files, {}", count(files), size(bytes)));
        self.phase("assemble", duration);
        self.bytes = Some(bytes);
    }
}

/// Puts in order what an earlier build has left beside a release that is not written this time.
///
/// # Errors
///
/// When something is left and cannot be removed.
pub(crate) fn tidy(release: &Utf8Path, printer: &Printer) -> anyhow::Result<()> {
    let manifest = TreePath::new(MANIFEST)?;
    Ok(directory::tidy(release, Some(&manifest), &printer.phase("check"))?)
}

/// Tells a person, or a machine, what has been built.
///
/// # Errors
///
/// When stdout is gone.
pub(crate) fn announce(report: &Report, quiet: bool, json: bool, printer: &Printer) -> anyhow::Result<()> {
    if !quiet {
        tell(report, printer);
    }
    if json { print_json(report) } else { Ok(()) }
}

fn tell(report: &Report, printer: &Printer) {
    let shown = project_directory::shown(Utf8Path::new(&report.path));
    let command = format!("{shown}/bin/{}", report.name);
    printer.say(&format!(
        "\nThe release {}-{} is in {shown}\n\n    {command} start      start it\n    {command}            list its commands",
        report.name, report.version
    ));
    if let Some(archive) = &report.archive {
        printer.say(&format!("\nIts tarball is {}", project_directory::shown(Utf8Path::new(&archive.path))));
    }
}
