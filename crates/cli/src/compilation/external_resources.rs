//! Files that code was compiled from besides its own source: `@external_resource` of Elixir, kept in the compiled module.
//!
//! Those in the directory of the project are looked at anyway. This is about the others.

use beam::BeamFile;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use etf::Term;
use project::LocalApplication;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// What stands in the chunk of attributes, as text, when a module has external resources.
const NAME: &str = "external_resource";

/// The files that modules of these applications name, made absolute from the directory in which each was compiled. A file
/// that is no module names none: it is not compiled code, or the build will fail because of it.
pub(crate) fn of_applications(build: &Utf8Path, local: &[LocalApplication]) -> Vec<Utf8PathBuf> {
    let of_application = |application: &LocalApplication| -> Vec<Utf8PathBuf> {
        let code = build.join("lib").join(&application.name).join("ebin");
        let files: Vec<_> = code.read_dir_utf8().into_iter().flatten().flatten().collect();
        let modules = files.par_iter().filter_map(|file| fs_err::read(file.path()).ok());
        let named = modules.flat_map_iter(|bytes| of_module(&bytes).unwrap_or_default());
        named.map(|path| absolute(&application.directory, &path)).collect()
    };
    local.iter().flat_map(of_application).collect()
}

fn of_module(bytes: &[u8]) -> Option<Vec<String>> {
    let file = BeamFile::parse(bytes).ok()?;
    let attributes = etf::decode(file.chunk(*b"Attr")?).ok()?;
    let named = attributes.as_list()?.iter().filter_map(|attribute| match attribute.as_tuple()? {
        [name, values] if name.is_atom(NAME) => values.as_list(),
        _ => None,
    });
    Some(
        named
            .flatten()
            .filter_map(Term::as_binary)
            .filter_map(|path| String::from_utf8(path.to_vec()).ok())
            .collect(),
    )
}

/// Without `..`, so that it can be seen whether it is in the project. The file need not be there.
fn absolute(directory: &Utf8Path, path: &str) -> Utf8PathBuf {
    let mut absolute = Utf8PathBuf::new();
    for component in directory.join(path).components() {
        match component {
            Utf8Component::ParentDir => {
                absolute.pop();
            }
            other => absolute.push(other),
        }
    }
    absolute
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_out_of_the_project_or_not() {
        let path = |path| absolute(Utf8Path::new("/home/me/shop"), path);
        assert_eq!(path("priv/words"), "/home/me/shop/priv/words");
        assert_eq!(path("../shared/./words"), "/home/me/shared/words");
        assert_eq!(path("/etc/words"), "/etc/words");
        assert_eq!(path("../../../../../words"), "/words");
    }
}
