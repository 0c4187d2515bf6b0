//! What can go wrong with assets.

use std::io;

use camino::Utf8PathBuf;

use crate::manifest::ManifestError;

/// Why assets were not digested or cleaned. The manifest is then the earlier one, and every file that it names is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssetsError {
    /// The operating system refused something; its message names the path.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The directory of the assets is missing.
    #[error(
        "cannot find the directory `{path}`, whose files are to be digested\nhint: build the assets first, or name the \
         directory that holds them"
    )]
    NoInput {
        /// The directory.
        path: Utf8PathBuf,
    },
    /// What is there instead is a file.
    #[error("`{path}` is not a directory\nhint: name the directory that holds the assets")]
    NotDirectory {
        /// What was named.
        path: Utf8PathBuf,
    },
    /// The directory to be cleaned is missing.
    #[error("cannot find the directory `{path}`, which is to be cleaned\nhint: name it with --output")]
    NoOutput {
        /// The directory.
        path: Utf8PathBuf,
    },
    /// A file's name cannot be part of a URL or of the manifest.
    #[error("the name of `{}` is not valid UTF-8\nhint: rename it, or remove it", path.display())]
    Name {
        /// The file.
        path: std::path::PathBuf,
    },
    /// A link that leads nowhere, a pipe, a device.
    #[error(
        "cannot digest `{path}`: {what}\nhint: remove it, or give its name a dot at the beginning so that it is left out"
    )]
    NotRegular {
        /// The file.
        path: Utf8PathBuf,
        /// What it is.
        what: String,
    },
    /// The manifest cannot be read.
    #[error(
        "cannot read `{path}`: {reason}\nhint: remove it; the digested files that it names can then be removed by hand only"
    )]
    Manifest {
        /// The manifest.
        path: Utf8PathBuf,
        /// What is wrong with it.
        reason: ManifestError,
    },
    /// There is nothing to be carried along.
    #[error(
        "cannot find `cache_manifest.json` in `{path}`\nhint: --carry names the `priv/static` of an earlier release, or that release"
    )]
    NothingToCarry {
        /// The directory that was given.
        path: Utf8PathBuf,
    },
}
