//! The system configuration, and the private copy of it that a release needs which reboots after runtime configuration
//! (`Config.Provider`, and the option `:reboot_system_after_config` of `Mix.Tasks.Release`).
//!
//! Such a system writes what it has computed (secrets among it) into the file that it was started with, and reads it
//! again when it reboots. So it is started with a copy in `RELEASE_TMP` that only its user may read, and that is
//! removed when the system has ended. A launcher that is killed cannot remove its copy: the next one does. Every copy
//! is locked by the launcher that made it, and one that is not locked is left over.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::{Environment, env_var};
use crate::failure::Failure;
use crate::private_file;
use crate::random::digits;
use crate::release::Release;

/// What a private copy was made from. A system that runs its own release's command (heart does, to start it again)
/// hands it on along with the name of its copy, which belongs to one start only and may be gone.
const COPIED_FROM: &str = "BEAMSHIP_SYS_CONFIG";

/// The configuration that the virtual machine is started with.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// What was asked for, without `.config`.
    original: PathBuf,
    /// `RELEASE_SYS_CONFIG`: the same, or the private copy.
    pub(crate) path: PathBuf,
    /// Whether the system reboots when it is configured.
    pub(crate) reboots: bool,
    /// The text of the file.
    text: Vec<u8>,
    /// The private copy, if there is one; removed when this is dropped.
    pub(crate) copy: Option<PrivateCopy>,
}

impl Configuration {
    /// Finds the configuration and copies it where that is needed.
    pub(crate) fn prepare(release: &Release, environment: &Environment) -> Result<Self, Failure> {
        let mut configuration = Self::read(release)?;
        if configuration.reboots {
            let copy = PrivateCopy::write(release, environment, &configuration.text)?;
            configuration.path.clone_from(&copy.base);
            configuration.copy = Some(copy);
        }
        Ok(configuration)
    }

    /// Finds the configuration, and leaves it where it is.
    pub(crate) fn read(release: &Release) -> Result<Self, Failure> {
        let paths = ["RELEASE_SYS_CONFIG", COPIED_FROM].map(|name| env_var(name).map(PathBuf::from));
        let original =
            original(paths, &release.name).unwrap_or_else(|| release.version_directory().join("sys"));
        let file = with_config(&original);
        let text = std::fs::read(&file).map_err(|error| {
            Failure::cannot("read", file.display(), error)
                .hint("RELEASE_SYS_CONFIG names it; if nobody has set that, the release is incomplete: build it again")
        })?;
        Ok(Self { path: original.clone(), original, reboots: reboots(&text), text, copy: None })
    }

    /// Whether it contains a word.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        contains(&self.text, word.as_bytes())
    }

    /// What `config_env()` gives in the release's `runtime.exs`.
    pub(crate) fn environment(&self) -> String {
        let key = b"[{env,";
        let start = self.text.windows(key.len()).position(|window| window == key);
        let name = start.and_then(|start| self.text[start + key.len()..].split(|byte| *byte == b'}').next());
        name.map_or_else(|| "prod".to_owned(), |name| String::from_utf8_lossy(name).into_owned())
    }

    /// Tells the virtual machine.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.env("RELEASE_SYS_CONFIG", &self.path);
        if self.copy.is_some() {
            command.env(COPIED_FROM, &self.original);
        } else {
            command.env_remove(COPIED_FROM);
        }
    }
}

/// The configuration that was asked for, from the values of `RELEASE_SYS_CONFIG` and [`COPIED_FROM`].
fn original([configuration, copied_from]: [Option<PathBuf>; 2], name: &str) -> Option<PathBuf> {
    let is_copy = configuration.as_ref().is_some_and(|base| {
        with_config(base).file_name().is_some_and(|file| is_copy_of(&file.to_string_lossy(), name))
    });
    if is_copy { copied_from } else { configuration }
}

fn with_config(base: &Path) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(".config");
    path.into()
}

/// Whether `bytes` contain these.
pub(crate) fn contains(bytes: &[u8], searched: &[u8]) -> bool {
    bytes.windows(searched.len()).any(|window| window == searched)
}

