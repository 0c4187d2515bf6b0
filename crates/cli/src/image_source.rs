//! An image that exists: in a registry, in a layout, or in an archive.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use image::Reference;
use image::archive::StoredBlobs;
use image::layout::Blobs;
use image::registry::{Patience, Registry, Remote};

/// Opens what a user has named. A path that is there counts before a name.
///
/// # Errors
///
/// When it is neither an image on disk nor a name of one, or the credentials for its registry cannot be read.
pub(crate) fn open(given: &str) -> anyhow::Result<Box<dyn Blobs>> {
    let path = Utf8Path::new(given);
    if path.exists() {
        return match StoredBlobs::open(path)? {
            Some(blobs) => Ok(Box::new(blobs)),
            None => anyhow::bail!(
                "`{given}` is neither an OCI layout nor an archive of one\nhint: `beamship image --output PATH` and `skopeo copy docker://… oci:PATH` write such"
            ),
        };
    }
    let reference = Reference::parse(given)?;
    Ok(Box::new(Remote::new(Registry::new(&reference, false, Patience::default())?)))
}

/// Where layers of other images are kept.
///
/// # Errors
///
/// When this user has no directory for such.
pub(crate) fn cache() -> anyhow::Result<Utf8PathBuf> {
    let cache = project::user_cache().map(|cache| cache.join("images"));
    cache.context("there is no place to keep layers of other images in\nhint: set HOME or XDG_CACHE_HOME")
}
