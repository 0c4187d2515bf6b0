//! `beamship image`: a container image of a release, built, written, loaded and pushed.

mod inspect;

use std::io::Write;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use image::document::Platform;
use image::registry::{Access, Pushed, Registry, RetryPolicy, push};
use image::{Engine, Images, Layout, Reference, archive};
use serde::Serialize;
use tree::archive::Compression;

use super::build;
use crate::arguments::{
    ArchiveArguments, BuildArguments, CompileArguments, GlobalArguments, ImageArguments, ImageCommand,
    TargetArguments,
};
use crate::compilation::Look;
use crate::image_build::{Builder, Draft, Origin, ReleaseSource};
use crate::image_source;
use crate::pipeline::project_directory;
use crate::printer::{Printer, count, size};
use crate::project_lock::ProjectLock;
use crate::report::print_json;

/// What is printed with `--json`.
#[derive(Serialize)]
struct Report {
    name: String,
    digest: String,
    bytes: u64,
    images: Vec<ImageReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loaded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed: Option<PushReport>,
}

#[derive(Serialize)]
struct ImageReport {
    digest: String,
    platform: String,
    layers: Vec<LayerReport>,
}

#[derive(Serialize)]
struct LayerReport {
    name: String,
    digest: String,
    bytes: u64,
}

/// An image that would be made.
#[derive(Serialize)]
struct DraftReport {
    platform: String,
    layers: Vec<DraftedLayer>,
}

#[derive(Serialize)]
struct DraftedLayer {
    name: &'static str,
    files: usize,
    /// Before compression.
    bytes: u64,
}

#[derive(Serialize)]
struct PushReport {
    image: String,
    sent: u64,
    present: u64,
    mounted: u64,
}

/// Builds an image, or does another task on images.
pub(crate) fn run(
    arguments: &ImageArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    if let Some(ImageCommand::Inspect(arguments)) = &arguments.command {
        return inspect::run(arguments, global);
    }
    let project = project_directory(global)?;
    // Layers are written from the files of the release: no other build may exchange it meanwhile.
    let _lock = arguments.release.is_empty().then(|| ProjectLock::acquire(&project, printer));
    // What is wrong with the command line is told before anything is built.
    let push_name = match &arguments.push {
        Some(Some(name)) => Some(Reference::parse(name)?),
        Some(None) => match &arguments.tag {
            Some(tag) => Some(Reference::parse(tag)?),
            None => {
                anyhow::bail!("--push does not say where to\nhint: --push registry.example.com/team/name:tag")
            }
        },
        None => None,
    };
    if push_name.as_ref().is_some_and(|name| !name.is_tagged()) {
        anyhow::bail!("--push names a digest\nhint: name a tag; the digest is what comes out");
    }
    let registry = push_name.map(|name| Registry::new(&name, Access::Push, RetryPolicy::default())).transpose()?;
    let engine = arguments.load.then(Engine::find).transpose()?;
    let tag = arguments.tag.as_deref().map(Reference::parse).transpose()?;
    let base = (arguments.base != "scratch").then(|| image_source::open(&arguments.base)).transpose()?;
    let origin = Origin::of(&project)?;
    let builder = Builder {
        arguments,
        printer,
        origin: &origin,
        base,
        environment: pairs("--env", &arguments.env)?,
        labels: pairs("--label", &arguments.label)?,
    };
    let (sources, default_layout) = sources(arguments, global, printer)?;
    let (name, version) =
        sources.first().map(|source| (source.name.clone(), source.version.clone())).unwrap_or_default();
    let tag = match tag {
        Some(tag) => tag,
        // Versions may have a `+`, which tags cannot.
        None => Reference::parse(&format!("{}:{}", name.to_lowercase(), version.replace('+', "-")))?,
    };
    let mut drafts = Vec::new();
    for (index, source) in sources.into_iter().enumerate() {
        drafts.push(builder.draft(source, arguments.root.get(index).map(Utf8PathBuf::as_path))?);
    }
    check_platforms(&drafts, &arguments.platform)?;
    if arguments.dry_run {
        return print_drafts(&drafts, global.json);
    }
    let place = Place::new(arguments, default_layout)?;
    let layout = Layout::open(&place.layout)?;
    let images = write(drafts, arguments, &layout, &tag, printer)?;
    let mut report = Report::new(&images, &tag)?;
    if let Some(file) = &place.archive {
        let phase = printer.phase("archive");
        match archive::write(&images, Some(&tag), file) {
            Ok(bytes) => phase.finish(&format!("{file}, {}", size(bytes))),
            Err(error) => {
                phase.abandon();
                return Err(error.into());
            }
        };
    }
    report.output = place.shown();
    if let Some(engine) = engine {
        load(&engine, &images, &tag, printer)?;
        report.loaded = Some(tag.familiar());
    }
    if let Some(registry) = registry {
        let pushed = send(&registry, &images, printer)?;
        report.pushed = Some(PushReport {
            image: registry.reference().with_digest(images.root()?.descriptor.digest.clone()).to_string(),
            sent: pushed.sent,
            present: pushed.present,
            mounted: pushed.mounted,
        });
    }
    report.announce(global.json, printer)
}

