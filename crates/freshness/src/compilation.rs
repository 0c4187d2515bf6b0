//! What the code in a build directory was compiled from.
//!
//! Mix goes by the times of files. A source that is changed in the second of its compilation, or replaced by an older one
//! with its time, looks compiled, and the release gets the code of before. So each compilation leaves a note in the build
//! directory: a digest of every source, and one of the manifests that Mix keeps there. Before the next one, what differs from
//! the note and does not look newer is known; and when the manifests are others, somebody else has compiled, and nothing is
//! known. In both cases everything has to be compiled. No file's time is changed for it: what generators and `make` compare
//! would no longer be right.
//!
//! How long the note stays right is told in the `note` module, what tells somebody else's compilation from ours in `manifests`,
//! and what counts as a source in `compiled`.

mod compiled;
mod manifests;
mod note;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::snapshot::Seen;
use crate::{Beginning, Moment};
pub use compiled::Compiled;
use compiled::has_name_of_source;
use manifests::Manifests;
use note::{FILE, Note};

/// Why everything has to be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There is code, and no note.
    NoNote,
    /// Mix's manifests are not those of the note.
    CompiledElsewhere,
    /// This file is not, or not for sure, what the code was compiled from, and has a time from before the end of that
    /// compilation: who goes by times takes it for compiled.
    LooksCompiled(Utf8PathBuf),
}

/// A compilation: about to begin, or ended.
#[derive(Debug)]
pub struct Compilation {
    file: Utf8PathBuf,
    compiled: Compiled,
    note: Note,
    doubt: Option<Doubt>,
    /// What there was before.
    now: BTreeMap<String, Seen>,
    began: Moment,
}

impl Compilation {
    /// Before it begins. What is about to be compiled is marked in the note.
    #[must_use]
    pub fn begin(compiled: Compiled, beginning: &Beginning) -> Self {
        let file = compiled.build.join(FILE);
        let found = Note::load(&file, compiled.base());
        let is_there = found.is_some();
        let note = found.unwrap_or_default();
        let now = compiled.sources(&note, beginning);
        let concerned = note.applications.union(&compiled.applications).cloned().collect();
        let manifests = Manifests::look(&compiled.build, &concerned);
        let doubt = if is_there {
            if note.manifests.are_still(&manifests, &concerned) {
                note.looks_compiled(&now).map(Doubt::LooksCompiled)
            } else {
                Some(Doubt::CompiledElsewhere)
            }
        } else {
            (!manifests.is_empty()).then_some(Doubt::NoNote)
        };
        let mut compilation = Self { file, compiled, note, doubt, now, began: beginning.moment() };
        if is_there && compilation.note.mark(&compilation.now) {
            compilation.save();
        }
        compilation
    }

    /// Why everything has to be compiled, if it has to be.
    #[must_use]
    pub fn doubt(&self) -> Option<&Doubt> {
        self.doubt.as_ref()
    }

    /// Notes that it has succeeded.
    pub fn succeed(&mut self) {
        let ended = Moment::now();
        let looked_at: Vec<_> = std::mem::take(&mut self.now).into_iter().collect();
        let sources = looked_at
            .into_par_iter()
            .filter_map(|(path, was)| {
                let is = Seen::look(Utf8Path::new(&path), Some(&was))?;
                let is_known = is.digest == was.digest || !has_name_of_source(Utf8Path::new(&path));
                Some((path, is_known.then_some(is)))
            })
            .collect();
        let Compiled { applications, places, .. } = self.compiled.clone();
        let manifests = Manifests::look(&self.compiled.build, &applications);
        let note = Note { sources, places, applications, manifests, ended };
        self.note = match self.doubt.take() {
            // Of a project that shares the build directory, an umbrella or a part of it, nothing has changed.
            None | Some(Doubt::LooksCompiled(_)) => note.beside(std::mem::take(&mut self.note)),
            Some(Doubt::NoNote | Doubt::CompiledElsewhere) => note,
        };
        self.save();
    }

    /// Notes that it has failed. What has not been compiled is still newer than what has, so that Mix will compile it. Where
    /// everything had to be compiled, it still has to be.
    pub fn fail(&mut self) {
        if self.doubt.is_none() {
            self.succeed();
        }
    }

