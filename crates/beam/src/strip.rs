//! Stripping: which chunks stay, in which order.

use std::sync::Arc;

/// How to strip a BEAM file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripOptions {
    /// The ids of the chunks that stay, in the order in which they are written (Mix writes them in the order of its
    /// list, not of the file).
    pub chunks: Arc<[[u8; 4]]>,
    /// Whether the result is compressed with gzip, as a whole.
    pub compress: bool,
}
