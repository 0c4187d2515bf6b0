//! The system that a release is checked against.

use abi::{DirectoryRoot, Machine, SystemRoot};
use anyhow::Context;
use camino::Utf8Path;
use image::archive::StoredBlobs;
use image::document::Platform;
use image::{Base, ImageRoot};

use crate::image_source;

/// A system whose root file system can be looked at.
pub(crate) enum Target {
    /// A directory of this machine; `/` is this machine itself.
    Directory(DirectoryRoot, String),
    /// An image, and what it is for.
    Image(ImageRoot, String, Machine),
}

impl Target {
    /// What `--target` names; this machine when it names nothing. Of an image for several platforms it is the one for
    /// the release's machine.
    ///
    /// # Errors
    ///
    /// When it cannot be looked at.
    pub(crate) fn parse(given: Option<&str>, machine: Option<Machine>) -> anyhow::Result<Self> {
        let Some(given) = given else {
            return Ok(Self::Directory(DirectoryRoot::new("/")?, "this machine".to_owned()));
        };
        let path = Utf8Path::new(given);
        if path.is_dir() && StoredBlobs::open(path)?.is_none() {
            return Ok(Self::Directory(DirectoryRoot::new(path)?, format!("`{given}`")));
        }
        // A single word is rather a mistake than an image.
        let is_path = image_source::is_path(given) || !given.contains(['/', ':', '@']);
        if is_path && !path.exists() {
            anyhow::bail!(
                "`{given}`, which --target names, is not there\nhint: name a directory that holds a root file system, such as one made by debootstrap or `docker export`, or an image"
            );
        }
        let machine =
            machine.context("the release has no native code that could be checked against an image")?;
        let architecture = machine.oci().with_context(|| format!("there are no images for {machine}"))?;
        let cache = image_source::cache()?;
        let blobs = image_source::open(given)?;
        let base = Base::fetch(blobs.as_ref(), &Platform::linux(architecture), &cache)?;
        Ok(Self::Image(ImageRoot::new(&base, &cache)?, format!("`{given}`"), machine))
    }

    /// Its files.
    pub(crate) fn root(&self) -> &dyn SystemRoot {
        match self {
            Self::Directory(root, _) => root,
            Self::Image(root, ..) => root,
        }
    }

    /// The architecture that it says it is for; a directory does not say.
    pub(crate) fn machine(&self) -> Option<Machine> {
        match self {
            Self::Directory(..) => None,
            Self::Image(_, _, machine) => Some(*machine),
        }
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Directory(_, name) | Self::Image(_, name, _) => name,
        }
    }
}
