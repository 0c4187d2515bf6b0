//! Where everything is kept that can be made again: the compiled bridge, records of builds, compressed assets, layers of
//! images.
//!
//! What is in it decides what a build does: the compiled bridge is code that runs in it, and a record says that nothing has
//! changed. So nobody but its user may write there. It is made with mode 0700, whatever the umask is, and one that belongs to
//! somebody else, or that others can write to, is not used.

use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};

use camino::{Utf8Path, Utf8PathBuf};

/// Why there is no cache. Without one everything works, and takes longer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoCache {
    /// The user has none.
    #[error("there is no directory for caches\nhint: set HOME or XDG_CACHE_HOME")]
    Unknown,
    /// Others may have changed what is in it.
    #[error(
        "the cache `{0}` is not used: others can write to it\nhint: remove it, and the next run makes one that is private"
    )]
    Shared(Utf8PathBuf),
    /// The user is another one, with `sudo` for instance.
    #[error(
        "the cache `{0}` is not used: it belongs to somebody else\nhint: set XDG_CACHE_HOME to a directory of your own"
    )]
    Foreign(Utf8PathBuf),
}

/// The directory; none when there is none that can be trusted.
pub(crate) fn find() -> Option<Utf8PathBuf> {
    usable().ok()
}

/// `$XDG_CACHE_HOME/beamship`, by default `~/.cache/beamship`. Relative paths are ignored, as the XDG Base Directory
/// Specification demands.
///
/// # Errors
///
/// Why there is none that can be used.
pub(crate) fn usable() -> Result<Utf8PathBuf, NoCache> {
    let absolute =
        |name: &str| std::env::var(name).ok().map(Utf8PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .ok_or(NoCache::Unknown)?;
    private(&base.join("beamship"))
}

/// Why the cache is not used, where there is one.
pub(crate) fn problem() -> Option<NoCache> {
    usable().err().filter(|problem| !matches!(problem, NoCache::Unknown))
}

/// The directory, made if it is not there. Where it cannot be made, nothing can be kept in it either, and whoever has to write
/// there says so.
fn private(path: &Utf8Path) -> Result<Utf8PathBuf, NoCache> {
    let mut builder = std::fs::DirBuilder::new();
    builder.mode(0o700);
    if let Err(error) = builder.create(path)
        && error.kind() == ErrorKind::NotFound
        && let Some(parent) = path.parent()
        && tree::file::create_directories(parent).is_ok()
    {
        let _ = builder.create(path);
    }
    match fs_err::metadata(path) {
        Ok(metadata) if metadata.uid() != rustix::process::geteuid().as_raw() => {
            Err(NoCache::Foreign(path.to_owned()))
        }
        Ok(metadata) if metadata.mode() & 0o022 != 0 => Err(NoCache::Shared(path.to_owned())),
        _ => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_private_and_not_used_when_others_can_write_to_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap().join("a/beamship");
        assert_eq!(private(&path).unwrap(), path);
        assert_eq!(fs_err::metadata(&path).unwrap().mode() & 0o777, 0o700);
        for mode in [0o770, 0o702] {
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(private(&path), Err(NoCache::Shared(_))), "{mode:o}");
        }
        // Others may read what is in it.
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(private(&path).unwrap(), path);
        // Where nothing can be made, whoever has to write there says so.
        fs_err::write(path.with_file_name("file"), "").unwrap();
        assert!(private(&path.with_file_name("file").join("beamship")).is_ok());
    }
}