/// Mix's marker in a comment of the file.
pub(crate) fn reboots(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').take(4).any(|line| line.ends_with(b"RUNTIME_CONFIG=true"))
}

/// A copy of the configuration that only this user may read.
#[derive(Debug)]
pub(crate) struct PrivateCopy {
    base: PathBuf,
    /// Holds the lock that says that the copy is in use.
    file: File,
}

impl PrivateCopy {
    fn write(release: &Release, environment: &Environment, bytes: &[u8]) -> Result<Self, Failure> {
        let directory = environment.path("RELEASE_TMP");
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .and_then(|()| {
                remove_ownerless(&directory, &release.name);
                let mut copy = Self::create(&directory, release)?;
                copy.file.write_all(bytes)?;
                Ok(copy)
            })
            .map_err(|error| {
                Failure::cannot("write the runtime configuration to", directory.display(), error)
                    .hint("RELEASE_TMP has to be a directory that the system may write to")
            })
    }

    /// An empty copy, locked.
    fn create(directory: &Path, release: &Release) -> std::io::Result<Self> {
        loop {
            let base = directory.join(format!("{}-{}-{}.runtime", release.name, release.version, digits()?));
            let file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(with_config(&base))?;
            match file.try_lock() {
                Ok(()) if file.metadata()?.nlink() > 0 => return Ok(Self { base, file }),
                // Another launcher found it before it was locked, and has removed it.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                // A file system without locks: others cannot lock it either, and so do not remove it.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(Self { base, file });
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        // Pruned already, or the directory is gone: what counts is that it is not there.
        let _ = std::fs::remove_file(with_config(&self.base));
    }
}

/// Removes copies whose launcher is gone. Files that cannot be opened, or are not of this release, are left alone.
fn remove_ownerless(directory: &Path, name: &str) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.filter_map(Result::ok) {
        if !is_copy_of(&entry.file_name().to_string_lossy(), name) {
            continue;
        }
        let Ok(file) = private_file::open(&entry.path()) else { continue };
        if file.try_lock().is_ok() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether a file is a copy that a launcher of this release made. Mix's are named alike, with four digits.
fn is_copy_of(file: &str, name: &str) -> bool {
    let random = file
        .strip_suffix(".runtime.config")
        .filter(|file| file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')))
        .and_then(|file| file.rsplit('-').next());
    random.is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_copies_of_this_release_are_its_own() {
        assert!(is_copy_of("demo-0.1.0-rc-1-0123456789abcdef.runtime.config", "demo"));
        for other in [
            "demo-0.1.0-20260101000000-12ab.runtime.config",
            "demonstration-1.0-0123456789abcdef.runtime.config",
            "demo-1.0-0123456789abcdef.config",
            "demo-1.0-0123456789abcdeg.runtime.config",
        ] {
            assert!(!is_copy_of(other, "demo"), "{other}");
        }
    }

    #[test]
    fn the_copy_of_another_system_is_not_taken_over() {
        let path = |text: &str| Some(PathBuf::from(text));
        let copy = || path("/tmp/demo-0.1.0-0123456789abcdef.runtime");
        assert_eq!(original([copy(), path("/etc/other")], "demo"), path("/etc/other"));
        assert_eq!(original([copy(), None], "demo"), None);
        // Somebody has chosen one since.
        assert_eq!(original([path("/etc/new"), path("/etc/other")], "demo"), path("/etc/new"));
        assert_eq!(original([None, path("/etc/other")], "demo"), None);
    }

    #[test]
    fn the_marker_of_mix_is_found_in_the_first_lines_only() {
        assert!(reboots(b"%% coding: utf-8\n%% RUNTIME_CONFIG=true\n[].\n"));
        assert!(!reboots(b"%% coding: utf-8\n%% RUNTIME_CONFIG=false\n[].\n"));
        assert!(!reboots(
            b"%% coding: utf-8\n%% RUNTIME_CONFIG=false\n[{a,\n[\n\"RUNTIME_CONFIG=true\n\"]}].\n"
        ));
    }
}
