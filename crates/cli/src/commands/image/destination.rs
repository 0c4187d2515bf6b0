//! Where an image goes: to disk, into an engine of this machine, to a registry.
//!
//! An image is always written to disk first. Where nothing on disk was asked for, because the image is only loaded or pushed,
//! that is a [`PassingLayout`].

use camino::{Utf8Path, Utf8PathBuf};
use image::registry::{Access, Pushed, Registry, RetryPolicy, push};
use image::{Engine, Images, Reference, archive};

use super::passing_layout::PassingLayout;
use super::report::PushReport;
use crate::arguments::ImageArguments;
use crate::image_build::ReleaseSource;
use crate::printer::{Printer, size};

/// What the command line says about where an image goes besides the disk, and about its name.
pub(super) struct Destination {
    tag: Option<Reference>,
    engine: Option<Engine>,
    registry: Option<Registry>,
}

/// Where an image has gone.
#[derive(Default)]
pub(super) struct Published {
    /// The archive, or the directory of the layout.
    pub(super) output: Option<String>,
    /// The name by which the engine knows it.
    pub(super) loaded: Option<String>,
    /// What was pushed.
    pub(super) pushed: Option<PushReport>,
}

impl Destination {
    /// Looks for everything that the command line names.
    ///
    /// # Errors
    ///
    /// When a name or the output cannot be used, credentials cannot be read, or there is no engine.
    pub(super) fn resolve(arguments: &ImageArguments) -> anyhow::Result<Self> {
        if let Some(path) = &arguments.output {
            check_output(path)?;
        }
        let registry = push_name(arguments)?
            .map(|name| Registry::new(&name, Access::Push, RetryPolicy::default()))
            .transpose()?;
        let engine = arguments.load.then(Engine::find).transpose()?;
        let tag = arguments.tag.as_deref().map(Reference::parse).transpose()?;
        if tag.as_ref().is_some_and(|tag| !tag.is_tagged()) {
            anyhow::bail!("--tag names a digest\nhint: name a tag; the digest is what comes out");
        }
        Ok(Self { tag, engine, registry })
    }

    /// The name of the image: the one that was given, or that under which it is pushed, or that of the release and its
    /// version.
    pub(super) fn tag(&self, release: Option<&ReleaseSource>) -> anyhow::Result<Reference> {
        if let Some(tag) = self.tag.as_ref().or(self.registry.as_ref().map(Registry::reference)) {
            return Ok(tag.clone());
        }
        let (name, version) =
            release.map(|source| (source.name.as_str(), source.version.as_str())).unwrap_or_default();
        // Versions may have a `+`, which tags cannot.
        Ok(Reference::parse(&format!("{}:{}", name.to_lowercase(), version.replace('+', "-")))?)
    }

    /// Passes on images that have been written.
    pub(super) fn publish(
        self,
        images: &Images,
        tag: &Reference,
        output: &Output,
        printer: &Printer,
    ) -> anyhow::Result<Published> {
        if let Some(file) = &output.archive {
            write_archive(images, tag, file, printer)?;
        }
        let mut published = Published { output: output.shown(), ..Published::default() };
        if let Some(engine) = self.engine {
            load(&engine, images, tag, printer)?;
            published.loaded = Some(tag.familiar());
        }
        if let Some(registry) = self.registry {
            let pushed = send(&registry, images, printer)?;
            let digest = images.root()?.descriptor.digest.clone();
            published.pushed = Some(PushReport::new(&registry.reference().with_digest(digest), &pushed));
        }
        Ok(published)
    }
}

/// The name under which the image is pushed: that of `--push`, or of `--tag`.
fn push_name(arguments: &ImageArguments) -> anyhow::Result<Option<Reference>> {
    let name = match (&arguments.push, &arguments.tag) {
        (None, _) => return Ok(None),
        (Some(Some(name)), _) | (Some(None), Some(name)) => Reference::parse(name)?,
        (Some(None), None) => {
            anyhow::bail!("--push does not say where to\nhint: --push registry.example.com/team/name:tag")
        }
    };
    if !name.is_tagged() {
        anyhow::bail!("--push names a digest\nhint: name a tag; the digest is what comes out");
    }
    Ok(Some(name))
}

/// Where an image is on disk.
pub(super) struct Output {
    layout: Utf8PathBuf,
    archive: Option<Utf8PathBuf>,
    /// Removes the layout when the image is only passed on.
    passing: Option<PassingLayout>,
}

impl Output {
    /// What `--output` names, else the default.
    ///
    /// # Errors
    ///
    /// When nothing says what to do with the image, or no temporary directory can be made.
    pub(super) fn new(
        arguments: &ImageArguments,
        default_layout: Option<Utf8PathBuf>,
    ) -> anyhow::Result<Self> {
        let archive = arguments.output.clone().filter(|path| path.extension() == Some("tar"));
        if let (Some(directory), None) = (&arguments.output, &archive) {
            return Ok(Self { layout: directory.clone(), archive: None, passing: None });
        }
        if let Some(layout) = default_layout {
            return Ok(Self { layout, archive, passing: None });
        }
        if archive.is_none() && !arguments.load && arguments.push.is_none() {
            anyhow::bail!("nothing says what to do with the image\nhint: name --output, --load or --push");
        }
        let passing = PassingLayout::create()?;
        Ok(Self { layout: passing.path()?, archive, passing: Some(passing) })
    }

    /// The directory of the layout.
    pub(super) fn layout(&self) -> &Utf8Path {
        &self.layout
    }

    /// Whether the layout stays. One that does not needs neither an index nor the layers of the base image, which are in
    /// the cache.
    pub(super) fn is_kept(&self) -> bool {
        self.passing.is_none()
    }

    fn shown(&self) -> Option<String> {
        let layout = self.is_kept().then_some(&self.layout);
        self.archive.as_ref().or(layout).map(ToString::to_string)
    }
}

/// Whether an image can be written there, as far as the name says.
fn check_output(path: &Utf8Path) -> anyhow::Result<()> {
    let is_compressed = [".tar.gz", ".tgz", ".tar.zst"].iter().any(|end| path.as_str().ends_with(end));
    if is_compressed {
        anyhow::bail!(
            "--output `{path}`: an archive of an image is not compressed, its layers are\nhint: name it FILE.tar"
        );
    }
    if path.extension() != Some("tar") && path.is_file() {
        anyhow::bail!(
            "--output `{path}` is a file, and an image is written into a directory\nhint: name a directory, or FILE.tar for an archive"
        );
    }
    Ok(())
}

fn write_archive(images: &Images, tag: &Reference, file: &Utf8Path, printer: &Printer) -> anyhow::Result<()> {
    let phase = printer.phase("archive");
    let bytes = archive::write(images, Some(tag), file)?;
    phase.finish(&format!("{file}, {}", size(bytes)));
    Ok(())
}

fn load(engine: &Engine, images: &Images, tag: &Reference, printer: &Printer) -> anyhow::Result<()> {
    let phase = printer.phase("load");
    engine.load(images, tag)?;
    phase.finish(&format!("{} into {}", tag.familiar(), engine.name()));
    Ok(())
}

fn send(registry: &Registry, images: &Images, printer: &Printer) -> anyhow::Result<Pushed> {
    let phase = printer.phase("push");
    let progress = |done: u64, total: u64| {
        phase.progress(
            usize::try_from(done).unwrap_or(usize::MAX),
            usize::try_from(total).unwrap_or(usize::MAX),
        );
    };
    let pushed = push(registry, images, &progress)?;
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
