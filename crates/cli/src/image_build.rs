//! From a release to its image: what goes in, what it needs, and whether it will run.

mod command_line;
mod labels;
mod scripts;

use std::collections::BTreeSet;

use abi::{DirectoryRoot, Machine, ReleaseFiles};
use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use contract::MANIFEST;
use image::document::Platform;
use image::layout::Blobs;
use image::{
    Base, Image, ImageOptions, ImageRoot, Layer, LayerKind, Layout, System, SystemOptions, contents, system,
};
use tree::archive::Compression;
use tree::{Content, Node, Tree, TreePath};

use crate::arguments::ImageArguments;
use crate::commands::check;
use crate::image_source;
use crate::native_code::{copied_files, machine_of_release};
use crate::printer::{Phase, Printer, count};
use crate::release_directory;
pub(crate) use command_line::CommandLine;
pub(crate) use labels::Origin;
use scripts::Scripts;

/// A release that an image is made of.
pub(crate) struct ReleaseSource {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its files.
    pub(crate) tree: Tree,
    /// The project's own applications in it.
    pub(crate) own: BTreeSet<String>,
}

impl ReleaseSource {
    /// A release on disk. Its own applications are those given, or the one that has its name.
    ///
    /// # Errors
    ///
    /// When there is none, or it cannot be read.
    pub(crate) fn read(directory: &Utf8Path, own: Option<BTreeSet<String>>) -> anyhow::Result<Self> {
        let (name, version) = release_directory::identity(directory)?;
        let tree = tree::directory::read(directory, &TreePath::new(MANIFEST)?)?;
        let own = own.unwrap_or_else(|| BTreeSet::from([name.clone()]));
        Ok(Self { name, version, tree, own })
    }
}

/// What an image is made with.
pub(crate) struct Builder<'a> {
    pub(crate) arguments: &'a ImageArguments,
    pub(crate) printer: &'a Printer,
    pub(crate) origin: &'a Origin,
    /// The image that it is built upon; none to build upon nothing.
    pub(crate) base: Option<Box<dyn Blobs>>,
    /// Variables and labels of the command line.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) labels: Vec<(String, String)>,
}

/// An image whose layers are not written yet.
pub(crate) struct Draft {
    pub(crate) platform: Platform,
    layers: Vec<(LayerKind, Tree)>,
    base: Option<Base>,
    options: ImageOptions,
    /// What is reported of it beside its layers and their size.
    pub(crate) summary: String,
}

impl Builder<'_> {
    /// Finds out what an image of a release consists of, and whether it will run.
    ///
    /// # Errors
    ///
    /// When something that the release needs is not there.
    pub(crate) fn draft(&self, mut source: ReleaseSource, root: Option<&Utf8Path>) -> anyhow::Result<Draft> {
        let scripts = Scripts::translate(&mut source.tree, &source.name)?;
        if let Some(command) = &self.arguments.default_command {
            scripts.check(command)?;
        }
        let mut layers = contents::layers(&source.tree, &source.name, &source.own)?;
        let files = native_files(layers.values())?;
        let machine = machine_of_layers(layers.values(), &source.name)?;
        let architecture = machine.oci().with_context(|| format!("there are no images for {machine}"))?;
        let platform = Platform::linux(architecture);
        let mut summary = String::new();
        let mut base = None;
        if let Some(blobs) = &self.base {
            let cache = image_source::cache()?;
            let phase = self.printer.phase("base");
            let fetched = Base::fetch(blobs.as_ref(), &platform, &cache)?;
            phase.finish(&format!("{} layers, {}", count(fetched.layers.len()), fetched.name));
            let system = ImageRoot::new(&fetched, &cache)?;
            let report = abi::check(&files, &system, Some(machine))?;
            check::conclude(&report, &format!("`{}`", fetched.name), self.printer)?;
            base = Some(fetched);
        } else {
            let root_directory = DirectoryRoot::new(root.unwrap_or(Utf8Path::new("/")))?;
            let report = abi::check(&files, &root_directory, Some(machine))?;
            check::conclude(&report, root.map_or("this machine", Utf8Path::as_str), self.printer)?;
            let system = self.system(files, &root_directory, &scripts, &source)?;
            summary = format!("{} libraries", count(system.libraries));
            if let Some(shell) = scripts.shell_needed(self.arguments.shell) {
                summary.push_str(if shell == image::Shell::Plain {
                    ", a shell"
                } else {
                    ", a shell with programs"
                });
            }
            layers.insert(LayerKind::System, system.tree);
        }
        let options = self.options(&source, platform.clone(), &scripts)?;
        Ok(Draft { platform, layers: layers.into_iter().collect(), base, options, summary })
    }

    /// The system of an image from nothing.
    fn system(
        &self,
        files: ReleaseFiles,
        root: &DirectoryRoot,
        scripts: &Scripts,
        source: &ReleaseSource,
    ) -> anyhow::Result<System> {
        let has_zones = source.tree.entries().any(|entry| entry.path.as_str().starts_with("lib/zoneinfo-"));
        let options = SystemOptions {
            shell: scripts.shell_needed(self.arguments.shell),
            time_zones: self.arguments.time_zones || has_zones,
            interpreters: scripts.interpreters.clone(),
        };
        for reason in &scripts.reasons {
            self.printer.say(&format!("  a shell is in the image: {reason}"));
        }
        let system = system(files, root, &options)?;
        for warning in &system.warnings {
            self.printer.warn(warning);
        }
        Ok(system)
    }

    fn options(
        &self,
        source: &ReleaseSource,
        platform: Platform,
        scripts: &Scripts,
    ) -> anyhow::Result<ImageOptions> {
        let command = match &self.arguments.default_command {
            Some(command) => command.words().to_vec(),
            None if scripts.has("server") => vec!["server".to_owned()],
            None => vec!["start".to_owned()],
        };
        let mut labels = self.origin.labels(&source.name, &source.version);
        labels.extend(self.labels.iter().cloned());
        Ok(ImageOptions {
            platform,
            name: source.name.clone(),
            command,
            created: self.origin.created,
            environment: self.environment.clone(),
            ports: self.arguments.port.clone(),
            labels,
        })
    }
}

