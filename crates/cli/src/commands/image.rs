//! `beamship image`: a container image of a release, built, written, loaded and pushed.
//!
//! What the command line names is resolved before anything is built, so that a mistyped registry or a missing login is
//! reported at once. Then a draft of each image is made, which knows what goes into it and whether it will run; only
//! after that is anything written and published.

mod destination;
mod inspect;
mod passing_layout;
mod platforms;
mod report;

use anyhow::Context;
use camino::Utf8PathBuf;
use image::{Images, Layout, Reference};
use tree::archive::Compression;

use self::destination::{Destination, Output};
use self::report::Report;
use super::build;
use crate::arguments::{
    ArchiveArguments, BuildArguments, CompileArguments, GlobalArguments, ImageArguments, ImageCommand,
    TargetArguments,
};
use crate::compilation::BackgroundScan;
use crate::image_build::{Builder, Draft, Origin, ReleaseSource};
use crate::image_source;
use crate::printer::{Printer, count, size};
use crate::project_directory;
use crate::project_lock::ProjectLock;

/// Builds an image, or does another task on images.
pub(crate) fn run(
    arguments: &ImageArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    if let Some(ImageCommand::Inspect(arguments)) = &arguments.command {
        return inspect::run(arguments, global);
    }
    let project = project_directory::find()?;
    // Layers are written from the files of the release: no other build may exchange it meanwhile.
    let _lock = arguments.release.is_empty().then(|| ProjectLock::acquire(&project, printer));
    let destination = Destination::resolve(arguments)?;
    let base = (arguments.base != "scratch").then(|| image_source::open(&arguments.base)).transpose()?;
    let origin = Origin::of(&project)?;
    let environment = pairs("--env", &arguments.env)?;
    let labels = pairs("--label", &arguments.label)?;
    let builder = Builder { arguments, printer, origin: &origin, base, environment, labels };

    let (sources, default_layout) = sources(arguments, printer)?;
    let tag = destination.tag(sources.first())?;
    let drafts = drafts(&builder, sources)?;
    platforms::check(&drafts, &arguments.platform)?;
    if arguments.dry_run {
        return report::print_drafts(&drafts, global.json);
    }
    let output = Output::new(arguments, default_layout)?;
    let images = write(drafts, arguments, &output, &tag, printer)?;
    let published = destination.publish(&images, &tag, &output, printer)?;
    Report::new(&images, &tag, published)?.announce(global.json, printer)
}

/// The releases that the image is made of, and where its layout is by default.
fn sources(
    arguments: &ImageArguments,
    printer: &Printer,
) -> anyhow::Result<(Vec<ReleaseSource>, Option<Utf8PathBuf>)> {
    if !arguments.release.is_empty() {
        let read = |directory: &Utf8PathBuf| ReleaseSource::read(directory, None);
        return Ok((arguments.release.iter().map(read).collect::<anyhow::Result<_>>()?, None));
    }
    let build_arguments = BuildArguments {
        target: TargetArguments { name: arguments.name.clone(), path: None, version: None },
        no_assets: arguments.no_assets,
        archive: ArchiveArguments { tar: false, zstd: false, no_cookie: false },
        compile: CompileArguments::default(),
        no_cache: true,
        dry_run: arguments.dry_run,
    };
    let scan = BackgroundScan::of_sources(&project_directory::find()?);
    let assembly = build::assembly(&build_arguments, printer, scan)?;
    let own = assembly.description.own_applications.iter().map(ToString::to_string).collect();
    let layout = assembly.description.archive_directory.join("image").join(&assembly.description.spec.name);
    let source = if arguments.dry_run {
        let spec = &assembly.description.spec;
        let (name, version) = (spec.name.clone(), spec.version.clone());
        ReleaseSource { name, version, own, tree: assembly.plan.tree }
    } else {
        let (_, description) = assembly.make(None)?;
        ReleaseSource::read(&description.spec.path, Some(own))?
    };
    Ok((vec![source], Some(layout)))
}

/// What each image consists of. The roots of the command line belong to the releases in order.
fn drafts(builder: &Builder<'_>, sources: Vec<ReleaseSource>) -> anyhow::Result<Vec<Draft>> {
    let roots = &builder.arguments.root;
    let numbered = sources.into_iter().enumerate();
    numbered
        .map(|(index, source)| builder.draft(source, roots.get(index).map(Utf8PathBuf::as_path)))
        .collect()
}

/// Writes the layers of the images into the layout, which names the images by the tag where it is kept.
fn write(
    drafts: Vec<Draft>,
    arguments: &ImageArguments,
    output: &Output,
    tag: &Reference,
    printer: &Printer,
) -> anyhow::Result<Images> {
    let layout = Layout::open(output.layout())?;
    let compression = if arguments.zstd { Compression::Zstd } else { Compression::Gzip };
    let mut all = Vec::new();
    for draft in drafts {
        let phase = printer.phase("image");
        let (platform, summary) = (draft.platform.to_string(), draft.summary.clone());
        let image = draft.write(&layout, compression, &phase)?;
        let bytes = image.layers.iter().map(|layer| layer.descriptor.size).sum();
        let layers = count(image.layers.len());
        let separator = if summary.is_empty() { "" } else { ", " };
        phase.finish(&format!("{platform}, {layers} layers, {}{separator}{summary}", size(bytes)));
        all.push(image);
    }
    let images = Images::new(all)?;
    if output.is_kept() {
        layout.publish(&images, Some(tag))?;
    }
    Ok(images)
}

fn pairs(option: &str, given: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let pair = |text: &String| {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .with_context(|| format!("{option} is `{text}`\nhint: it has to be NAME=VALUE"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    given.iter().map(pair).collect()
}
