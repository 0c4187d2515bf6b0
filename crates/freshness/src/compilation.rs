//! What the code in a build directory was compiled from.
//!
//! Mix goes by the times of files. A source that is changed in the second of its compilation, or replaced by an older one
//! with its time, looks compiled, and the release gets the code of before. So each compilation leaves a note in the build
//! directory: a digest of every file that it may have read, and one of the manifests that Mix keeps there. Before the next
//! one, what differs from the note and does not look newer is known; and when the manifests are others, somebody else has
//! compiled, and nothing is known: then everything has to be compiled.
//!
//! The note is right whatever interrupts a build. What is about to be compiled is marked in it before, as a file of which nobody
//! knows which content is in the code; the mark goes when the compilation has ended and the file is still the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::HEXLOWER;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::snapshot::{NODE_MODULES, Seen, is_within};
use crate::{Beginning, Moment, Scope, Snapshot, kept};

/// The note's name in the build directory.
const FILE: &str = "beamship/sources";

/// Mix's manifest of what it has compiled of Elixir. It holds digests of its sources.
const ELIXIR: &str = "compile.elixir";

/// Those of what else it compiles itself. Their content does not tell one compilation from another, but their time does.
const OTHERS: [&str; 3] = ["compile.erlang", "compile.leex", "compile.yecc"];

/// What is written by people only.
const WRITTEN: [&str; 9] = ["ex", "exs", "eex", "heex", "leex", "erl", "hrl", "xrl", "yrl"];

/// A project's code, and where its parts are.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The directory of the project.
    pub project: Utf8PathBuf,
    /// The build directory: `_build/prod`.
    pub build: Utf8PathBuf,
    /// Where dependencies are fetched to, which Mix compiles by their versions.
    pub dependencies: Utf8PathBuf,
    /// The project's own applications.
    pub applications: BTreeSet<String>,
}

/// The note. A project that is moved with its build directory takes it along: names are relative to it, as far as they are of
/// files within.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Note {
    /// Files by name; none for one of which it is not known which content is in the code.
    sources: BTreeMap<String, Option<Seen>>,
    /// Directories of the project and of its path dependencies.
    places: BTreeSet<Utf8PathBuf>,
    applications: BTreeSet<String>,
    /// Digests of manifests by their names within the build directory.
    manifests: BTreeMap<String, String>,
    /// When the compilation had ended.
    ended: Moment,
}

