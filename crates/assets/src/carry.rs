//! Digested files of earlier releases, brought along: a page that was opened before a deploy asks for them afterwards.

use camino::{Utf8Path, Utf8PathBuf};

use crate::compression::SUFFIXES;
use crate::digest::{is_there, load};
use crate::error::AssetsError;
use crate::manifest::{self, UNIX_EPOCH};
use crate::output::Output;

/// Copies the digested files that the manifest of an earlier release names, and what was compressed of them, to a
/// directory that has been digested. Gives the number of files that were not there before.
///
/// `from` is the earlier `priv/static`, or an earlier release that has one. `modified`, in seconds since 1970, is the time
/// from which cleaning counts the age of what was the newest in the earlier release and no longer is; what was not keeps
/// its time, so that files that every release brings along grow old nevertheless.
///
/// # Errors
///
/// When there is no manifest, or a file cannot be copied.
pub fn carry(from: &Utf8Path, to: &Utf8Path, modified: u64) -> Result<usize, AssetsError> {
    let from = find(from)?;
    let Some(mut earlier) = load(&from)? else { return Err(AssetsError::NothingToCarry { path: from }) };
    let output = Output::lock(to, &|| {})?;
    let mut manifest = load(to)?.unwrap_or_default();
    let hashed =
        earlier.latest.iter().filter(|(logical, digested)| logical == digested).map(|(path, _)| path);
    let mut count = 0;
    for path in earlier.digests.keys().chain(hashed) {
        for file in std::iter::once(path.clone()).chain(SUFFIXES.map(|suffix| format!("{path}{suffix}"))) {
            if is_there(&output.path(&file))? || !is_there(&from.join(&file))? {
                continue;
            }
            output.write(&file, &fs_err::read(from.join(&file))?)?;
            count += 1;
        }
    }
    earlier.supersede(&manifest.latest, modified.saturating_add(UNIX_EPOCH));
    for (path, digest) in earlier.digests {
        if is_there(&output.path(&path))? {
            let mtime = digest.mtime;
            let entry = manifest.digests.entry(path).or_insert(digest);
            entry.mtime = entry.mtime.max(mtime);
        }
    }
    output.write(manifest::FILE, manifest.text().as_bytes())?;
    Ok(count)
}

/// The directory of the manifest: the one that is given, or the one of the application in a release that has one.
fn find(from: &Utf8Path) -> Result<Utf8PathBuf, AssetsError> {
    if from.join(manifest::FILE).is_file() {
        return Ok(from.to_owned());
    }
    let applications = from.join("lib").read_dir_utf8().into_iter().flatten().flatten();
    let mut found: Vec<Utf8PathBuf> = applications
        .map(|application| application.path().join("priv/static"))
        .filter(|directory| directory.join(manifest::FILE).is_file())
        .collect();
    found.sort();
    // Several versions of an application: the newest is the one that was last written.
    let written = |directory: &Utf8PathBuf| {
        fs_err::metadata(directory.join(manifest::FILE)).and_then(|metadata| metadata.modified()).ok()
    };
    found.into_iter().max_by_key(written).ok_or_else(|| AssetsError::NothingToCarry { path: from.to_owned() })
}
