//! The files of a directory, as `Path.wildcard("**")` sees them: links are followed, and what begins with a dot is not
//! there.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::AssetsError;

/// A file of the directory.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Its path in the directory.
    pub(crate) logical: String,
    /// Where it is.
    pub(crate) path: Utf8PathBuf,
    pub(crate) metadata: Metadata,
}

/// All files below a directory, in the order of their paths.
///
/// # Errors
///
/// For names that are not UTF-8, links that lead nowhere or in a circle, and what is neither file nor directory.
pub(crate) fn files(root: &Utf8Path) -> Result<Vec<Found>, AssetsError> {
    let mut found = Vec::new();
    let metadata = fs_err::metadata(root)?;
    walk(root, "", &mut vec![(metadata.dev(), metadata.ino())], &mut found)?;
    found.sort_by(|one, other| one.logical.cmp(&other.logical));
    Ok(found)
}

fn walk(
    directory: &Utf8Path,
    logical: &str,
    above: &mut Vec<(u64, u64)>,
    found: &mut Vec<Found>,
) -> Result<(), AssetsError> {
    for entry in fs_err::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            return Err(AssetsError::Name { path: entry.path() });
        };
        if name.starts_with('.') {
            continue;
        }
        let path = directory.join(&name);
        let metadata = match fs_err::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if entry.file_type()?.is_symlink() => {
                let what = format!("it is a link that leads nowhere ({})", error.kind());
                return Err(AssetsError::NotRegular { path, what });
            }
            // Removed since the directory was read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let logical = if logical.is_empty() { name } else { format!("{logical}/{name}") };
        if metadata.is_dir() {
            let identity = (metadata.dev(), metadata.ino());
            if above.contains(&identity) {
                let what = "it is a link to a directory that it is in".to_owned();
                return Err(AssetsError::NotRegular { path, what });
            }
            above.push(identity);
            walk(&path, &logical, above, found)?;
            above.pop();
        } else if metadata.is_file() {
            found.push(Found { logical, path, metadata });
        } else {
            let what = "it is neither a file nor a directory".to_owned();
            return Err(AssetsError::NotRegular { path, what });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logical(root: &Utf8Path) -> Result<Vec<String>, String> {
        let found = files(root).map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|file| file.logical).collect())
    }

    #[test]
    fn links_are_followed_and_hidden_files_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap();
        fs_err::create_dir_all(root.join("css/.hidden")).unwrap();
        for name in ["b.js", "css/a.css", "css/.hidden/c", ".d"] {
            fs_err::write(root.join(name), name).unwrap();
        }
        std::os::unix::fs::symlink("css", root.join("style")).unwrap();
        std::os::unix::fs::symlink("b.js", root.join("c.js")).unwrap();
        assert_eq!(logical(root).unwrap(), ["b.js", "c.js", "css/a.css", "style/a.css"]);

        std::os::unix::fs::symlink("..", root.join("css/up")).unwrap();
        assert!(logical(root).unwrap_err().contains("/up`: it is a link to a directory that it is in"));
        fs_err::remove_file(root.join("css/up")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("lost")).unwrap();
        assert!(logical(root).unwrap_err().contains("lost`: it is a link that leads nowhere"));
    }
}