/// Why nothing is known of what the code was compiled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There is code, and no note.
    NoNote,
    /// Mix's manifests are not those of the note.
    CompiledElsewhere,
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
    /// Before it begins.
    #[must_use]
    pub fn prepare(compiled: Compiled, beginning: &Beginning) -> Self {
        let file = compiled.build.join(FILE);
        let note = Note::load(&file, &compiled.project);
        let doubt = match &note {
            None => {
                let is_compiled = !manifests(&compiled.build, &compiled.applications).is_empty();
                is_compiled.then_some(Doubt::NoNote)
            }
            Some(note) => (manifests(&compiled.build, &note.applications) != note.manifests)
                .then_some(Doubt::CompiledElsewhere),
        };
        let mut note = note.unwrap_or_default();
        note.places.insert(compiled.project.clone());
        let now = sources(&compiled, &note, beginning);
        Self { file, compiled, note, doubt, now, began: beginning.moment() }
    }

    /// Whether everything has to be compiled, and why.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// Files that are not, or not for sure, what the code was compiled from, and have times from before the end of that
    /// compilation: who goes by times takes them for compiled. With each, whether it is one of the project's or of its
    /// path dependencies'.
    #[must_use]
    pub fn backdated(&self) -> Vec<(Utf8PathBuf, bool)> {
        let looks_older = |path: &str| {
            fs::metadata(path)
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|modified| Moment::from(modified).second() <= self.note.ended.second())
        };
        let differing = self.note.sources.iter().filter(|(path, was)| {
            self.now.get(*path).is_some_and(|is| !is_same(was.as_ref(), is)) && looks_older(path)
        });
        differing.map(|(path, _)| (path.into(), is_within(Utf8Path::new(path), &self.note.places))).collect()
    }

    /// Marks what is about to be compiled.
    pub fn begin(&mut self) {
        if self.doubt.is_some() || self.note.manifests.is_empty() {
            return;
        }
        let mut is_marked = false;
        for (path, is) in &self.now {
            let was = self.note.sources.entry(path.clone()).or_default();
            if !is_same(was.as_ref(), is) {
                is_marked |= was.take().is_some();
            }
        }
        if is_marked {
            self.save();
        }
    }

    /// Notes that it has succeeded, and what has been compiled: applications of the project and of path dependencies, with
    /// their directories.
    pub fn succeed(&mut self, local: impl IntoIterator<Item = (String, Utf8PathBuf)>) {
        let ended = Moment::now();
        let (applications, mut places): (BTreeSet<_>, BTreeSet<_>) = local.into_iter().unzip();
        places.insert(self.compiled.project.clone());
        let looked_at: Vec<_> = std::mem::take(&mut self.now).into_iter().collect();
        let mut sources: BTreeMap<_, _> = looked_at
            .into_par_iter()
            .filter_map(|(path, was)| {
                let is = Seen::look(Utf8Path::new(&path), Some(&was))?;
                let is_same = is.digest == was.digest;
                Some((path, is_same.then_some(is)))
            })
            .collect();
        let new = places.difference(&self.note.places).cloned().collect();
        for (path, seen) in look_through(new, &self.compiled) {
            let seen = seen.stamp.is_some_and(|stamp| stamp.is_certain(self.began)).then_some(seen);
            sources.insert(path, seen);
        }
        let manifests = manifests(&self.compiled.build, &applications);
        self.note = Note { sources, places, applications, manifests, ended };
        self.doubt = None;
        self.save();
    }

    /// Notes that it has failed. The code is what it was, or what was marked; where there was none, it is of what is there.
    pub fn fail(&mut self) {
        if self.doubt.is_some() {
            return;
        }
        if self.note.manifests.is_empty() {
            let own = self.compiled.applications.clone();
            let project = self.compiled.project.clone();
            self.succeed(own.into_iter().map(|name| (name, project.clone())));
        } else {
            self.note.manifests = manifests(&self.compiled.build, &self.note.applications);
            self.save();
        }
    }

    /// A note that cannot be kept is later not that of the manifests.
    fn save(&self) {
        let _ = kept::save(&self.note.relative_to(&self.compiled.project), &self.file);
    }

    /// Believes what a bundler has made of files that may have been compiled, after it has succeeded: a build writes it anew each
    /// time, often in the second of the compilation.
    pub fn accept_what_was_made(&mut self) {
        let sources: Vec<_> = self.note.sources.iter().collect();
        let made: Vec<_> = sources
            .into_par_iter()
            .filter(|(path, _)| {
                !Utf8Path::new(path).extension().is_some_and(|extension| WRITTEN.contains(&extension))
            })
            .filter_map(|(path, was)| {
                let is = Seen::look(Utf8Path::new(path), was.as_ref())?;
                (!is_same(was.as_ref(), &is)).then(|| (path.clone(), Some(is)))
            })
            .collect();
        if !made.is_empty() {
            self.note.sources.extend(made);
            self.save();
        }
    }

    /// Notes further files that code was compiled from, after it has succeeded.
    pub fn include(&mut self, files: impl IntoIterator<Item = Utf8PathBuf>) {
        let mut is_new = false;
        for path in files {
            if self.note.sources.contains_key(path.as_str()) || is_within(&path, &self.note.places) {
                continue;
            }
            if let Some(seen) = Seen::look(&path, None) {
                let seen = seen.stamp.is_some_and(|stamp| stamp.is_certain(self.began)).then_some(seen);
                self.note.sources.insert(path.into_string(), seen);
                is_new = true;
            }
        }
        if is_new {
            self.save();
        }
    }
}

impl Note {
    fn load(file: &Utf8Path, project: &Utf8Path) -> Option<Self> {
        let note: Self = kept::load(file)?;
        Some(note.renamed(|name| project.join(name)))
    }

    fn relative_to(&self, project: &Utf8Path) -> Self {
        self.clone().renamed(|path| path.strip_prefix(project).unwrap_or(path).to_owned())
    }

    fn renamed(self, name: impl Fn(&Utf8Path) -> Utf8PathBuf) -> Self {
        let sources =
            self.sources.into_iter().map(|(path, seen)| (name(path.as_str().into()).into_string(), seen));
        let places = self.places.iter().map(|place| name(place)).collect();
        Self { sources: sources.collect(), places, ..self }
    }
}

impl Compiled {
    /// Whether this is a file that Mix compiles by what is in it, in one of these directories.
    fn is_source(&self, path: &Utf8Path, places: &BTreeSet<Utf8PathBuf>) -> bool {
        let Some(place) = path.ancestors().find(|ancestor| places.contains(*ancestor)) else { return false };
        let is_fetched = path.starts_with(&self.dependencies) && !place.starts_with(&self.dependencies);
        let within = path.strip_prefix(place).unwrap_or(path);
        !is_fetched && !within.components().any(|part| [NODE_MODULES, ".git"].contains(&part.as_str()))
    }
}

