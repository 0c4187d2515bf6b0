//! Files that a bundler has named after their content.
//!
//! To hash them twice would break the imports between chunks, which only the bundler knows. Vite lists its files in a
//! manifest (`.vite/manifest.json`, before version 5 `manifest.json`); esbuild's names are recognised.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use crate::manifest::is_inside;
use crate::name;
use crate::walk::Found;

/// What bundlers have hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hashed {
    /// Logical paths of files that keep their name.
    pub(crate) files: BTreeSet<String>,
    /// Sources that a manifest names, and the files that were made of them.
    pub(crate) sources: BTreeMap<String, String>,
}

impl Hashed {
    /// Looks at the names of files and at Vite's manifests.
    pub(crate) fn find(root: &Utf8Path, files: &[Found]) -> Self {
        let mut hashed = Self::default();
        hashed.files.extend(
            files
                .iter()
                .filter(|file| name::is_hashed_by_esbuild(&file.logical))
                .map(|file| file.logical.clone()),
        );
        let known: BTreeSet<&str> = files.iter().map(|file| file.logical.as_str()).collect();
        let directories: BTreeSet<&str> = known.iter().map(|path| name::directory(path)).collect();
        // A bundle's directory may hold nothing but other directories.
        let all: BTreeSet<&str> = directories.iter().flat_map(|directory| with_parents(directory)).collect();
        for directory in all {
            for file in [".vite/manifest.json", "manifest.json"] {
                let Ok(text) = fs_err::read(root.join(directory).join(file)) else { continue };
                hashed.add_vite(directory, &text, &known);
            }
        }
        hashed
    }

    /// A manifest of Vite: `{"js/app.js": {"file": "assets/app-BxYz1234.js", "css": […], "assets": […]}}`.
    fn add_vite(&mut self, directory: &str, text: &[u8], known: &BTreeSet<&str>) {
        let Ok(serde_json::Value::Object(chunks)) = serde_json::from_slice(text) else { return };
        if !chunks.values().all(|chunk| chunk.get("file").is_some_and(serde_json::Value::is_string)) {
            return;
        }
        let place =
            |path: &str| if directory.is_empty() { path.to_owned() } else { format!("{directory}/{path}") };
        for (source, chunk) in &chunks {
            let lists = ["css", "assets"].map(|key| chunk.get(key).and_then(serde_json::Value::as_array));
            let file = chunk.get("file").and_then(serde_json::Value::as_str);
            let others = lists.into_iter().flatten().flatten().filter_map(serde_json::Value::as_str);
            for path in file.into_iter().chain(others).filter(|path| has_hash(path)).map(place) {
                if known.contains(path.as_str()) {
                    let map = format!("{path}.map");
                    if known.contains(map.as_str()) {
                        self.files.insert(map);
                    }
                    self.files.insert(path);
                }
            }
            // Vite names a source outside of its root `../deps/…`, and one that a plugin makes up as it likes. No page can
            // ask for these, and the next run refuses a manifest with such a path.
            if let Some(file) = file.map(place).filter(|file| self.files.contains(file))
                && !known.contains(place(source).as_str())
                && is_inside(&place(source))
            {
                self.sources.insert(place(source), file);
            }
        }
    }
}

fn with_parents(directory: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(directory), |directory| {
        (!directory.is_empty()).then(|| name::directory(directory))
    })
}

/// Whether the name ends in eight characters or more of a hash.
fn has_hash(path: &str) -> bool {
    let file = name::file_name(path);
    let stem = &file[..file.len() - name::extension(file).len()];
    // Of the characters of a hash the dash is one, so the hash may hold dashes.
    stem.char_indices().any(|(at, character)| {
        matches!(character, '-' | '.')
            && stem.len() - at > 8
            && stem[at + 1..].bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_of_vite_names_hashed_files_and_their_sources() {
        let text = br#"{
            "js/app.js": {"file": "assets/app-BxYz12_4.js", "src": "js/app.js", "isEntry": true,
                          "css": ["assets/app-Cc34Dd56.css"], "assets": ["assets/logo.12345678.svg"]},
            "_shared": {"file": "assets/plain.js"}}"#;
        let files = [
            "v/assets/app-BxYz12_4.js",
            "v/assets/app-BxYz12_4.js.map",
            "v/assets/app-Cc34Dd56.css",
            "v/assets/logo.12345678.svg",
            "v/assets/plain.js",
        ];
        let mut hashed = Hashed::default();
        hashed.add_vite("v", text, &files.into());
        assert_eq!(hashed.files.iter().collect::<Vec<_>>(), files[..4].iter().collect::<Vec<_>>());
        assert_eq!(hashed.sources, [("v/js/app.js".to_owned(), files[0].to_owned())].into());
    }

    #[test]
    fn a_source_outside_of_the_root_of_vite_is_no_path_of_the_manifest() {
        let text = br#"{
            "../deps/phoenix_live_view/priv/static/a.js": {"file": "assets/a-BxYz12_4.js"},
            "\u0000virtual:b.js": {"file": "assets/b-BxYz12_4.js"},
            "/c.js": {"file": "assets/c-BxYz12_4.js"}}"#;
        let files = ["assets/a-BxYz12_4.js", "assets/b-BxYz12_4.js", "assets/c-BxYz12_4.js"];
        let mut hashed = Hashed::default();
        hashed.add_vite("", text, &files.into());
        assert_eq!(hashed.files.len(), 3);
        assert_eq!(hashed.sources, BTreeMap::new());
    }

    #[test]
    fn another_manifest_says_nothing() {
        let mut hashed = Hashed::default();
        for text in [&br#"{"name":"app","icons":[{"src":"x.png"}]}"#[..], b"[]", b"{", b""] {
            hashed.add_vite("", text, &["x.png"].into());
        }
        assert_eq!(hashed, Hashed::default());
    }
}
