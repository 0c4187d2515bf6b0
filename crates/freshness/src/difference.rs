//! Why a build has to run.

use std::fmt;

use camino::Utf8PathBuf;

/// The first thing that is found to have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// A file, a link or the mode of either.
    Changed(Utf8PathBuf),
    /// Something that was not there.
    New(Utf8PathBuf),
    /// Something that is no longer there.
    Gone(Utf8PathBuf),
    /// What the build made.
    Made(Utf8PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// Files changed while the build ran, so nobody knows which of them it has read.
    DuringBuild(Utf8PathBuf),
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(path) => write!(formatter, "`{path}` has changed"),
            Self::New(path) => write!(formatter, "`{path}` is new"),
            Self::Gone(path) => write!(formatter, "`{path}` is no longer there"),
            Self::Made(path) => {
                write!(formatter, "`{path}`, which the last build made, has changed since")
            }
            Self::Variable(name) => write!(formatter, "the variable {name} has changed"),
            Self::DuringBuild(path) => write!(formatter, "`{path}` changed while the last build ran"),
        }
    }
}
