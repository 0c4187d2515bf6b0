//! What the code in a build directory was compiled from.
//!
//! Mix goes by the times of files. A source that is changed in the second of its compilation, or replaced by an older one
//! with its time, looks compiled, and the release ships stale code. So each compilation leaves a record in the build
//! directory: a digest of every source, and one of the manifests that Mix keeps there. Before the next one, the sources that
//! differ from the record and do not look newer are found; and when the manifests are others, somebody else has compiled, and
//! the record says nothing about the code. In both cases everything has to be compiled. The times of the sources are left
//! alone: changing them would mislead generators and `make`, which compare them too.
//!
//! How the record stays right when a build is interrupted is described in the `record` module, how somebody else's compilation
//! is told from ours in `manifests`, and what counts as a source in `build_directory`.

mod build_directory;
mod manifests;
mod record;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::file_digest::FileDigest;
use crate::{InitialSnapshot, Moment};
pub use build_directory::BuildDirectory;
use build_directory::has_name_of_source;
use manifests::Manifests;
use record::{CompilationRecord, FILE};

/// Why everything has to be compiled again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RebuildReason {
    /// There is code, and no record of what it was compiled from.
    NoRecord,
    /// Mix's manifests, or the files with code, are not those of the record.
    CompiledElsewhere,
    /// The code was not, or not for certain, compiled from this file as it is now, and the time of the file is older than the
    /// end of that compilation: by its time it looks compiled.
    LooksCompiled(Utf8PathBuf),
}

/// A compilation: about to begin, or finished.
#[derive(Debug)]
pub struct Compilation {
    /// Where the record is.
    file: Utf8PathBuf,
    directory: BuildDirectory,
    record: CompilationRecord,
    rebuild_reason: Option<RebuildReason>,
    /// The sources as they were before anything was compiled.
    sources: BTreeMap<String, FileDigest>,
    started: Moment,
}

impl Compilation {
    /// Begins: what is about to be compiled is marked in the record.
    #[must_use]
    pub fn begin(directory: BuildDirectory, initial: &InitialSnapshot) -> Self {
        let file = directory.path.join(FILE);
        let found = CompilationRecord::load(&file, directory.base());
        let has_record = found.is_some();
        let record = found.unwrap_or_default();
        let sources = directory.sources(&record, initial);
        let concerned = record.applications.union(&directory.applications).cloned().collect();
        let manifests = Manifests::read(&directory.path, &concerned);
        let rebuild_reason = if has_record {
            if record.manifests.are_still(&manifests, &concerned) {
                record.looks_compiled(&sources).map(RebuildReason::LooksCompiled)
            } else {
                Some(RebuildReason::CompiledElsewhere)
            }
        } else {
            (!manifests.is_empty()).then_some(RebuildReason::NoRecord)
        };
        let started = initial.started();
        let mut compilation = Self { file, directory, record, rebuild_reason, sources, started };
        if has_record && compilation.record.mark(&compilation.sources) {
            compilation.save();
        }
        compilation
    }

    /// Why everything has to be compiled again, if it has to be.
    #[must_use]
    pub fn rebuild_reason(&self) -> Option<&RebuildReason> {
        self.rebuild_reason.as_ref()
    }

    /// Records that it has succeeded.
    pub fn succeed(&mut self) {
        self.record_outcome();
    }

    /// Records that it has failed. What has not been compiled is still newer than what has, so Mix will compile it. Where
    /// everything had to be compiled, it still has to be.
    pub fn fail(&mut self) {
        if self.rebuild_reason.is_none() {
            self.record_outcome();
        }
    }

    /// Records what the code that is there now was compiled from.
    fn record_outcome(&mut self) {
        let ended = Moment::now();
        let before: Vec<_> = std::mem::take(&mut self.sources).into_iter().collect();
        let sources = before
            .into_par_iter()
            .filter_map(|(path, was)| {
                let is = FileDigest::read(Utf8Path::new(&path), Some(&was))?;
                let is_known = is.is_same(&was) || !has_name_of_source(Utf8Path::new(&path));
                Some((path, is_known.then_some(is)))
            })
            .collect();
        let BuildDirectory { applications, directories, .. } = self.directory.clone();
        let manifests = Manifests::read(&self.directory.path, &applications);
        let record = CompilationRecord { sources, directories, applications, manifests, ended };
        self.record = match self.rebuild_reason.take() {
            // A project that shares the build directory, an umbrella or a part of it, has lost nothing.
            None | Some(RebuildReason::LooksCompiled(_)) => record.merge(std::mem::take(&mut self.record)),
            Some(RebuildReason::NoRecord | RebuildReason::CompiledElsewhere) => record,
        };
        self.save();
    }

