//! What a digest has done, in numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Numbers of a digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Files of the input that were digested.
    pub files: usize,
    /// Those that keep their name, because a bundler has hashed them.
    pub hashed: usize,
    /// Digested files and compressed ones of earlier releases that were brought along.
    pub carried: usize,
    /// Files that were written; the others were there already.
    pub written: u64,
    /// Whether nothing had changed since the last run.
    pub unchanged: bool,
    /// By extension.
    pub kinds: BTreeMap<String, Kind>,
}

/// Numbers of one kind of files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    /// How many there are.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of the compressed files, by their suffix; a file that compressed is no smaller has none.
    pub compressed: BTreeMap<String, u64>,
}
