//! The sources of a project: has one changed since a moment?

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

/// What a release is made of, in the project and in each of its applications. Other directories hold what builds and editors write.
const SOURCES: [&str; 8] = ["mix.exs", "mix.lock", "config", "lib", "src", "include", "priv", "rel"];

/// What a build writes itself.
const GENERATED: &str = "priv/static";

/// The source that was changed last, if that was after `moment`, relative to the project.
pub(super) fn changed_since(
    project: &Utf8Path,
    applications: &[Utf8PathBuf],
    moment: SystemTime,
) -> Option<Utf8PathBuf> {
    let mut pending: Vec<Utf8PathBuf> = SOURCES.iter().map(|name| project.join(name)).collect();
    for application in applications.iter().filter(|path| !path.as_str().is_empty()) {
        pending.extend(SOURCES.iter().map(|name| project.join(application).join(name)));
    }
    let mut newest = None;
    // Links are followed, and may lead in a circle.
    let mut seen = HashSet::new();
    while let Some(path) = pending.pop() {
        // Editors keep their own files under such names.
        let is_hidden = path.file_name().is_some_and(|name| name.starts_with('.') || name.ends_with('~'));
        let Ok(metadata) = fs_err::metadata(&path) else { continue };
        if is_hidden || path.ends_with(GENERATED) || !seen.insert((metadata.dev(), metadata.ino())) {
            continue;
        }
        if metadata.is_dir() {
            pending.extend(
                path.read_dir_utf8().into_iter().flatten().flatten().map(camino::Utf8DirEntry::into_path),
            );
            continue;
        }
        let Ok(modified) = metadata.modified() else { continue };
        if modified > moment && newest.as_ref().is_none_or(|(time, _)| modified > *time) {
            newest = Some((modified, path));
        }
    }
    newest.map(|(_, path)| path.strip_prefix(project).map(Utf8Path::to_owned).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_change_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let project = Utf8Path::from_path(directory.path()).unwrap();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let write = |path: &str, seconds: u64| {
            let path = project.join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs_err::File::create(&path).unwrap();
            file.file().set_modified(start + Duration::from_secs(seconds)).unwrap();
        };
        for (path, seconds) in [
            ("mix.exs", 1),
            ("lib/a/b.ex", 3),
            ("lib/c.ex", 2),
            ("_build/x", 9),
            ("priv/static/app.js", 9),
            ("lib/.b.ex.swp", 9),
            ("apps/web/lib/w.ex", 5),
        ] {
            write(path, seconds);
        }
        let changed = |applications: &[&str], seconds: u64| {
            let applications: Vec<Utf8PathBuf> = applications.iter().map(Utf8PathBuf::from).collect();
            changed_since(project, &applications, start + Duration::from_secs(seconds))
                .map(Utf8PathBuf::into_string)
        };
        // Sources elsewhere, and a circle.
        write("elsewhere/l.ex", 4);
        std::os::unix::fs::symlink("../elsewhere", project.join("lib/linked")).unwrap();
        std::os::unix::fs::symlink("..", project.join("lib/a/up")).unwrap();
        assert_eq!(changed(&[], 3).as_deref(), Some("lib/linked/l.ex"));
        fs_err::remove_file(project.join("lib/linked")).unwrap();
        assert_eq!(changed(&[], 2).as_deref(), Some("lib/a/b.ex"));
        assert_eq!(changed(&[""], 3), None);
        assert_eq!(changed(&["apps/web"], 3).as_deref(), Some("apps/web/lib/w.ex"));
    }
}
