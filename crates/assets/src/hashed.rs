//! Files that a bundler has named after their content.
//!
//! To hash them twice would break the imports between chunks, which only the bundler knows. Vite lists its files in a
//! manifest (`.vite/manifest.json`, before version 5 `manifest.json`); esbuild's names are recognised.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use crate::error::AssetsError;
use crate::manifest::is_inside;
use crate::name;
use crate::references::find;
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
    pub(crate) fn find(root: &Utf8Path, files: &[Found]) -> Result<Self, AssetsError> {
        let mut hashed = Self::default();
        let named: Vec<&Found> =
            files.iter().filter(|file| name::is_hashed_by_esbuild(&file.logical)).collect();
        let (code, others): (Vec<&Found>, Vec<&Found>) =
            named.into_iter().partition(|file| is_code(&file.logical));
        hashed.files.extend(code.into_iter().map(|file| file.logical.clone()));
        hashed.add_loaded(files, &others)?;
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
        Ok(hashed)
    }

    /// Images, fonts and the like that esbuild (`--loader:.png=file`) has named. A name does not tell: `banner-SUMMER25.jpg`
    /// is one like any other, whose content may change. So they keep it only when a bundle asks for it and goes on doing
    /// so, because names in it are not replaced: a script, in which it is a string, or a stylesheet that esbuild has
    /// hashed.
    fn add_loaded(&mut self, files: &[Found], others: &[&Found]) -> Result<(), AssetsError> {
        if others.is_empty() {
            return Ok(());
        }
        for bundle in files {
            let keeps_names = match name::extension(&bundle.logical) {
                ".js" | ".mjs" => true,
                ".css" => self.files.contains(&bundle.logical),
                _ => false,
            };
            if !keeps_names {
                continue;
            }
            let content = fs_err::read(&bundle.path)?;
            let asks_for =
                |file: &&&Found| find(&content, name::file_name(&file.logical).as_bytes(), 0).is_some();
            self.files.extend(others.iter().filter(asks_for).map(|file| file.logical.clone()));
        }
        Ok(())
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
            // Before version 5 a chunk has no name of its own.
            let chunk_name =
                chunk.get("name").and_then(serde_json::Value::as_str).unwrap_or_else(|| stem(source));
            let with_hash = file.into_iter().chain(others).filter(|path| has_hash(path, chunk_name));
            for path in with_hash.map(place) {
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

/// What esbuild itself writes, and imports by the name that it gives.
fn is_code(path: &str) -> bool {
    matches!(name::extension(path), ".js" | ".mjs" | ".css" | ".map")
}

/// Whether the name of one of Vite's files ends in a hash: by default eight letters, digits, dashes and underscores. With
/// `entryFileNames: "[name].js"` it has none, and the last word of `admin-dashboard.js` is no hash either.
fn has_hash(path: &str, chunk: &str) -> bool {
    const LENGTH: usize = 8;
    let stem = stem(path);
    if let Some(rest) = stem.strip_prefix(name::file_name(chunk)) {
        if rest.is_empty() {
            return false;
        }
        if rest.starts_with(['-', '.']) && rest.len() == LENGTH + 1 {
            return true;
        }
    }
    // Of the characters of a hash the dash is one, so the hash may hold dashes.
    stem.char_indices().any(|(at, character)| {
        matches!(character, '-' | '.') && stem.len() - at > LENGTH && is_hash(&stem[at + 1..])
    })
}

/// The name of a file without its extension.
fn stem(path: &str) -> &str {
    let file = name::file_name(path);
    &file[..file.len() - name::extension(file).len()]
}

/// Whether it can be a hash and no word: there is a digit in it, or letters of both cases.
fn is_hash(text: &str) -> bool {
    let any = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && (any(u8::is_ascii_digit) || any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase))
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
    fn a_word_is_no_hash_of_vite() {
        for (path, chunk, expected) in [
            ("assets/admin-dashboard.js", "app", false),
            ("assets/admin-dashboard.js", "admin-dashboard", false),
            ("assets/page-Settings2.js", "js/page-Settings2", false),
            ("assets/SETTINGS-DASHBOARD.js", "app", false),
            ("assets/app.BxYz12_4.js", "app", true),
            ("assets/app-B-Yz12_4.js", "app", true),
            // One hash of a thousand looks like a word; Vite's name of the chunk tells.
            ("assets/app-abcdefgh.js", "app", true),
            ("assets/abcdefgh.js", "app", false),
        ] {
            assert_eq!(has_hash(path, chunk), expected, "{path} {chunk}");
        }
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