    /// Records further files that the code was compiled from, after the compilation has succeeded. One that is not there was
    /// not there for the compiler: with whatever content it appears, the code was not compiled from that.
    pub fn include(&mut self, files: impl IntoIterator<Item = Utf8PathBuf>) {
        let mut is_new = false;
        for path in files {
            if self.record.sources.contains_key(path.as_str()) {
                continue;
            }
            let file = FileDigest::read(&path, None)
                .filter(|file| file.is_older_than(self.started) || !has_name_of_source(&path));
            self.record.sources.insert(path.into_string(), file);
            is_new = true;
        }
        if is_new {
            self.save();
        }
    }

    fn save(&self) {
        self.record.save(&self.file, self.directory.base());
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
            let initial = InitialSnapshot::take(scope, &Snapshot::default());
            let directory = BuildDirectory {
                path: project.join("_build/prod"),
                dependencies: project.join("deps"),
                applications: ["demo", "mine", "beside"].map(str::to_owned).into(),
                directories: ["project", "project/deps/mine", "beside"]
                    .map(|name| self.root.join(name))
                    .into(),
                project,
            };
            Compilation::begin(directory, &initial)
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

        /// The file because of which everything has to be compiled again.
        fn looks_compiled(&self) -> Option<String> {
            match self.begin().rebuild_reason() {
                None => None,
                Some(RebuildReason::LooksCompiled(path)) => {
                    Some(path.strip_prefix(&self.root).unwrap().to_string())
                }
                Some(other) => panic!("{other:?}"),
            }
        }

        fn rebuild_reason(&self) -> Option<RebuildReason> {
            self.begin().rebuild_reason().cloned()
        }
    }

    #[test]
    fn what_has_changed_and_looks_older_is_found() {
        let project = Project::new();
        project.build("1");
        assert_eq!(project.looks_compiled(), None);
        // What is not a source, or was fetched.
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
            // Already marked by the look before.
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
        assert_eq!(project.rebuild_reason(), None, "nothing has been compiled");
        project.compile("1");
        assert_eq!(project.rebuild_reason(), Some(RebuildReason::NoRecord));
        project.build("2");
        assert_eq!(project.rebuild_reason(), None);
        project.compile("3");
        assert_eq!(project.rebuild_reason(), Some(RebuildReason::CompiledElsewhere));
        // Killed before, or while, it compiles everything: it still has to.
        project.begin().fail();
        project.compile("4");
        assert_eq!(project.rebuild_reason(), Some(RebuildReason::CompiledElsewhere));
        project.build("5");
        // Another application: of a path dependency, or new in an umbrella.
        project.write("project/_build/prod/lib/jason/.mix/compile.elixir", "fetched");
        assert_eq!(project.rebuild_reason(), None);
        project.write("project/_build/prod/lib/mine/.mix/compile.elixir", "1");
        assert_eq!(project.rebuild_reason(), Some(RebuildReason::CompiledElsewhere));
        project.build("6");
        assert_eq!(project.rebuild_reason(), None);
        fs::write(project.root.join("project/_build/prod").join(FILE), "damaged").unwrap();
        assert_eq!(project.rebuild_reason(), Some(RebuildReason::NoRecord));
    }

    #[test]
    fn a_project_that_is_moved_takes_its_record_along() {
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
    fn a_compilation_that_fails_is_no_reason_to_rebuild() {
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

    /// An `@external_resource` that somebody makes later, with a time from before.
    #[test]
    fn what_was_not_there_and_is_now_is_found() {
        let project = Project::new();
        let mut compilation = project.begin();
        project.compile("1");
        compilation.succeed();
        compilation.include([project.root.join("project/priv/manifest.json")]);
        assert_eq!(project.looks_compiled(), None);
        project.write("project/priv/manifest.json", "new");
        assert_eq!(project.looks_compiled().as_deref(), Some("project/priv/manifest.json"));
        project.build("2");
        assert_eq!(project.looks_compiled(), None);
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
            assert_eq!(compilation.rebuild_reason(), None);
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