impl Draft {
    /// Writes the layers into a layout and puts the image together.
    ///
    /// # Errors
    ///
    /// When a layer cannot be written.
    pub(crate) fn write(
        self,
        layout: &Layout,
        compression: Compression,
        phase: &Phase,
    ) -> anyhow::Result<Image> {
        let mut layers = Vec::new();
        for (kind, tree) in &self.layers {
            layers.push(Layer::write(tree, *kind, layout.directory(), compression, phase)?);
        }
        Ok(Image::new(&self.options, self.base.as_ref(), layers)?)
    }

    /// The layers and how many files each has.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (&'static str, usize, u64)> {
        self.layers.iter().map(|(kind, tree)| {
            let files = tree.entries().filter(|entry| matches!(entry.node, Node::File { .. }));
            let sizes = files.map(|entry| match entry.node {
                Node::File { content: Content::Bytes(bytes), .. } => bytes.len() as u64,
                Node::File { content: Content::Copy(file) | Content::StrippedBeam(file, _), .. } => {
                    fs_err::metadata(file).map_or(0, |metadata| metadata.len())
                }
                Node::Directory { .. } | Node::Link { .. } => 0,
            });
            let (number, bytes) = sizes.fold((0, 0), |(number, bytes), size| (number + 1, bytes + size));
            (kind.name(), number, bytes)
        })
    }
}

/// The native code in these trees, where it will be in the image.
fn native_files<'t>(trees: impl Iterator<Item = &'t Tree>) -> anyhow::Result<ReleaseFiles> {
    let mut files = ReleaseFiles::new();
    for entry in trees.flat_map(Tree::entries) {
        let path = Utf8PathBuf::from(format!("/{}", entry.path));
        match entry.node {
            Node::File { content: Content::Copy(file), .. } => {
                files.add_file(path, file)?;
            }
            Node::File { content: Content::Bytes(bytes), .. } => {
                files.add_bytes(path, bytes);
            }
            Node::Link { target } => files.add_link(path, target.as_str()),
            Node::File { .. } | Node::Directory { .. } => {}
        }
    }
    Ok(files)
}

/// The architecture of a release, out of the layers of its image.
fn machine_of_layers<'t>(layers: impl Iterator<Item = &'t Tree>, name: &str) -> anyhow::Result<Machine> {
    let files: Vec<_> = layers.flat_map(copied_files).collect();
    let launcher = format!("app/bin/{name}");
    machine_of_release(&files, |path| path == launcher).with_context(|| {
        format!(
            "the release has neither a virtual machine nor a native `bin/{name}`\nhint: images are made of releases that `beamship build` has built, with `include_erts`"
        )
    })
}
