//! `beamship digest` and `beamship digest clean`.

use std::time::{SystemTime, UNIX_EPOCH};

use assets::{Choice, Encoder, Options, ReferenceSyntax, Summary};
use camino::Utf8Path;

use crate::arguments::{CleanArguments, DigestArguments, DigestCommand, GlobalArguments};
use crate::cache_directory;
use crate::modification_time::modification_time;
use crate::printer::{Phase, Printer, count, size};
use crate::report::print_json;

/// Digests assets, or cleans up what was digested.
pub(crate) fn run(
    arguments: &DigestArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    match &arguments.command {
        Some(DigestCommand::Clean(arguments)) => clean(arguments, global, printer),
        None => digest(arguments, global, printer),
    }
}

fn digest(arguments: &DigestArguments, global: &GlobalArguments, printer: &Printer) -> anyhow::Result<()> {
    let input = &arguments.input;
    let output = arguments.output.as_ref().unwrap_or(input);
    let options = options(arguments)?;
    let phase = printer.phase("digest");
    let mut summary = assets::digest(input, output, &options, &phase)?;
    for earlier in &arguments.carry {
        summary.carried += assets::carry(earlier, output, options.modified)?;
    }
    phase.finish(&headline(&summary, output));
    if global.json {
        print_json(&summary)?;
    } else if !summary.kinds.is_empty() {
        printer.say(table(&summary).trim_end());
    }
    Ok(())
}

/// The settings that the command line asks for.
fn options(arguments: &DigestArguments) -> anyhow::Result<Options> {
    let modified =
        if arguments.compat { clock() } else { modification_time(Utf8Path::new("."))?.unwrap_or_else(clock) };
    let mut options = Options::usual(modified);
    if arguments.compat {
        options = options.compatible();
    }
    options.adds_vsn = !arguments.no_vsn;
    if arguments.no_modules {
        options.references = ReferenceSyntax::Phoenix;
    }
    options.content_digests &= !arguments.no_content_digests;
    options.keeps_bundler_names &= !arguments.no_hashed;
    options.encoders = Vec::new();
    if !arguments.no_gzip {
        options.encoders.push(Encoder::gzip(arguments.gzip));
    }
    options.encoders.extend(arguments.brotli.map(|level| Encoder::brotli(Some(level))));
    options.encoders.extend(arguments.zstd.map(|level| Encoder::zstandard(Some(level))));
    if !arguments.extensions.is_empty() {
        let dotted = |text: &String| format!(".{}", text.trim().trim_start_matches('.'));
        options.extensions = arguments.extensions.iter().map(dotted).collect();
    }
    options.cache = if arguments.no_cache { None } else { cache_directory::find() };
    Ok(options)
}

/// The time of the machine, in seconds since 1970.
fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl assets::Progress for Phase {
    fn files(&self, done: usize, total: usize) {
        self.progress(done, total);
    }

    fn waiting(&self) {
        self.say("waiting for another digest that writes to this directory");
    }
}

fn headline(summary: &Summary, output: &Utf8Path) -> String {
    let mut text = format!("{} files in {output}", count(summary.files));
    if summary.unchanged {
        text.push_str(", nothing has changed");
    } else {
        text.push_str(&format!(
            ", {} written",
            count(usize::try_from(summary.written).unwrap_or(usize::MAX))
        ));
    }
    if summary.carried > 0 {
        text.push_str(&format!(", {} brought along", count(summary.carried)));
    }
    text
}

/// A line for each kind of file: how many, how large, and how large compressed.
fn table(summary: &Summary) -> String {
    let mut kinds: Vec<_> = summary.kinds.iter().filter(|(_, kind)| !kind.compressed.is_empty()).collect();
    kinds.sort_by_key(|(name, kind)| (std::cmp::Reverse(kind.bytes), (*name).clone()));
    let lines = kinds.into_iter().map(|(name, kind)| {
        let name = if name.is_empty() { "(none)" } else { name.as_str() };
        let compressed: Vec<String> =
            kind.compressed.iter().map(|(suffix, bytes)| format!("{} as {suffix}", size(*bytes))).collect();
        format!(
            "  {name:<8} {:>6} files {:>10}   {}\n",
            count(kind.files),
            size(kind.bytes),
            compressed.join(", ")
        )
    });
    lines.collect()
}

fn clean(arguments: &CleanArguments, global: &GlobalArguments, printer: &Printer) -> anyhow::Result<()> {
    // By the clock that the entries have their time from: by another, those of an older commit would be old at once.
    let now = modification_time(Utf8Path::new("."))?.unwrap_or_else(clock);
    let choice = if arguments.all {
        Choice::All
    } else {
        Choice::Old { age: arguments.age, keep: arguments.keep, now }
    };
    let removed = assets::clean(&arguments.output, choice, arguments.dry_run)?;
    if global.json {
        return print_json(&removed);
    }
    let verb = if arguments.dry_run { "would remove" } else { "removed" };
    for path in &removed {
        printer.say(&format!("  {verb} {}", arguments.output.join(path)));
    }
    if removed.is_empty() {
        printer.say(&format!("There is nothing to remove in {}", arguments.output));
    }
    Ok(())
}
