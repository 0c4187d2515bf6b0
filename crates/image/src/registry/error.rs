//! What can go wrong with a registry.

use std::io;

use camino::Utf8PathBuf;

use super::CredentialsError;

/// Why a registry did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There was no answer.
    #[error(
        "cannot {action} `{registry}`: {reason}\nhint: is the registry there, and is this machine online? Then try again"
    )]
    Unreachable {
        /// The registry.
        registry: String,
        /// What was being done: `push the layer erlang to`.
        action: String,
        /// What happened.
        reason: String,
    },
    /// The answer was no.
    #[error("cannot {action} `{registry}`: {reason}{}", hint_for(*status, registry))]
    Refused {
        /// The registry.
        registry: String,
        /// What was being done.
        action: String,
        /// The status of the answer.
        status: u16,
        /// What the registry said.
        reason: String,
    },
    /// The answer is not one that a registry gives.
    #[error("cannot {action} `{registry}`: {reason}\nhint: is that address a container registry?")]
    UnexpectedAnswer {
        /// The registry.
        registry: String,
        /// What was being done.
        action: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The registry has stored something other than it was given.
    #[error(
        "`{registry}` says that it has stored `{found}` instead of `{expected}`\nhint: something between here and the \
         registry changes what is sent; the image was not published there"
    )]
    WrongDigest {
        /// The registry.
        registry: String,
        /// What it was given.
        expected: String,
        /// What it says that it has.
        found: String,
    },
    /// Credentials cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A file of this machine cannot be read.
    #[error("cannot {action} a registry: `{path}` cannot be read: {reason}")]
    File {
        /// What was being done.
        action: String,
        /// The file.
        path: Utf8PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
}

impl RegistryError {
    /// Whether it is worth another attempt.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

fn hint_for(status: u16, registry: &str) -> String {
    match status {
        401 => format!("\nhint: `docker login {registry}` (or `podman login`) stores the credentials that are used here"),
        403 => "\nhint: the credentials are known, and not allowed to do this: check the name of the repository and their \
                rights"
            .to_owned(),
        404 => "\nhint: check the name of the image and its tag".to_owned(),
        429 => "\nhint: the registry limits how often it is asked; try again later, or log in".to_owned(),
        500..=599 => "\nhint: the registry has a problem of its own; try again later".to_owned(),
        _ => String::new(),
    }
}