/// The releases that the image is made of, and where its layout is by default.
fn sources(
    arguments: &ImageArguments,
    global: &GlobalArguments,
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
    let look = Look::at_sources(&project_directory(global)?);
    let assembly = build::assembly(&build_arguments, global, printer, look)?;
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

/// Where an image goes.
struct Place {
    layout: Utf8PathBuf,
    archive: Option<Utf8PathBuf>,
    /// Removes the layout when the image is only passed on.
    temporary: Option<tempfile::TempDir>,
}

impl Place {
    fn new(arguments: &ImageArguments, default_layout: Option<Utf8PathBuf>) -> anyhow::Result<Self> {
        let archive = arguments.output.clone().filter(|path| path.extension() == Some("tar"));
        if let (Some(directory), None) = (&arguments.output, &archive) {
            return Ok(Self { layout: directory.clone(), archive: None, temporary: None });
        }
        if let Some(layout) = default_layout {
            return Ok(Self { layout, archive, temporary: None });
        }
        if archive.is_none() && !arguments.load && arguments.push.is_none() {
            anyhow::bail!("nothing says what to do with the image\nhint: name --output, --load or --push");
        }
        let temporary = tempfile::tempdir().context("cannot create a temporary directory")?;
        let layout = Utf8Path::from_path(temporary.path()).context("the temporary directory is not UTF-8")?;
        Ok(Self { layout: layout.join("image"), archive, temporary: Some(temporary) })
    }

    fn shown(&self) -> Option<String> {
        let layout = self.temporary.is_none().then_some(&self.layout);
        self.archive.as_ref().or(layout).map(ToString::to_string)
    }
}

fn write(
    drafts: Vec<Draft>,
    arguments: &ImageArguments,
    layout: &Layout,
    tag: &Reference,
    printer: &Printer,
) -> anyhow::Result<Images> {
    let compression = if arguments.zstd { Compression::Zstd } else { Compression::Gzip };
    let mut all = Vec::new();
    for draft in drafts {
        let phase = printer.phase("image");
        let (platform, summary) = (draft.platform.to_string(), draft.summary.clone());
        match draft.write(layout, compression, &phase) {
            Ok(image) => {
                let bytes = image.layers.iter().map(|layer| layer.descriptor.size).sum();
                let layers = count(image.layers.len());
                let separator = if summary.is_empty() { "" } else { ", " };
                phase.finish(&format!("{platform}, {layers} layers, {}{separator}{summary}", size(bytes)));
                all.push(image);
            }
            Err(error) => {
                phase.abandon();
                return Err(error);
            }
        }
    }
    let images = Images::new(all)?;
    layout.publish(&images, Some(tag))?;
    Ok(images)
}

fn load(engine: &Engine, images: &Images, tag: &Reference, printer: &Printer) -> anyhow::Result<()> {
    let phase = printer.phase("load");
    match engine.load(images, tag) {
        Ok(_) => {
            phase.finish(&format!("{} into {}", tag.familiar(), engine.name()));
            Ok(())
        }
        Err(error) => {
            phase.abandon();
            Err(error.into())
        }
    }
}

fn send(registry: &Registry, images: &Images, printer: &Printer) -> anyhow::Result<Pushed> {
    let phase = printer.phase("push");
    let progress = |done: u64, total: u64| {
        phase.progress(
            usize::try_from(done).unwrap_or(usize::MAX),
            usize::try_from(total).unwrap_or(usize::MAX),
        );
    };
    match push(registry, images, &progress) {
        Ok(pushed) => {
            let mut text = format!("{}, {} sent", registry.reference(), size(pushed.sent));
            if pushed.present > 0 {
                text.push_str(&format!(", {} were there", size(pushed.present)));
            }
            if pushed.mounted > 0 {
                text.push_str(&format!(", {} mounted", size(pushed.mounted)));
            }
            phase.finish(&text);
            Ok(pushed)
        }
        Err(error) => {
            phase.abandon();
            Err(error.into())
        }
    }
}

impl Report {
    fn new(images: &Images, tag: &Reference) -> anyhow::Result<Self> {
        let image = |image: &image::Image| ImageReport {
            digest: image.manifest.descriptor.digest.to_string(),
            platform: image
                .manifest
                .descriptor
                .platform
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            layers: image
                .layers
                .iter()
                .map(|layer| LayerReport {
                    name: layer.title.clone(),
                    digest: layer.descriptor.digest.to_string(),
                    bytes: layer.descriptor.size,
                })
                .collect(),
        };
        Ok(Self {
            name: tag.familiar(),
            digest: images.root()?.descriptor.digest.to_string(),
            bytes: images.size(),
            images: images.images.iter().map(image).collect(),
            output: None,
            loaded: None,
            pushed: None,
        })
    }

    fn announce(&self, json: bool, printer: &Printer) -> anyhow::Result<()> {
        if json {
            return print_json(self);
        }
        printer.say(&format!("\nThe image {} is {}, {}", self.name, self.digest, size(self.bytes)));
        if let Some(output) = &self.output {
            printer.say(&format!("\n    {output}"));
        }
        if let Some(pushed) = &self.pushed {
            printer.say(&format!("\n    docker pull {}", pushed.image));
        }
        if let Some(loaded) = &self.loaded {
            printer.say(&format!("\n    docker run --rm {loaded}"));
        }
        Ok(())
    }
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

/// Whether the releases are for the platforms that were asked for, and each for another one.
fn check_platforms(drafts: &[Draft], wanted: &[String]) -> anyhow::Result<()> {
    let found: Vec<String> = drafts.iter().map(|draft| draft.platform.to_string()).collect();
    if let Some(twice) = found.iter().enumerate().find(|(index, platform)| found[..*index].contains(platform))
    {
        anyhow::bail!("two of the releases are for {}", twice.1);
    }
    for wanted in wanted {
        let parts: Vec<&str> = wanted.split('/').collect();
        let [os, architecture, ..] = parts.as_slice() else {
            anyhow::bail!("--platform is `{wanted}`\nhint: it has to be like `linux/amd64`");
        };
        let platform =
            Platform { os: (*os).to_owned(), architecture: (*architecture).to_owned(), variant: None };
        if !drafts.iter().any(|draft| draft.platform.accepts(&platform)) {
            anyhow::bail!(
                "the release is for {}, not for {wanted}\nhint: a virtual machine runs on what it was built for: build the release on {wanted} (or under emulation) and name both with --release",
                found.join(" and ")
            );
        }
    }
    Ok(())
}

fn print_drafts(drafts: &[Draft], json: bool) -> anyhow::Result<()> {
    if json {
        let layer = |(name, files, bytes)| DraftedLayer { name, files, bytes };
        let image = |draft: &Draft| DraftReport {
            platform: draft.platform.to_string(),
            layers: draft.contents().map(layer).collect(),
        };
        return print_json(&drafts.iter().map(image).collect::<Vec<_>>());
    }
    let mut text = String::new();
    for draft in drafts {
        text.push_str(&format!("{}\n", draft.platform));
        for (name, files, bytes) in draft.contents() {
            text.push_str(&format!(
                "  {name:<14} {:>6} files {:>10} before compression\n",
                count(files),
                size(bytes)
            ));
        }
    }
    Ok(anstream::stdout().write_all(text.as_bytes())?)
}
