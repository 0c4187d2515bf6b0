//! `digest`: from the files of a directory to digested ones and a manifest.
//!
//! At every moment the manifest and the files that it names agree. New files have new names, so they can be written while
//! the old manifest is in force; the manifest is exchanged when all are there. Where a name stays and its content
//! changes (a source map, or everything under the settings of Phoenix), the name leaves the manifest first.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use camino::Utf8Path;
use data_encoding::BASE64;
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::asset::{Asset, sha512_of};
use crate::cache::{Cache, Key};
use crate::compression::{Encoder, SUFFIXES};
use crate::error::AssetsError;
use crate::hashed::Hashed;
use crate::manifest::{self, Digest, Manifest, UNIX_EPOCH};
use crate::memory::Memory;
use crate::name;
use crate::naming::Names;
use crate::options::{Options, ReferenceSyntax};
use crate::output::{Output, create_directory};
use crate::siblings::{Compressed, Pair, Siblings};
use crate::summary::Summary;
use crate::walk::{self, Found};

/// What a run reports while it runs.
pub trait Progress: Sync {
    /// How many files are done, of how many.
    fn files(&self, done: usize, total: usize);
    /// Another run writes to the same directory.
    fn waiting(&self);
}

impl Progress for () {
    fn files(&self, _: usize, _: usize) {}
    fn waiting(&self) {}
}