/// What there is that code is compiled from, as far as that is known before.
fn sources(compiled: &Compiled, note: &Note, beginning: &Beginning) -> BTreeMap<String, Seen> {
    let scope = beginning.scope();
    let is_behind_a_link =
        |path: &Utf8Path| !is_within(path, &scope.directories) && !scope.files.contains(path);
    let looked_at = beginning.snapshot().files();
    let mut now: BTreeMap<_, _> = looked_at
        .filter(|(path, _)| compiled.is_source(path, &note.places) || is_behind_a_link(path))
        .map(|(path, seen)| (path.to_string(), seen))
        .collect();
    let is_new = |place: &&Utf8PathBuf| !is_within(place, &scope.directories);
    now.extend(look_through(note.places.iter().filter(is_new).cloned().collect(), compiled));
    for (path, was) in &note.sources {
        if !now.contains_key(path)
            && let Some(seen) = Seen::look(Utf8Path::new(path), was.as_ref())
        {
            now.insert(path.clone(), seen);
        }
    }
    now
}

/// The sources in directories.
fn look_through(directories: BTreeSet<Utf8PathBuf>, compiled: &Compiled) -> Vec<(String, Seen)> {
    let scope = Scope { directories, sources_only: true, ..Scope::default() };
    let snapshot = Snapshot::take(&scope, &Snapshot::default());
    let sources = snapshot.files().filter(|(path, _)| compiled.is_source(path, &scope.directories));
    sources.map(|(path, seen)| (path.to_string(), seen)).collect()
}

fn is_same(was: Option<&Seen>, is: &Seen) -> bool {
    was.is_some_and(|was| was.digest == is.digest)
}

