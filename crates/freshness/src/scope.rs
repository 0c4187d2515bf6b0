//! Where a build may read.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

/// Directories from which no build reads anything that it has not put there itself: what Mix compiles to, the history
/// (but see [`Scope`]), what language servers compile to.
const PASSED_OVER: [&str; 6] = ["_build", ".git", ".elixir_ls", ".lexical", ".expert", ".nextls"];

/// Where packages of Node are.
pub(crate) const NODE_MODULES: &str = "node_modules";

/// Where a build may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Directories with everything in them, and what links in them lead to. Of a `.git` in them only the names of commits
    /// count: versions are often taken from there.
    pub directories: BTreeSet<Utf8PathBuf>,
    /// Single files, which need not exist. Of a directory here it counts only that there is one.
    pub files: BTreeSet<Utf8PathBuf>,
    /// Directories, which need not exist, with the names of what is in them and no more.
    #[serde(default)]
    pub listings: BTreeSet<Utf8PathBuf>,
    /// What is left out: what the build itself makes.
    pub except: BTreeSet<Utf8PathBuf>,
    /// Whether only what code is compiled from matters: packages of Node are passed over.
    #[serde(default)]
    pub sources_only: bool,
}

impl Scope {
    /// Whether a directory of this name is left out.
    pub(crate) fn passes_over(&self, name: &str) -> bool {
        is_passed_over(name) || self.sources_only && name == NODE_MODULES
    }
}

/// Whether what has this name is left out wherever it is.
pub(crate) fn is_passed_over(name: &str) -> bool {
    PASSED_OVER.contains(&name)
}

/// Whether a path is one of these places, or in one of them.
pub(crate) fn is_within(path: &Utf8Path, places: &BTreeSet<Utf8PathBuf>) -> bool {
    path.ancestors().any(|ancestor| places.contains(ancestor))
}