/// Digests the files of `input` into `output`, which may be the same directory.
///
/// # Errors
///
/// When a file cannot be digested, read or written. The manifest is then the earlier one.
pub fn digest(
    input: &Utf8Path,
    output: &Utf8Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Summary, AssetsError> {
    if !is_there(input)? {
        return Err(AssetsError::NoInput { path: input.to_owned() });
    }
    if !fs_err::metadata(input)?.is_dir() {
        return Err(AssetsError::NotDirectory { path: input.to_owned() });
    }
    create_directory(output)?;
    let output_directory = output;
    let output = Output::lock(output, &|| progress.waiting())?;
    output.remove_unfinished()?;
    let memory = Memory::new(input, output_directory, options).filter(|_| options.keep_times);
    let same_place = input.canonicalize_utf8().ok() == output_directory.canonicalize_utf8().ok();
    let others = || if same_place { Ok(Vec::new()) } else { walk::files(output_directory) };
    let found = walk::files(input)?;
    if let Some(memory) = &memory {
        let others = others()?;
        if let Some(summary) = memory.recall(&[&found, &others]) {
            return Ok(Summary { unchanged: true, written: 0, carried: 0, ..summary });
        }
    }
    let files = digestible(found, options);
    let hashed = if options.keeps_bundler_names { Hashed::find(input, &files)? } else { Hashed::default() };
    let mut old = load(output_directory)?.unwrap_or_default();
    forget_what_is_gone(&mut old, output_directory)?;
    let run = Run {
        options,
        output: &output,
        siblings: Siblings::new(&output, &old),
        same_place,
        hashed: &hashed,
        cache: options.cache.as_deref().map(Cache::new),
        summary: Mutex::default(),
        done: AtomicUsize::new(0),
        total: files.len(),
        progress,
    };
    let mut summary = run.all(files, old)?;
    summary.written = output.written();
    if let Some(memory) = memory {
        // Nothing but time is lost without it.
        let _ = memory.remember(&[&walk::files(input)?, &others()?], &summary);
    }
    if let Some(cache) = run.cache
        && summary.written > 0
    {
        cache.shrink();
    }
    Ok(summary)
}

/// All files but those that an earlier run, or a compressor, has made of others.
fn digestible(found: Vec<Found>, options: &Options) -> Vec<Found> {
    let names: HashSet<String> = found.iter().map(|file| file.logical.clone()).collect();
    let is_compressed = |path: &str| {
        SUFFIXES.iter().any(|suffix| {
            let ours = options.encoders.iter().any(|encoder| encoder.suffix() == *suffix);
            path.strip_suffix(suffix).is_some_and(|original| {
                ours && name::extension(path) == *suffix
                    || options.references == ReferenceSyntax::Parsed && names.contains(original)
            })
        })
    };
    found
        .into_iter()
        .filter(|file| {
            !name::is_digested(&file.logical)
                && name::file_name(&file.logical) != manifest::FILE
                && !is_compressed(&file.logical)
        })
        .collect()
}

/// The manifest of a directory; empty when there is none.
pub(crate) fn load(directory: &Utf8Path) -> Result<Option<Manifest>, AssetsError> {
    let path = directory.join(manifest::FILE);
    match fs_err::read(&path) {
        Ok(text) => Manifest::parse(&text).map(Some).map_err(|reason| AssetsError::Manifest { path, reason }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Takes names out of a manifest whose files somebody has removed. A file that cannot be looked at is not gone.
pub(crate) fn forget_what_is_gone(manifest: &mut Manifest, directory: &Utf8Path) -> Result<(), AssetsError> {
    let mut gone = HashSet::new();
    for path in manifest.digests.keys() {
        if !is_there(&directory.join(path))? {
            gone.insert(path.clone());
        }
    }
    manifest.digests.retain(|path, _| !gone.contains(path));
    Ok(())
}

/// Whether there is something at a path; an error where that cannot be found out.
pub(crate) fn is_there(path: &Utf8Path) -> Result<bool, AssetsError> {
    match fs_err::metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

struct Run<'a> {
    options: &'a Options,
    output: &'a Output,
    siblings: Siblings<'a>,
    same_place: bool,
    hashed: &'a Hashed,
    cache: Option<Cache>,
    summary: Mutex<Summary>,
    done: AtomicUsize,
    total: usize,
    progress: &'a dyn Progress,
}

impl Run<'_> {
    fn all(&self, files: Vec<Found>, mut old: Manifest) -> Result<Summary, AssetsError> {
        // Files without names in them have their own name at once, and are done.
        let assets: Vec<Asset> =
            files.into_par_iter().map(|file| self.read(file, &old)).collect::<Result<_, _>>()?;
        let names = Names::give(&assets, self.hashed, self.options);
        let rewritten: Vec<(&Asset, Vec<u8>)> = assets
            .par_iter()
            .filter_map(|asset| Some((asset, names.rewritten(asset, self.options)?)))
            .collect();
        self.forget_what_changes(&mut old, &rewritten, &names)?;
        let contents: BTreeMap<&str, Key> = rewritten
            .par_iter()
            .map(|(asset, content)| {
                let original = asset.content.as_deref().unwrap_or_default();
                self.place(asset, &names.latest[&asset.logical], original, content)
                    .map(|key| (asset.logical.as_str(), key))
            })
            .collect::<Result<_, _>>()?;

        let manifest = self.manifest(&assets, &names, &contents, old);
        self.output.write(manifest::FILE, manifest.text().as_bytes())?;
        let mut summary = self.summary.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        summary.files = assets.len();
        summary.hashed = self.hashed.files.len();
        Ok(summary)
    }

    /// Reads a file, and writes what is made of it when its name is known: when nothing in it is replaced and no other
    /// file gives it its name. What the manifest in force says of that name must stay true.
    fn read(&self, file: Found, old: &Manifest) -> Result<Asset, AssetsError> {
        let content = fs_err::read(&file.path)?;
        let hashed = self.hashed.files.contains(&file.logical);
        let mut asset = Asset::new(file.logical, &content, self.options, hashed);
        let digested =
            if hashed { asset.logical.clone() } else { name::digested(&asset.logical, &asset.md5) };
        let named_by_another = !hashed && asset.logical.ends_with(".map");
        let changes = || old.digests.contains_key(&digested) && !self.output.has(&digested, &content);
        if !asset.references.is_empty() || named_by_another || changes() {
            asset.content = Some(content);
            return Ok(asset);
        }
        self.place(&asset, &digested, &content, &content)?;
        Ok(asset)
    }

    /// Takes names out of the manifest whose files are about to get other content.
    fn forget_what_changes(
        &self,
        old: &mut Manifest,
        rewritten: &[(&Asset, Vec<u8>)],
        names: &Names,
    ) -> Result<(), AssetsError> {
        let changing: HashSet<&String> = rewritten
            .iter()
            .map(|(asset, content)| (&names.latest[&asset.logical], content))
            .filter(|(digested, content)| {
                old.digests.contains_key(*digested) && !self.output.has(digested, content)
            })
            .map(|(digested, _)| digested)
            .collect();
        if changing.is_empty() {
            return Ok(());
        }
        for digested in &changing {
            old.digests.remove(*digested);
        }
        old.latest.retain(|_, digested| !changing.contains(&*digested));
        self.output.write(manifest::FILE, old.text().as_bytes())
    }

    /// Writes the digested file, the original where it is not there yet, and both compressed. Gives the digest of the
    /// digested file's content.
    fn place(
        &self,
        asset: &Asset,
        digested: &str,
        original: &[u8],
        content: &[u8],
    ) -> Result<Key, AssetsError> {
        let same = original == content;
        let key = if same { asset.sha512 } else { sha512_of(content) };
        self.output.write(digested, content)?;
        if !self.same_place {
            self.output.write(&asset.logical, original)?;
        }
        let pair = Pair { logical: &asset.logical, original, digested, content };
        let mut sizes = BTreeMap::new();
        for suffix in SUFFIXES {
            let Some(encoder) = self.encoder(&asset.logical, suffix) else {
                // Otherwise Phoenix digests such a file like any other.
                if self.options.references == ReferenceSyntax::Parsed {
                    self.siblings.write(pair, suffix, None)?;
                }
                continue;
            };
            let small = self.compressed(encoder, content, &key)?;
            if let Some(small) = &small {
                sizes.insert(suffix, small.len() as u64);
            }
            let other;
            let of_original = if same {
                small.as_deref()
            } else {
                other = self.compressed(encoder, original, &asset.sha512)?;
                other.as_deref()
            };
            let compressed = Compressed { original: of_original, content: small.as_deref() };
            self.siblings.write(pair, suffix, Some(compressed))?;
        }
        self.count(asset, content.len() as u64, &sizes);
        Ok(key)
    }

    /// What a file is compressed with to get this suffix.
    fn encoder(&self, logical: &str, suffix: &str) -> Option<&Encoder> {
        let mut encoders = self.options.encoders.iter();
        encoders.find(|encoder| encoder.suffix() == suffix).filter(|_| self.options.compresses(logical))
    }

    /// What a compressor makes of content; none when that is not smaller.
    fn compressed(
        &self,
        encoder: &Encoder,
        content: &[u8],
        key: &Key,
    ) -> Result<Option<Vec<u8>>, AssetsError> {
        let known = self.cache.as_ref().and_then(|cache| cache.get(key, encoder));
        let bytes = match known {
            Some(bytes) => bytes,
            None => {
                let bytes = encoder.compress(content)?;
                if let Some(cache) = &self.cache {
                    cache.put(key, encoder, &bytes);
                }
                bytes
            }
        };
        Ok((self.options.even_if_larger || bytes.len() < content.len()).then_some(bytes))
    }

    fn count(&self, asset: &Asset, bytes: u64, sizes: &BTreeMap<&str, u64>) {
        let mut summary = self.summary.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let kind = summary.kinds.entry(name::extension(&asset.logical).to_owned()).or_default();
        kind.files += 1;
        kind.bytes += bytes;
        for (suffix, size) in sizes {
            *kind.compressed.entry((*suffix).to_owned()).or_default() += size;
        }
        drop(summary);
        self.progress.files(self.done.fetch_add(1, Ordering::Relaxed) + 1, self.total);
    }

    fn manifest(
        &self,
        assets: &[Asset],
        names: &Names,
        contents: &BTreeMap<&str, Key>,
        mut old: Manifest,
    ) -> Manifest {
        let now = self.options.modified.saturating_add(UNIX_EPOCH);
        let mut latest: BTreeMap<String, String> =
            names.latest.iter().map(|(logical, digested)| (logical.clone(), digested.clone())).collect();
        for (source, file) in &self.hashed.sources {
            latest.entry(source.clone()).or_insert_with(|| file.clone());
        }
        // With Phoenix an entry has the time of the last run in which it was the newest.
        if self.options.keep_times {
            old.supersede(&latest, now);
        }
        let mut digests = old.digests;
        for asset in assets {
            let digested = &names.latest[&asset.logical];
            // What a bundler has named is not ours: cleaning must not remove it.
            if *digested == asset.logical {
                continue;
            }
            let key = contents.get(asset.logical.as_str()).unwrap_or(&asset.sha512);
            let sha512 = Some(BASE64.encode(key));
            let earlier =
                digests.get(digested).filter(|entry| self.options.keep_times && entry.sha512 == sha512);
            let mtime = earlier.map_or(now, |entry| entry.mtime);
            let digest = names.digests[&asset.logical].clone();
            let entry =
                Digest { digest, logical_path: asset.logical.clone(), mtime, sha512, size: asset.size };
            digests.insert(digested.clone(), entry);
        }
        Manifest { latest, digests }
    }
}
