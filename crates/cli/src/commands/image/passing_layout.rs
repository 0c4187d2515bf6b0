//! A layout of an image that is only passed on, to an engine or a registry.
//!
//! It is removed when that is done. A run that is killed leaves it, and an image is large: so it lies in the cache, and the
//! next run removes it.

use camino::Utf8PathBuf;

use crate::cache_directory;
use crate::passing_directory::PassingDirectory;

/// How the name of each begins.
const PREFIX: &str = "beamship-image-";

/// Such a layout. Dropping it removes it.
pub(super) struct PassingLayout(PassingDirectory);

impl PassingLayout {
    /// Creates a directory for one, and removes those of processes that are gone.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub(super) fn create() -> anyhow::Result<Self> {
        match cache_directory::find() {
            Some(cache) => PassingDirectory::create(&cache.join("passing"), PREFIX),
            None => PassingDirectory::create_temporary(PREFIX),
        }
        .map(Self)
    }

    /// The directory of the layout.
    ///
    /// # Errors
    ///
    /// When its path is not UTF-8.
    pub(super) fn path(&self) -> anyhow::Result<Utf8PathBuf> {
        Ok(self.0.path()?.join("image"))
    }
}
