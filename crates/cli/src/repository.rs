//! Where git keeps the names of the commits of a project.
//!
//! Versions are often taken from there, also by projects that are one directory of a repository, or that are checked out a second
//! time (`git worktree`): then it is not in the directory of the project. Git itself is not asked: a build that has nothing to do
//! starts no program.

use camino::{Utf8Path, Utf8PathBuf};

/// The repository that a project is in.
#[derive(Debug)]
pub(crate) struct Repository {
    /// Where it says which commit is checked out.
    git: Utf8PathBuf,
    /// Where all branches and tags are; another directory than `git` for a further worktree.
    common: Utf8PathBuf,
}

impl Repository {
    /// The one in the directory of the project, or in the nearest one above it.
    pub(crate) fn of(project: &Utf8Path) -> Option<Self> {
        let place = project.ancestors().map(|directory| directory.join(".git")).find(|path| path.exists())?;
        let git = if place.is_dir() { place } else { linked(&place, Some("gitdir: "))? };
        let common = linked(&git.join("commondir"), None).unwrap_or_else(|| git.clone());
        Some(Self { git, common })
    }

    /// Its files with the names of commits; they need not exist.
    pub(crate) fn files(&self) -> [Utf8PathBuf; 2] {
        [self.git.join("HEAD"), self.common.join("packed-refs")]
    }

    /// Its directories with such files.
    pub(crate) fn directories(&self) -> impl Iterator<Item = Utf8PathBuf> {
        ["refs", "reftable"].map(|name| self.common.join(name)).into_iter().filter(|path| path.is_dir())
    }
}

/// The directory that a file of git names, behind a prefix.
fn linked(file: &Utf8Path, prefix: Option<&str>) -> Option<Utf8PathBuf> {
    let text = fs_err::read_to_string(file).ok()?;
    let line = text.lines().next()?;
    let path = prefix.map_or(Some(line), |prefix| line.strip_prefix(prefix))?;
    file.parent()?.join(path).canonicalize_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Utf8PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap();
        (directory, root)
    }

    #[test]
    fn a_project_may_be_one_directory_of_a_repository() {
        let (_directory, root) = place();
        fs_err::create_dir_all(root.join(".git/refs")).unwrap();
        fs_err::create_dir_all(root.join("services/shop")).unwrap();
        let repository = Repository::of(&root.join("services/shop")).unwrap();
        assert_eq!(repository.files(), [root.join(".git/HEAD"), root.join(".git/packed-refs")]);
        assert_eq!(repository.directories().collect::<Vec<_>>(), [root.join(".git/refs")]);
    }

    #[test]
    fn a_further_worktree_has_its_own_head() {
        let (_directory, root) = place();
        let git = root.join("first/.git/worktrees/second");
        fs_err::create_dir_all(root.join("first/.git/refs")).unwrap();
        fs_err::create_dir_all(&git).unwrap();
        fs_err::create_dir_all(root.join("second")).unwrap();
        fs_err::write(git.join("commondir"), "../..\n").unwrap();
        fs_err::write(root.join("second/.git"), format!("gitdir: {git}\n")).unwrap();
        let repository = Repository::of(&root.join("second")).unwrap();
        assert_eq!(repository.files(), [git.join("HEAD"), root.join("first/.git/packed-refs")]);
        assert_eq!(repository.directories().collect::<Vec<_>>(), [root.join("first/.git/refs")]);
        // One that has been moved away.
        fs_err::write(root.join("second/.git"), "gitdir: /nowhere\n").unwrap();
        assert!(Repository::of(&root.join("second")).is_none());
    }
}
