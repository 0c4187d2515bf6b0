//! Compressed files beside others, as a server looks for them: `app.js.gz` is sent instead of `app.js`. One that a run does
//! not write must not stay when it holds something else than the file beside it; but it may also be the project's own.
//!
//! Beamship compresses an original and its digested file alike, and nobody else compresses digested files. So what is
//! beside an original is of beamship when a digested file of it has one too.

use std::collections::HashMap;

use crate::compression::holds;
use crate::error::AssetsError;
use crate::manifest::Manifest;
use crate::output::Output;

/// The compressed files of a directory.
pub(crate) struct Siblings<'a> {
    output: &'a Output,
    /// The digested files of earlier runs, by the path of the original.
    versions: HashMap<String, Vec<String>>,
}

/// A file, its digested file, and what is in them.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) logical: &'a str,
    pub(crate) original: &'a [u8],
    pub(crate) digested: &'a str,
    pub(crate) content: &'a [u8],
}

/// What is compressed of a file and of its digested file in one format; none where that is not smaller.
#[derive(Clone, Copy)]
pub(crate) struct Compressed<'a> {
    pub(crate) original: Option<&'a [u8]>,
    pub(crate) content: Option<&'a [u8]>,
}

impl<'a> Siblings<'a> {
    /// Those beside the files that the manifest of the last run names.
    pub(crate) fn new(output: &'a Output, manifest: &Manifest) -> Self {
        let mut versions: HashMap<String, Vec<String>> = HashMap::new();
        for (digested, digest) in &manifest.digests {
            versions.entry(digest.logical_path.clone()).or_default().push(digested.clone());
        }
        Self { output, versions }
    }

    /// Writes compressed files, and removes those of beamship that there would be instead. `compressed` is none for a
    /// format in which this run does not compress the file.
    pub(crate) fn write(
        &self,
        pair: Pair<'_>,
        suffix: &str,
        compressed: Option<Compressed<'_>>,
    ) -> Result<(), AssetsError> {
        let of_original = format!("{}{suffix}", pair.logical);
        let of_digested = format!("{}{suffix}", pair.digested);
        let is_digested = pair.digested != pair.logical;
        let (original, content) =
            compressed.map_or((None, None), |compressed| (compressed.original, compressed.content));
        let made = is_digested && self.output.is_file(&of_digested);
        // The original's first: the digested file's tells whose it is, also to the run after one that is killed here.
        match if is_digested { original } else { content } {
            Some(bytes) => self.output.write(&of_original, bytes)?,
            None => {
                if self.output.is_file(&of_original)
                    && (made || self.has_been_made(pair.logical, suffix))
                    && (made && compressed.is_some()
                        || self.is_outdated(&of_original, suffix, pair.original)?)
                {
                    self.output.remove(&of_original)?;
                }
            }
        }
        match content {
            Some(bytes) if is_digested => self.output.write(&of_digested, bytes)?,
            None if made
                && (compressed.is_some() || self.is_outdated(&of_digested, suffix, pair.content)?) =>
            {
                self.output.remove(&of_digested)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a digested file of an earlier run has been compressed.
    fn has_been_made(&self, logical: &str, suffix: &str) -> bool {
        let versions = self.versions.get(logical).into_iter().flatten();
        versions.into_iter().any(|version| self.output.is_file(&format!("{version}{suffix}")))
    }

    fn is_outdated(&self, path: &str, suffix: &str, content: &[u8]) -> Result<bool, AssetsError> {
        Ok(!holds(suffix, &fs_err::read(self.output.path(path))?, content))
    }
}
