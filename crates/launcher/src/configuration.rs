//! The system configuration, and the private copy of it that a release needs which reboots after runtime configuration
//! (specification §5.3 and §5.4).
//!
//! Such a system writes what it has computed (secrets among it) into the file that it was started with, and reads it
//! again when it reboots. So it is started with a copy in `RELEASE_TMP` that only its user may read, and that is
//! removed when the system has ended. A launcher that is killed cannot remove its copy: the next one does. Every copy
//! is locked by the launcher that made it, and what is not locked has no owner any more.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::environment::{Environment, given};
use crate::failure::Failure;
use crate::release::Release;

const SUFFIX: &str = ".runtime.config";

/// The configuration that the virtual machine is started with.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// `RELEASE_SYS_CONFIG`: its path without `.config`.
    pub(crate) path: PathBuf,
    /// Whether the system reboots when it is configured.
    pub(crate) reboots: bool,
    /// The private copy, if there is one; removed when this is dropped.
    pub(crate) copy: Option<PrivateCopy>,
}

impl Configuration {
    /// Finds the configuration and copies it where that is needed.
    pub(crate) fn prepare(release: &Release, environment: &Environment) -> Result<Self, Failure> {
        let base = given("RELEASE_SYS_CONFIG")
            .map_or_else(|| release.version_directory().join("sys"), PathBuf::from);
        let original = with_config(&base);
        let mut bytes = Vec::new();
        File::open(&original)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|error| Failure::cannot("read", original.display(), error))?;
        if !reboots(&bytes) {
            return Ok(Self { path: base, reboots: false, copy: None });
        }
        let copy = PrivateCopy::write(release, environment, &bytes)?;
        Ok(Self { path: copy.base.clone(), reboots: true, copy: Some(copy) })
    }
}

fn with_config(base: &Path) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(".config");
    path.into()
}

/// Mix's marker in a comment of the file.
fn reboots(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').take(4).any(|line| line.ends_with(b"RUNTIME_CONFIG=true"))
}

/// A copy of the configuration that nobody else may read.
#[derive(Debug)]
pub(crate) struct PrivateCopy {
    base: PathBuf,
    /// Holds the lock that says that the copy is in use.
    _file: File,
}

impl PrivateCopy {
    fn write(release: &Release, environment: &Environment, bytes: &[u8]) -> Result<Self, Failure> {
        let directory = environment.path("RELEASE_TMP");
        let unwritable = |error: std::io::Error| {
            Failure::cannot("write the runtime configuration to", directory.display(), error)
                .hint("RELEASE_TMP has to be a directory that the system may write to")
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(unwritable)?;
        remove_ownerless(&directory);
        let name = format!("{}-{}-{}", release.name, release.version, random().map_err(unwritable)?);
        let base = directory.join(format!("{name}.runtime"));
        let path = with_config(&base);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(unwritable)?;
        file.try_lock().map_err(|error| unwritable(error.into()))?;
        let copy = Self { base, _file: file.try_clone().map_err(unwritable)? };
        file.write_all(bytes).map_err(unwritable)?;
        Ok(copy)
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        // Pruned already, or the directory is gone: what counts is that it is not there.
        let _ = std::fs::remove_file(with_config(&self.base));
    }
}

/// Removes copies whose launcher is gone. What cannot be looked at is left alone.
fn remove_ownerless(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.filter_map(Result::ok) {
        if !entry.file_name().to_string_lossy().ends_with(SUFFIX) {
            continue;
        }
        let Ok(file) = File::open(entry.path()) else { continue };
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// 16 hexadecimal digits that nobody can guess.
fn random() -> std::io::Result<String> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_of_mix_is_found_in_the_first_lines_only() {
        assert!(reboots(b"%% coding: utf-8\n%% RUNTIME_CONFIG=true\n[].\n"));
        assert!(!reboots(b"%% coding: utf-8\n%% RUNTIME_CONFIG=false\n[].\n"));
        assert!(!reboots(
            b"%% coding: utf-8\n%% RUNTIME_CONFIG=false\n[{a,\n[\n\"RUNTIME_CONFIG=true\n\"]}].\n"
        ));
    }
}
