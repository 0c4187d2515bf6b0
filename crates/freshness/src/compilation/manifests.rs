//! How to tell that somebody else has been at work in the build directory.
//!
//! Mix keeps manifests of what it has compiled there, one set for each application. When they are not those that the last
//! recorded compilation has left, there has been another one since, of which there is no record. Mix believes its manifests: where
//! a file with code is gone (a cache that was restored in part), it says that everything is compiled. So the names of these
//! files count as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::Utf8Path;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Moment, names};

/// Mix's manifests of what it compiles itself.
const MANIFESTS: [&str; 4] = ["compile.elixir", "compile.erlang", "compile.leex", "compile.yecc"];

/// Digests of manifests, and of the names of what was compiled, by their names within the build directory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Manifests(BTreeMap<String, String>);

impl Manifests {
    /// The manifests of these applications. The content of a manifest does not always tell one compilation from another, but its
    /// time does.
    pub(super) fn read(build: &Utf8Path, applications: &BTreeSet<String>) -> Self {
        let mut manifests = BTreeMap::new();
        for application in applications {
            let known = manifests.len();
            for name in MANIFESTS {
                let within = format!("lib/{application}/.mix/{name}");
                let path = build.join(&within);
                let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
                let (Ok(content), Ok(modified)) = (fs::read(&path), modified) else { continue };
                let mut sum = Sha256::new_with_prefix(&content);
                sum.update(Moment::from(modified).second().to_be_bytes());
                manifests.insert(within, HEXLOWER.encode(&sum.finalize()[..16]));
            }
            if manifests.len() > known {
                let within = format!("lib/{application}/ebin");
                let code = names_of_code(&build.join(&within));
                manifests.insert(within, code);
            }
        }
        Self(manifests)
    }

    /// Whether there are none: nothing has been compiled.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the manifests of these applications are the ones that are there now.
    pub(super) fn are_still(&self, now: &Self, applications: &BTreeSet<String>) -> bool {
        let recorded = self.0.iter().filter(|(name, _)| applications.contains(application(name)));
        recorded.eq(&now.0)
    }

    /// These manifests, which are those of the given applications, with others of other applications.
    pub(super) fn merge(mut self, other: Self, applications: &BTreeSet<String>) -> Self {
        let manifests: Vec<_> = other
            .0
            .into_iter()
            .filter(|(name, _)| !applications.contains(application(name)))
            .filter(|(name, _)| !self.0.contains_key(name))
            .collect();
        self.0.extend(manifests);
        self
    }
}

/// A digest of the names of the files with code in a directory.
fn names_of_code(directory: &Utf8Path) -> String {
    let names = directory.read_dir_utf8().into_iter().flatten().flatten();
    let is_code = |name: &String| name.ends_with(".beam");
    names::digest(names.map(|entry| entry.file_name().to_owned()).filter(is_code).map(Into::into).collect())
}

/// The application whose manifest has this name within the build directory.
fn application(manifest: &str) -> &str {
    manifest.split('/').nth(1).unwrap_or_default()
}
