//! Where the bytes of a file come from.

use std::sync::Arc;

use beam::StripOptions;
use camino::Utf8PathBuf;

/// The content of a file, described but not yet read.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// The bytes of a file of the build machine.
    Copy(Utf8PathBuf),
    /// A BEAM file of the build machine, stripped on the way. A file that is not a valid BEAM file is an error, which
    /// the plan's maker prevents by asking for [`Content::Copy`] where that is legitimate.
    StrippedBeam(Utf8PathBuf, StripOptions),
}
