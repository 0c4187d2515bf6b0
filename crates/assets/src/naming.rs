//! Which digest each file gets, and so which name.
//!
//! Phoenix digests files as they are before names in them are replaced: when an image changes, the stylesheet that shows
//! it has other content and the old name, and browsers keep the old content. Here a file is digested after the names in
//! it have been replaced, so a file has to be named before those that refer to it. Files that refer to each other in a
//! circle (modules do) are digested as they are, together.
//!
//! A source map has the name of the file it belongs to, with `.map` behind it.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::asset::{Asset, md5_of};
use crate::hashed::Hashed;
use crate::name;
use crate::options::Options;
use crate::references::{Purpose, rewrite};
use crate::resolve::{Latest, Resolver};

/// Digest and name of each file.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Names by logical path.
    pub(crate) latest: Latest,
    /// Digests by logical path.
    pub(crate) digests: HashMap<String, String>,
    /// Modules that are imported by the name of the original.
    originals: HashSet<String>,
}

impl Names {
    /// Names all files.
    pub(crate) fn give(assets: &[Asset], hashed: &Hashed, options: &Options) -> Self {
        let index: HashMap<&str, usize> =
            assets.iter().enumerate().map(|(number, asset)| (asset.logical.as_str(), number)).collect();
        let mut names = Self { originals: originals(assets, &index, hashed), ..Self::default() };
        let owner = |asset: &Asset| {
            let owner = asset.logical.strip_suffix(".map")?;
            index.contains_key(owner).then(|| owner.to_owned())
        };
        let (maps, files): (Vec<usize>, Vec<usize>) =
            (0..assets.len()).partition(|number| owner(&assets[*number]).is_some());
        if options.content_digests {
            let groups = {
                let needs = |number: usize| names.needed(&assets[number], &index, options);
                groups(assets.len(), &files, needs)
            };
            for group in groups {
                names.give_group(assets, &group, hashed, options);
            }
        } else {
            for number in files {
                names.set(&assets[number], assets[number].md5.clone(), hashed);
            }
        }
        for number in maps {
            let map = &assets[number];
            let Some(owner) = owner(map) else { continue };
            let digest = names.digests.get(&owner).cloned().unwrap_or_default();
            let digested = match names.latest.get(&owner) {
                Some(digested) if !hashed.files.contains(&map.logical) => format!("{digested}.map"),
                _ => map.logical.clone(),
            };
            names.latest.insert(map.logical.clone(), digested);
            names.digests.insert(map.logical.clone(), digest);
        }
        names
    }

    /// Names files that refer to each other, after all others that they refer to.
    fn give_group(&mut self, assets: &[Asset], group: &[usize], hashed: &Hashed, options: &Options) {
        let contents: Vec<Option<Vec<u8>>> =
            group.iter().map(|number| self.content_to_digest(&assets[*number], options)).collect();
        if let ([number], [content]) = (group, &contents[..]) {
            let digest = content.as_deref().map_or_else(|| assets[*number].md5.clone(), md5_of);
            return self.set(&assets[*number], digest, hashed);
        }
        // What any of them says counts for all.
        let own: BTreeMap<&str, String> = group
            .iter()
            .zip(&contents)
            .map(|(number, content)| {
                let asset = &assets[*number];
                let digest = content.as_deref().map_or_else(|| asset.md5.clone(), md5_of);
                (asset.logical.as_str(), digest)
            })
            .collect();
        let together: String = own.iter().map(|(logical, digest)| format!("{logical} {digest}\n")).collect();
        for number in group {
            let asset = &assets[*number];
            let digest = md5_of(format!("{}\n{together}", asset.logical).as_bytes());
            self.set(asset, digest, hashed);
        }
    }

    /// The content with the names that are known so far. Source maps do not count: they have their names from here.
    fn content_to_digest(&self, asset: &Asset, options: &Options) -> Option<Vec<u8>> {
        let content = asset.content.as_deref()?;
        let resolver = resolver(&asset.logical, options);
        let new = rewrite(content, &asset.references, |reference, written| {
            let counts = matches!(reference.purpose, Purpose::Url | Purpose::Module);
            counts.then(|| self.replacement(&resolver, reference.purpose, written)).flatten()
        });
        Some(new.into_owned())
    }

    /// The content of the digested file, with all names replaced; none when it was not kept.
    pub(crate) fn rewritten(&self, asset: &Asset, options: &Options) -> Option<Vec<u8>> {
        let content = asset.content.as_deref()?;
        let resolver = resolver(&asset.logical, options);
        let new = rewrite(content, &asset.references, |reference, written| {
            self.replacement(&resolver, reference.purpose, written)
        });
        Some(new.into_owned())
    }

    fn replacement(&self, resolver: &Resolver<'_>, purpose: Purpose, written: &str) -> Option<String> {
        if purpose == Purpose::Module
            && resolver
                .logical_path(purpose, written)
                .is_some_and(|logical| self.originals.contains(&logical))
        {
            return None;
        }
        resolver.replacement(purpose, written, &self.latest)
    }

    /// The files whose names are replaced in a file.
    fn needed(&self, asset: &Asset, index: &HashMap<&str, usize>, options: &Options) -> Vec<usize> {
        let Some(content) = asset.content.as_deref() else { return Vec::new() };
        let resolver = resolver(&asset.logical, options);
        let numbers = asset.references.iter().filter_map(|reference| {
            let purpose = reference.purpose;
            if !matches!(purpose, Purpose::Url | Purpose::Module) {
                return None;
            }
            let written = std::str::from_utf8(&content[reference.range.clone()]).ok()?;
            let logical = resolver.logical_path(purpose, written)?;
            if purpose == Purpose::Module && self.originals.contains(&logical) {
                return None;
            }
            index.get(logical.as_str()).copied()
        });
        numbers.collect()
    }

