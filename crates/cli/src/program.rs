//! Programs of this machine.

use camino::Utf8PathBuf;

/// The file of a program: the first of this name in the directories of `PATH`.
pub(crate) fn find(name: &str) -> Option<Utf8PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
        .and_then(|path| Utf8PathBuf::from_path_buf(path).ok())
}
