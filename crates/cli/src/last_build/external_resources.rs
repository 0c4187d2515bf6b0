//! Files that code was compiled from besides its own source: `@external_resource` of Elixir, kept in the compiled module.
//!
//! Those in the directory of the project are looked at anyway. This is about the others.

use beam::BeamFile;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use etf::Term;

/// What stands in the chunk of attributes, as text, when a module has external resources.
const NAME: &str = "external_resource";

/// The files that the modules in these files name, made absolute from the directory in which each was compiled. A file that
/// is no module names none: it is not compiled code, or the build has already failed because of it.
pub(super) fn of_modules<'a>(modules: impl Iterator<Item = (Utf8PathBuf, &'a Utf8Path)>) -> Vec<Utf8PathBuf> {
    modules
        .filter_map(|(path, directory)| Some((fs_err::read(path).ok()?, directory)))
        .flat_map(|(bytes, directory)| {
            let named = of_module(&bytes).unwrap_or_default();
            named.into_iter().map(|path| absolute(directory, &path)).collect::<Vec<_>>()
        })
        .collect()
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