    /// Notes further files that code was compiled from, after it has succeeded.
    pub fn include(&mut self, files: impl IntoIterator<Item = Utf8PathBuf>) {
        let mut is_new = false;
        for path in files {
            if self.note.sources.contains_key(path.as_str()) {
                continue;
            }
            if let Some(seen) = Seen::look(&path, None) {
                let is_known = seen.is_older_than(self.began) || !has_name_of_source(&path);
                self.note.sources.insert(path.into_string(), is_known.then_some(seen));
                is_new = true;
            }
        }
        if is_new {
            self.save();
        }
    }

    fn save(&self) {
        self.note.save(&self.file, self.compiled.base());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::{Scope, Snapshot, Stamp};

    /// A project with a build directory that has the manifest of a compiler.
    struct Project {
        _directory: tempfile::TempDir,
        root: Utf8PathBuf,
    }

    const FILES: [&str; 7] = [
        "lib/a.ex",
        "deps/jason/a.ex",
        "deps/mine/a.ex",
        "assets/node_modules/a.ex",
        "src/a.erl",
        "src/a.yrl",
        "README.md",
    ];

    impl Project {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let root =
                Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap().join("here");
            let project = Self { _directory: directory, root };
            for name in FILES {
                project.write(&format!("project/{name}"), "old");
            }
            project.write("outside", "old");
            project.write("beside/a.ex", "old");
            // What was written an instant ago may be written again unseen.
            let last = project.root.join("beside/a.ex");
            while !Stamp::of(&fs::metadata(&last).unwrap()).is_certain(Moment::now()) {}
            project
        }

        /// A file with a time from before everything, as archives bring it.
        fn write(&self, name: &str, content: &str) {
            let path = self.root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(1000)).unwrap();
        }

        fn set_now(&self, name: &str) {
            let file = fs::File::options().write(true).open(self.root.join(name)).unwrap();
            file.set_modified(SystemTime::now() + Duration::from_secs(10)).unwrap();
        }

        fn begin(&self) -> Compilation {
            let project = self.root.join("project");
            let scope = Scope { directories: [project.clone()].into(), ..Scope::default() };
            let beginning = Beginning::look(scope, &Snapshot::default());
            let compiled = Compiled {
                build: project.join("_build/prod"),
                dependencies: project.join("deps"),
                applications: ["demo", "mine", "beside"].map(str::to_owned).into(),
                places: ["project", "project/deps/mine", "beside"].map(|name| self.root.join(name)).into(),
                project,
            };
            Compilation::begin(compiled, &beginning)
        }

        /// What a compiler writes.
        fn compile(&self, manifest: &str) {
            self.write("project/_build/prod/lib/demo/.mix/compile.elixir", manifest);
        }

        fn succeed(&self, compilation: &mut Compilation) {
            compilation.succeed();
            compilation.include([self.root.join("outside")]);
        }

        /// A whole compilation.
        fn build(&self, manifest: &str) {
            let mut compilation = self.begin();
            self.compile(manifest);
            self.succeed(&mut compilation);
        }

        /// The file for which everything has to be compiled.
        fn looks_compiled(&self) -> Option<String> {
            match self.begin().doubt() {
                None => None,
                Some(Doubt::LooksCompiled(path)) => Some(path.strip_prefix(&self.root).unwrap().to_string()),
                Some(other) => panic!("{other:?}"),
            }
        }

