//! A directory of assets.

use std::collections::BTreeMap;

use beamship_assets::manifest::Manifest;
use beamship_assets::{AssetsError, Options, Summary, digest};
use camino::{Utf8Path, Utf8PathBuf};

/// The time of the first run, in seconds since 1970.
pub(crate) const NOW: u64 = 1_700_000_000;

pub(crate) struct Place {
    _directory: tempfile::TempDir,
    pub(crate) root: Utf8PathBuf,
}

impl Place {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap().join("static");
        let place = Self { _directory: directory, root };
        std::fs::create_dir(&place.root).unwrap();
        for (path, text) in files {
            place.put(path, text);
        }
        place
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// All files, by path.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let relative = |path: &Utf8Path| path.strip_prefix(&self.root).unwrap().to_string();
        files_below(&self.root)
            .into_iter()
            .map(|path| (relative(&path), std::fs::read(path).unwrap()))
            .collect()
    }

    pub(crate) fn digest(&self, options: &Options) -> Result<Summary, AssetsError> {
        digest(&self.root, &self.root, options, &())
    }

    pub(crate) fn manifest(&self) -> Manifest {
        Manifest::parse(self.text("cache_manifest.json").as_bytes()).unwrap()
    }

    /// The digested file of a logical path.
    pub(crate) fn latest(&self, path: &str) -> String {
        self.manifest().latest[path].clone()
    }
}

/// As Phoenix does it.
pub(crate) fn compatible() -> Options {
    Options::usual(NOW).compatible()
}

/// The files of a directory and of those in it.
pub(crate) fn files_below(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in directory.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files
}