/// What Mix knows of the compiled code of these applications.
fn manifests(build: &Utf8Path, applications: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut manifests = BTreeMap::new();
    for application in applications {
        for name in OTHERS.into_iter().chain([ELIXIR]) {
            let within = format!("lib/{application}/.mix/{name}");
            let path = build.join(&within);
            let Ok(content) = fs::read(&path) else { continue };
            let mut sum = Sha256::new_with_prefix(&content);
            if name != ELIXIR
                && let Ok(modified) = fs::metadata(&path).and_then(|metadata| metadata.modified())
            {
                sum.update(Moment::from(modified).second().to_be_bytes());
            }
            manifests.insert(within, HEXLOWER.encode(&sum.finalize()[..16]));
        }
    }
    manifests
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::Stamp;

    /// A project with a build directory that has the manifest of a compiler.
    struct Project {
        _directory: tempfile::TempDir,
        root: Utf8PathBuf,
    }

    const SOURCES: [&str; 4] = ["lib/a.ex", "deps/jason/a.ex", "deps/mine/a.ex", "assets/node_modules/a.js"];

    impl Project {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let root =
                Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap().join("here");
            let project = Self { _directory: directory, root };
            for name in SOURCES {
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

        fn prepare(&self) -> Compilation {
            let project = self.root.join("project");
            let scope = Scope { directories: [project.clone()].into(), ..Scope::default() };
            let beginning = Beginning::look(scope, &Snapshot::default());
            let compiled = Compiled {
                build: project.join("_build/prod"),
                dependencies: project.join("deps"),
                applications: ["demo".to_owned()].into(),
                project,
            };
            Compilation::prepare(compiled, &beginning)
        }

        /// What a compiler writes.
        fn compile(&self, manifest: &str) {
            self.write("project/_build/prod/lib/demo/.mix/compile.elixir", manifest);
        }

        fn succeed(&self, compilation: &mut Compilation) {
            let beside = ["beside", "project/deps/mine"].map(|name| (name.to_owned(), self.root.join(name)));
            compilation.succeed([("demo".to_owned(), self.root.join("project"))].into_iter().chain(beside));
            compilation.include([self.root.join("outside")]);
        }

        /// A whole compilation.
        fn build(&self, manifest: &str) {
            let mut compilation = self.prepare();
            compilation.begin();
            self.compile(manifest);
            self.succeed(&mut compilation);
        }

        fn backdated(&self) -> Vec<(String, bool)> {
            let compilation = self.prepare();
            assert_eq!(compilation.doubt(), None);
            let within = |path: Utf8PathBuf| path.strip_prefix(&self.root).unwrap().to_string();
            compilation.backdated().into_iter().map(|(path, is_own)| (within(path), is_own)).collect()
        }
    }

    fn own(names: &[&str]) -> Vec<(String, bool)> {
        names.iter().map(|name| ((*name).to_owned(), true)).collect()
    }

    #[test]
    fn what_has_changed_and_looks_older_is_found() {
        let project = Project::new();
        project.build("1");
        assert_eq!(project.backdated(), []);
        for name in SOURCES {
            project.write(&format!("project/{name}"), "new");
        }
        project.write("outside", "new");
        project.write("beside/a.ex", "new");
        let mut expected = own(&["beside/a.ex", "project/deps/mine/a.ex", "project/lib/a.ex"]);
        expected.insert(1, ("outside".to_owned(), false));
        assert_eq!(project.backdated(), expected);
        let newer = fs::File::options().write(true).open(project.root.join("project/lib/a.ex")).unwrap();
        newer.set_modified(SystemTime::now() + Duration::from_secs(10)).unwrap();
        expected.pop();
        assert_eq!(project.backdated(), expected);
        project.build("2");
        assert_eq!(project.backdated(), []);
    }

    #[test]
    fn nothing_is_known_of_what_others_have_compiled() {
        let project = Project::new();
        assert_eq!(project.prepare().doubt(), None, "there is nothing to know");
        project.compile("1");
        assert_eq!(project.prepare().doubt(), Some(Doubt::NoNote));
        project.build("2");
        assert_eq!(project.prepare().doubt(), None);
        project.compile("3");
        assert_eq!(project.prepare().doubt(), Some(Doubt::CompiledElsewhere));
        // Killed before, or while, it compiles everything: it still has to.
        let mut compilation = project.prepare();
        compilation.begin();
        compilation.fail();
        project.compile("4");
        assert_eq!(project.prepare().doubt(), Some(Doubt::CompiledElsewhere));
        project.build("5");
        assert_eq!(project.prepare().doubt(), None);
        fs::write(project.root.join("project/_build/prod").join(FILE), "damaged").unwrap();
        assert_eq!(project.prepare().doubt(), Some(Doubt::NoNote));
    }

    #[test]
    fn a_project_that_is_moved_takes_its_note_along() {
        let mut project = Project::new();
        project.build("1");
        let there = project.root.with_file_name("there");
        fs::rename(&project.root, &there).unwrap();
        project.root = there;
        assert_eq!(project.backdated(), []);
        project.write("project/lib/a.ex", "new");
        assert_eq!(project.backdated(), own(&["project/lib/a.ex"]));
    }

    /// What is there is what was compiled, or will be: there was nothing before.
    #[test]
    fn the_first_compilation_may_fail() {
        let project = Project::new();
        let mut compilation = project.prepare();
        compilation.begin();
        project.compile("1");
        compilation.fail();
        assert_eq!(project.backdated(), []);
        project.write("project/lib/a.ex", "new");
        assert_eq!(project.backdated(), own(&["project/lib/a.ex"]));
    }

    /// A source that was changed, compiled, and put back with its time.
    #[test]
    fn what_was_about_to_be_compiled_is_not_believed() {
        let project = Project::new();
        project.build("1");
        // Killed when the compiler had written code but no manifest; failed later.
        for fail in [false, true] {
            project.write("project/lib/a.ex", "new");
            let mut compilation = project.prepare();
            compilation.begin();
            if fail {
                project.compile("2");
                compilation.fail();
            }
            project.write("project/lib/a.ex", "old");
            assert_eq!(project.backdated(), own(&["project/lib/a.ex"]), "{fail}");
        }
        project.build("3");
        assert_eq!(project.backdated(), []);
    }

    #[test]
    fn what_a_bundler_makes_after_a_compilation_is_believed() {
        let project = Project::new();
        project.write("project/priv/static/app.css", "old");
        let mut compilation = project.prepare();
        compilation.begin();
        project.compile("1");
        project.succeed(&mut compilation);
        project.write("project/priv/static/app.css", "new");
        project.write("project/lib/a.ex", "new");
        assert_eq!(project.backdated().len(), 2);
        compilation.accept_what_was_made();
        assert_eq!(project.backdated(), own(&["project/lib/a.ex"]));
    }

    #[test]
    fn what_changes_while_it_is_compiled_is_not_believed() {
        let project = Project::new();
        let mut compilation = project.prepare();
        compilation.begin();
        project.compile("1");
        project.write("project/lib/a.ex", "new");
        project.write("beside/a.ex", "new");
        project.write("outside", "new");
        project.succeed(&mut compilation);
        let mut expected = own(&["beside/a.ex", "project/lib/a.ex"]);
        expected.insert(1, ("outside".to_owned(), false));
        assert_eq!(
            project.backdated().into_iter().filter(|(path, _)| !path.contains("deps")).collect::<Vec<_>>(),
            expected
        );
    }
}