        fn doubt(&self) -> Option<Doubt> {
            self.begin().doubt().cloned()
        }
    }

    #[test]
    fn what_has_changed_and_looks_older_is_found() {
        let project = Project::new();
        project.build("1");
        assert_eq!(project.looks_compiled(), None);
        // What is no source, or fetched.
        for name in
            ["README.md", "priv/cache.dat", "deps/jason/a.ex", "assets/node_modules/a.ex", "src/a.erl"]
        {
            project.write(&format!("project/{name}"), "new");
        }
        assert_eq!(project.looks_compiled(), None);
        for name in ["project/lib/a.ex", "project/deps/mine/a.ex", "beside/a.ex", "outside"] {
            let set_time = |time: SystemTime| {
                let file = fs::File::options().write(true).open(project.root.join(name)).unwrap();
                file.set_modified(time).unwrap();
            };
            project.write(name, "new");
            assert_eq!(project.looks_compiled().as_deref(), Some(name));
            // Once known, twice marked.
            assert_eq!(project.looks_compiled().as_deref(), Some(name));
            set_time(SystemTime::now() + Duration::from_secs(10));
            assert_eq!(project.looks_compiled(), None, "newer");
            set_time(SystemTime::now() - Duration::from_secs(10));
            project.build(name);
            assert_eq!(project.looks_compiled(), None);
        }
    }

    #[test]
    fn nothing_is_known_of_what_others_have_compiled() {
        let project = Project::new();
        assert_eq!(project.doubt(), None, "there is nothing to know");
        project.compile("1");
        assert_eq!(project.doubt(), Some(Doubt::NoNote));
        project.build("2");
        assert_eq!(project.doubt(), None);
        project.compile("3");
        assert_eq!(project.doubt(), Some(Doubt::CompiledElsewhere));
        // Killed before, or while, it compiles everything: it still has to.
        project.begin().fail();
        project.compile("4");
        assert_eq!(project.doubt(), Some(Doubt::CompiledElsewhere));
        project.build("5");
        // Another application: of a path dependency, or new in an umbrella.
        project.write("project/_build/prod/lib/jason/.mix/compile.elixir", "fetched");
        assert_eq!(project.doubt(), None);
        project.write("project/_build/prod/lib/mine/.mix/compile.elixir", "1");
        assert_eq!(project.doubt(), Some(Doubt::CompiledElsewhere));
        project.build("6");
        assert_eq!(project.doubt(), None);
        fs::write(project.root.join("project/_build/prod").join(FILE), "damaged").unwrap();
        assert_eq!(project.doubt(), Some(Doubt::NoNote));
    }

    #[test]
    fn a_project_that_is_moved_takes_its_note_along() {
        let mut project = Project::new();
        project.build("1");
        let there = project.root.with_file_name("there");
        fs::rename(&project.root, &there).unwrap();
        project.root = there;
        project.write("project/lib/a.ex", "new");
        assert_eq!(project.looks_compiled().as_deref(), Some("project/lib/a.ex"));
    }

    /// An error in the code, and its correction: Mix knows what to do.
    #[test]
    fn a_compilation_that_fails_casts_no_doubt() {
        let project = Project::new();
        project.build("1");
        project.write("project/lib/a.ex", "wrong");
        project.set_now("project/lib/a.ex");
        let mut compilation = project.begin();
        project.compile("2");
        compilation.fail();
        assert_eq!(project.looks_compiled(), None);
        // It may have been compiled.
        project.write("project/lib/a.ex", "old");
        assert_eq!(project.looks_compiled().as_deref(), Some("project/lib/a.ex"));
    }

    /// What is there is what was compiled, or will be: there was nothing before.
    #[test]
    fn the_first_compilation_may_fail() {
        let project = Project::new();
        let mut compilation = project.begin();
        project.compile("1");
        compilation.fail();
        assert_eq!(project.looks_compiled(), None);
        project.write("project/lib/a.ex", "new");
        assert_eq!(project.looks_compiled().as_deref(), Some("project/lib/a.ex"));
    }

    /// A source that was changed, compiled, and put back with its time.
    #[test]
    fn what_was_about_to_be_compiled_is_not_believed() {
        for name in ["project/lib/a.ex", "project/lib/new.ex"] {
            let project = Project::new();
            project.build("1");
            project.write(name, "new");
            project.set_now(name);
            let mut compilation = project.begin();
            assert_eq!(compilation.doubt(), None);
            // Killed when the compiler had written code but no manifest.
            project.write(name, "old");
            assert_eq!(project.looks_compiled().as_deref(), Some(name));
            // Failed later.
            project.compile("2");
            compilation.fail();
            assert_eq!(project.looks_compiled().as_deref(), Some(name));
            project.build("3");
            assert_eq!(project.looks_compiled(), None);
        }
    }

    #[test]
    fn what_changes_while_it_is_compiled_is_not_believed() {
        for name in ["project/lib/a.ex", "beside/a.ex"] {
            let project = Project::new();
            let mut compilation = project.begin();
            project.compile("1");
            project.write(name, "new");
            project.succeed(&mut compilation);
            assert_eq!(project.looks_compiled().as_deref(), Some(name));
        }
        // Compilers write: a parser of a grammar, what code is generated from. It is made again when it has to be.
        let project = Project::new();
        project.write("project/src/grammar.yrl", "1");
        for round in ["1", "2"] {
            let mut compilation = project.begin();
            project.compile(round);
            project.write("project/src/grammar.erl", round);
            project.write("outside", round);
            project.succeed(&mut compilation);
            assert_eq!(project.looks_compiled(), None);
        }
    }
}
