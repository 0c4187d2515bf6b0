//! An image that exists: in a registry, in a layout, or in an archive.

use camino::{Utf8Path, Utf8PathBuf};
use image::Reference;
use image::archive::StoredBlobs;
use image::layout::Blobs;
use image::registry::{Access, Registry, Remote, RetryPolicy};

use crate::cache_directory;

/// Whether a user means a path: none of these is the name of an image that anybody has.
pub(crate) fn is_path(given: &str) -> bool {
    let is_archive = given.ends_with(".tar") && !given.contains([':', '@']);
    given.starts_with(['.', '/']) || given.ends_with('/') || is_archive
}

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
    if is_path(given) {
        anyhow::bail!(
            "`{given}` does not exist\nhint: name an OCI layout, an archive of one, or an image of a registry"
        );
    }
    let reference = Reference::parse(given)?;
    Ok(Box::new(Remote::new(Registry::new(&reference, Access::Pull, RetryPolicy::default())?)))
}

/// Where layers of other images are kept.
///
/// # Errors
///
/// When this user has no directory for such.
pub(crate) fn cache() -> anyhow::Result<Utf8PathBuf> {
    Ok(cache_directory::usable()?.join("images"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_path_is_one() {
        for path in ["./base", "../base.tar", "/srv/base", "base.tar", "images/base.tar", "images/base/"] {
            assert!(is_path(path), "{path}");
        }
        for name in ["debian", "debian:12", "ghcr.io/acme/base", "acme/base:1.tar", "localhost:5000/base.tar"]
        {
            assert!(!is_path(name), "{name}");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_not_a_name() {
        let message = |given: &str| open(given).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(
            message("./nosuch.tar").starts_with("`./nosuch.tar` does not exist\nhint: name an OCI layout")
        );
        assert!(message("No Such").starts_with("`No Such` is not the name of an image"));
    }
}
