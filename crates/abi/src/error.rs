//! Why a system or a release could not be looked at.

use camino::Utf8PathBuf;

/// A file that is there could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{path}`")]
pub struct AbiError {
    /// What was being done: `read`, `list`, `look at`.
    pub action: &'static str,
    /// To what.
    pub path: Utf8PathBuf,
    /// What the operating system said.
    pub source: std::io::Error,
}

impl AbiError {
    /// `cannot ACTION PATH: SOURCE`.
    pub fn new(action: &'static str, path: impl Into<Utf8PathBuf>, source: std::io::Error) -> Self {
        Self { action, path: path.into(), source }
    }
}