    fn set(&mut self, asset: &Asset, digest: String, hashed: &Hashed) {
        let digested = if hashed.files.contains(&asset.logical) {
            asset.logical.clone()
        } else {
            name::digested(&asset.logical, &digest)
        };
        self.latest.insert(asset.logical.clone(), digested);
        self.digests.insert(asset.logical.clone(), digest);
    }
}

/// How names in a file are resolved.
pub(crate) fn resolver<'a>(logical: &'a str, options: &Options) -> Resolver<'a> {
    Resolver { directory: name::directory(logical), adds_vsn: options.adds_vsn, syntax: options.references }
}

/// Modules that files which a bundler has hashed import, and those that these import in turn. Nothing is replaced in a
/// hashed file, so they are loaded by the name of the original. A module of two names runs twice: so all others have to
/// import the original too.
fn originals(assets: &[Asset], index: &HashMap<&str, usize>, hashed: &Hashed) -> HashSet<String> {
    let mut originals = HashSet::new();
    let mut open: Vec<&Asset> = assets.iter().filter(|asset| hashed.files.contains(&asset.logical)).collect();
    while let Some(asset) = open.pop() {
        for import in &asset.imports {
            if let Some(number) = index.get(import.as_str())
                && originals.insert(import.clone())
            {
                open.push(&assets[*number]);
            }
        }
    }
    originals
}

/// Strongly connected components, each after those it refers to (Tarjan 1972, without recursion: chains may be long).
fn groups(count: usize, roots: &[usize], needs: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let mut order = vec![NEW; count];
    let mut low = vec![0; count];
    let mut on_stack = vec![false; count];
    let (mut stack, mut result, mut next) = (Vec::new(), Vec::new(), 0);
    for root in roots {
        if order[*root] != NEW {
            continue;
        }
        let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut enter = Some(*root);
        loop {
            if let Some(node) = enter.take() {
                (order[node], low[node]) = (next, next);
                next += 1;
                stack.push(node);
                on_stack[node] = true;
                open.push((node, needs(node)));
            }
            let Some((node, rest)) = open.last_mut() else { break };
            let node = *node;
            match rest.pop() {
                Some(other) if order[other] == NEW => enter = Some(other),
                Some(other) if on_stack[other] => low[node] = low[node].min(order[other]),
                Some(_) => {}
                None => {
                    open.pop();
                    if let Some((parent, _)) = open.last() {
                        low[*parent] = low[*parent].min(low[node]);
                    }
                    if low[node] == order[node] {
                        let from = stack.iter().rposition(|member| *member == node).unwrap_or(0);
                        let group = stack.split_off(from);
                        for member in &group {
                            on_stack[*member] = false;
                        }
                        result.push(group);
                    }
                }
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[(&str, &str)], options: &Options) -> Names {
        let assets: Vec<Asset> = files
            .iter()
            .map(|(logical, text)| {
                let content = text.as_bytes().to_vec();
                let asset = Asset::new((*logical).to_owned(), &content, options, false);
                Asset { content: (!asset.references.is_empty()).then_some(content), ..asset }
            })
            .collect();
        Names::give(&assets, &Hashed::default(), options)
    }

    const FILES: [(&str, &str); 5] = [
        ("a.css", "a{b:url(x.png)}"),
        ("app.js", "import './b.js'\n//# sourceMappingURL=app.js.map"),
        ("app.js.map", "{\"file\":\"app.js\"}"),
        ("b.js", "import './app.js'"),
        ("x.png", "1"),
    ];

    #[test]
    fn a_file_has_another_name_when_what_it_refers_to_has_changed() {
        let options = Options::usual(0);
        let before = names(&FILES, &options);
        let mut changed = FILES;
        changed[4].1 = "2";
        let after = names(&changed, &options);
        for (path, same) in [("a.css", false), ("app.js", true), ("b.js", true), ("x.png", false)] {
            assert_eq!(before.latest[path] == after.latest[path], same, "{path}");
        }
        changed[3].1 = "import './app.js';";
        let after = names(&changed, &options);
        for (path, same) in [("app.js", false), ("app.js.map", false), ("b.js", false)] {
            assert_eq!(before.latest[path] == after.latest[path], same, "{path}");
        }
        assert_eq!(after.latest["app.js.map"], format!("{}.map", after.latest["app.js"]));
    }

    #[test]
    fn with_phoenix_it_keeps_its_name() {
        let options = Options::usual(0).compatible();
        let mut changed = FILES;
        let before = names(&FILES, &options);
        changed[4].1 = "2";
        let after = names(&changed, &options);
        assert_eq!(before.latest["a.css"], after.latest["a.css"]);
        assert_eq!(before.digests["a.css"], md5_of(FILES[0].1.as_bytes()));
    }

    #[test]
    fn a_long_chain_and_a_large_circle_cost_no_stack() {
        let count = 100_000;
        let chain = groups(count, &[0], |node| if node + 1 < count { vec![node + 1] } else { vec![] });
        assert_eq!(chain.len(), count);
        assert_eq!(chain[0], [count - 1]);
        let circle = groups(count, &[0], |node| vec![(node + 1) % count]);
        assert_eq!(circle.len(), 1);
    }
}
