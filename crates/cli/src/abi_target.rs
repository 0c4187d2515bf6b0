//! The system that a release is checked against.

use abi::{DirectoryRoot, Machine, SystemRoot};
use camino::Utf8Path;

/// A system whose root file system can be looked at.
pub(crate) enum Target {
    /// A directory of this machine; `/` is this machine itself.
    Directory(DirectoryRoot, String),
}

impl Target {
    /// What `--target` names; this machine when it names nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be looked at.
    pub(crate) fn parse(given: Option<&str>) -> anyhow::Result<Self> {
        let Some(given) = given else {
            return Ok(Self::Directory(DirectoryRoot::new("/")?, "this machine".to_owned()));
        };
        let path = Utf8Path::new(given);
        if !path.is_dir() {
            anyhow::bail!(
                "`{given}`, which --target names, is not a directory\nhint: name a directory that holds a root file system, such as one made by debootstrap or `docker export`"
            );
        }
        if path.join("oci-layout").is_file() {
            anyhow::bail!(
                "`{given}` is an OCI layout, whose layers are packed\nhint: unpack the image into a directory first"
            );
        }
        Ok(Self::Directory(DirectoryRoot::new(path)?, format!("`{given}`")))
    }

    /// Its files.
    pub(crate) fn root(&self) -> &dyn SystemRoot {
        match self {
            Self::Directory(root, _) => root,
        }
    }

    /// The architecture that it says it is for; a directory does not say.
    pub(crate) fn machine(&self) -> Option<Machine> {
        match self {
            Self::Directory(..) => None,
        }
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Directory(_, name) => name,
        }
    }
}
