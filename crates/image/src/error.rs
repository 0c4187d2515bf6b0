//! What can go wrong with an image.

use std::io;
use std::path::{Path, PathBuf};

use abi::AbiError;
use tree::archive::ArchiveError;
use tree::{Conflict, PathError};

use crate::registry::RegistryError;

/// Why an image was not made, read or sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The operating system refused something.
    #[error("cannot {action} `{}`: {reason}", path.display())]
    Io {
        /// What was being done: `read`, `write` …
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A layer could not be written.
    #[error(transparent)]
    Layer(#[from] ArchiveError),
    /// The native code of the release could not be looked at.
    #[error(transparent)]
    Abi(#[from] AbiError),
    /// Two things want the same place in the image.
    #[error("the image cannot be put together: {0}")]
    Conflict(#[from] Conflict),
    /// A path cannot be in an image.
    #[error("the image cannot be put together: {0}")]
    Path(#[from] PathError),
    /// A manifest, an index or a configuration is not what it should be.
    #[error("{what} of `{from}` {reason}")]
    Document {
        /// Which one: `the manifest`.
        what: &'static str,
        /// Whose.
        from: String,
        /// What is wrong with it: `cannot be understood: …`.
        reason: String,
    },
    /// Content is not what its digest says.
    #[error(
        "`{from}` sent something other than `{expected}` (its digest is `{found}`)\nhint: it was damaged or changed on the \
         way; try again, and do not use what it sent"
    )]
    WrongDigest {
        /// Where it came from.
        from: String,
        /// The digest that was asked for.
        expected: String,
        /// The digest that it has.
        found: String,
    },
    /// There is no image for this platform.
    #[error(
        "`{from}` has no image for {wanted}, only for {available}\nhint: name an image that is made for {wanted}"
    )]
    NoPlatform {
        /// The image.
        from: String,
        /// The platform that is needed.
        wanted: String,
        /// The platforms that there are.
        available: String,
    },
    /// What a registry said.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// No Docker and no Podman.
    #[error(
        "there is no Docker or Podman to load the image into: {reason}\nhint: start one, point DOCKER_HOST to its socket, \
         or write an archive with --output FILE.tar and load that"
    )]
    NoEngine {
        /// What was tried.
        reason: String,
    },
    /// Docker or Podman did not take the image.
    #[error("{engine} did not load the image: {reason}")]
    Engine {
        /// Which one.
        engine: String,
        /// What it said.
        reason: String,
    },
}

/// Turns an error of the operating system into one that names action and path.
pub(crate) trait At<T> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, ImageError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, ImageError> {
        self.map_err(|reason| ImageError::Io { action, path: path.as_ref().to_owned(), reason })
    }
}
