//! Where the launcher is: the executable that is copied into releases.

use camino::{Utf8Path, Utf8PathBuf};

/// Overrides the place, for tests and unusual installations.
pub(crate) const VARIABLE: &str = "BEAMSHIP_LAUNCHER";

/// What it is called.
pub(crate) const NAME: &str = "beamship-launcher";

/// The launcher is missing.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot find `{NAME}`, the executable that becomes `bin/NAME` of a release, at `{path}`\nhint: it is installed together with beamship (`cargo install --path crates/cli` installs both); {VARIABLE} can name another place"
)]
pub(crate) struct LauncherMissing {
    path: Utf8PathBuf,
}

/// Finds the launcher beside this executable, links resolved, unless the environment names it.
///
/// # Errors
///
/// When there is no file at that place.
pub(crate) fn find() -> Result<Utf8PathBuf, LauncherMissing> {
    let path = std::env::var(VARIABLE).map_or_else(|_| beside_this_executable(), Utf8PathBuf::from);
    if path.is_file() { Ok(path) } else { Err(LauncherMissing { path }) }
}

fn beside_this_executable() -> Utf8PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|path| Utf8PathBuf::from_path_buf(path).ok())
        .map(|path| path.canonicalize_utf8().unwrap_or(path))
        .as_deref()
        .and_then(Utf8Path::parent)
        .map_or_else(|| Utf8PathBuf::from(NAME), |directory| directory.join(NAME))
}
