//! Where everything is kept that can be made again: the compiled bridge, records of builds, compressed assets, layers of
//! images.

use camino::Utf8PathBuf;

/// `$XDG_CACHE_HOME/beamship`, by default `~/.cache/beamship`; none when the user has neither. Relative paths are ignored, as
/// the XDG Base Directory Specification demands.
pub(crate) fn find() -> Option<Utf8PathBuf> {
    let absolute =
        |name: &str| std::env::var(name).ok().map(Utf8PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("beamship"))
}
