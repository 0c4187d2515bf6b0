//! What the dynamic loader would load for a file: `elf/dl-load.c` of glibc and `ldso/dynlink.c` of musl, without
//! loading anything.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};

use crate::reading::read_elf;
use crate::root::{ReadSeek, RootEntry, SystemRoot, resolve};
use crate::search::{Libc, SearchPath};
use crate::{AbiError, Elf, ElfError, Machine, ReleaseFiles};

/// More objects than a process has.
const MAXIMUM_OBJECTS: usize = 2000;

/// Names that musl's loader answers with itself (`load_library`), behind `lib` and before a dot.
const MUSL_RESERVED: [&str; 7] = ["c", "pthread", "rt", "m", "dl", "util", "xnet"];

/// A release on a system: what the release holds comes before what the system has.
#[derive(Clone, Copy)]
pub(crate) struct System<'a> {
    pub(crate) release: &'a ReleaseFiles,
    pub(crate) root: &'a dyn SystemRoot,
}

impl SystemRoot for System<'_> {
    fn entry(&self, path: &Utf8Path) -> Result<Option<RootEntry>, AbiError> {
        match self.release.entry(path) {
            Some(entry) => Ok(Some(entry)),
            None => self.root.entry(path),
        }
    }

    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadSeek>, AbiError> {
        self.release.open(path).unwrap_or_else(|| self.root.open(path))
    }

    fn names(&self, directory: &Utf8Path) -> Result<Vec<String>, AbiError> {
        // Only configuration is listed, and a release has none.
        self.root.names(directory)
    }
}

/// How a library was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is what was asked for.
    Asked,
    /// It is the loader itself.
    Interpreter,
    /// By a path, or a search path, in a file.
    ByFile,
    /// In a directory of the configuration.
    Configured,
    /// In a directory that is built into the loader.
    BuiltIn,
}

/// A file in the address space.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// The path that it was opened by. `$ORIGIN` is its directory.
    pub(crate) path: Utf8PathBuf,
    /// The same with all links followed: what it is known by.
    pub(crate) real: Utf8PathBuf,
    pub(crate) elf: Rc<Elf>,
    pub(crate) found: Found,
    /// The file that needed it first.
    pub(crate) loader: Option<usize>,
    /// The name by which it was asked for.
    names: Vec<String>,
}

impl Object {
    /// Whether it answers to this name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.elf.name.as_deref() == Some(name) || self.names.iter().any(|known| known == name)
    }
}

/// A library that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) library: String,
    /// The object that needs it.
    pub(crate) needed_by: usize,
    /// The directories that were searched.
    pub(crate) searched: Vec<Utf8PathBuf>,
    /// Files of that name that cannot be used, and why.
    pub(crate) passed_over: Vec<(Utf8PathBuf, String)>,
}

/// All that one file brings into the address space, in the loader's order, the file itself first.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) objects: Vec<Object>,
    pub(crate) missing: Vec<Missing>,
}

impl Loaded {
    /// The object that answers to a name.
    pub(crate) fn called(&self, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.is_called(name))
    }
}

/// The dynamic loader of a system.
pub(crate) struct Loader<'a> {
    system: System<'a>,
    machine: Machine,
    pub(crate) libc: Libc,
    /// The loader's own file, where the system has it.
    interpreter: Option<(Utf8PathBuf, Utf8PathBuf)>,
    path: SearchPath,
    files: RefCell<HashMap<Utf8PathBuf, Read>>,
}

/// A file as it was read: an ELF file, something else, or one that is damaged.
type Read = Result<Option<Rc<Elf>>, ElfError>;

impl<'a> Loader<'a> {
    /// The one at this path, for files of this architecture.
    pub(crate) fn new(
        system: System<'a>,
        machine: Machine,
        interpreter: Option<&Utf8Path>,
    ) -> Result<Self, AbiError> {
        let libc = interpreter.map_or(Libc::Glibc, Libc::of_interpreter);
        let path = SearchPath::of(system.root, machine, libc, interpreter)?;
        let mut loader =
            Self { system, machine, libc, interpreter: None, path, files: RefCell::new(HashMap::new()) };
        if let Some(interpreter) = interpreter
            && let Some((real, RootEntry::File)) = resolve(&system, interpreter)?
        {
            let usable = loader.read(&real)?;
            if matches!(usable, Ok(Some(elf)) if elf.machine == machine) {
                loader.interpreter = Some((interpreter.to_owned(), real));
            }
        }
        Ok(loader)
    }

    /// Whether the system has it.
    pub(crate) fn is_there(&self) -> bool {
        self.interpreter.is_some()
    }

    /// Reads a file, once. The outer error is the system's, the inner one the file's.
    pub(crate) fn read(&self, real: &Utf8Path) -> Result<Read, AbiError> {
        if let Some(known) = self.files.borrow().get(real) {
            return Ok(known.clone());
        }
        let read = read_elf(real, self.system.open(real)?)?.map(|elf| elf.map(Rc::new));
        self.files.borrow_mut().insert(real.to_owned(), read.clone());
        Ok(read)
    }

    /// All that a file needs, transitively. The path has no links; the file has been read.
    pub(crate) fn load(&self, path: &Utf8Path, elf: &Rc<Elf>) -> Result<Loaded, AbiError> {
        let mut loaded = Loaded { objects: Vec::new(), missing: Vec::new() };
        loaded.objects.push(Object {
            path: path.to_owned(),
            real: path.to_owned(),
            elf: Rc::clone(elf),
            found: Found::Asked,
            loader: None,
            names: Vec::new(),
        });
        if let Some((interpreter, real)) = &self.interpreter
            && real != path
            && let Ok(Some(elf)) = self.read(real)?
        {
            let (path, real) = (interpreter.clone(), real.clone());
            let object =
                Object { path, real, elf, found: Found::Interpreter, loader: None, names: Vec::new() };
            loaded.objects.push(object);
        }
        let mut next = 0;
        while next < loaded.objects.len() {
            if loaded.objects.len() > MAXIMUM_OBJECTS {
                break;
            }
            // The loader itself needs nothing.
            if loaded.objects[next].found != Found::Interpreter {
                for library in Rc::clone(&loaded.objects[next].elf).needed.iter() {
                    self.need(library, next, &mut loaded)?;
                }
            }
            next += 1;
        }
        Ok(loaded)
    }

    /// One library that an object needs.
    fn need(&self, library: &str, needed_by: usize, loaded: &mut Loaded) -> Result<(), AbiError> {
        if loaded.called(library).is_some() {
            return Ok(());
        }
        if self.libc == Libc::Musl && is_musl_itself(library) {
            if let Some(own) = loaded.objects.iter_mut().find(|object| object.found == Found::Interpreter) {
                own.names.push(library.to_owned());
            }
            return Ok(());
        }
        let mut search = Search { loader: self, searched: Vec::new(), passed_over: Vec::new() };
        let Some((path, real, elf, found)) = search.find(library, needed_by, &loaded.objects)? else {
            let Search { searched, passed_over, .. } = search;
            let missing = Missing { library: library.to_owned(), needed_by, searched, passed_over };
            if !loaded.missing.iter().any(|known| known.library == library) {
                loaded.missing.push(missing);
            }
            return Ok(());
        };
        match loaded.objects.iter_mut().find(|object| object.real == real) {
            Some(object) => object.names.push(library.to_owned()),
            None => loaded.objects.push(Object {
                path,
                real,
                elf,
                found,
                loader: Some(needed_by),
                names: vec![library.to_owned()],
            }),
        }
        Ok(())
    }

    /// A library by its name alone, as `dlopen` finds it.
    pub(crate) fn find(&self, library: &str) -> Result<Option<(Utf8PathBuf, Rc<Elf>, Found)>, AbiError> {
        let mut search = Search { loader: self, searched: Vec::new(), passed_over: Vec::new() };
        Ok(search.in_system(library, false)?.map(|(path, _, elf, found)| (path, elf, found)))
    }

    /// The directories of a search path in a file, its variables replaced. What depends on the current directory is
    /// left out.
    fn expand(&self, text: &str, object: &Object) -> Vec<Utf8PathBuf> {
        text.split(':')
            .map(|directory| self.substitute(directory, object))
            .filter(|directory| directory.starts_with('/'))
            .map(Utf8PathBuf::from)
            .collect()
    }

    fn substitute(&self, text: &str, object: &Object) -> String {
        if !text.contains('$') {
            return text.to_owned();
        }
        let origin = object.path.parent().unwrap_or(Utf8Path::new("/")).as_str();
        let triplet = self.machine.triplets().first();
        let library = match (triplet, self.machine.library_directory()) {
            (Some(triplet), _) if self.has_directory(&format!("/lib/{triplet}")) => format!("lib/{triplet}"),
            (_, Some(directory)) => directory.to_owned(),
            _ => "lib".to_owned(),
        };
        let platform = triplet.and_then(|triplet| triplet.split('-').next()).unwrap_or_default();
        let mut text = text.to_owned();
        for (name, value) in [("ORIGIN", origin), ("LIB", &library), ("PLATFORM", platform)] {
            text = text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
        }
        text
    }

    fn has_directory(&self, path: &str) -> bool {
        matches!(resolve(self.system.root, Utf8Path::new(path)), Ok(Some((_, RootEntry::Directory))))
    }
}

/// The search for one library.
struct Search<'a> {
    loader: &'a Loader<'a>,
    searched: Vec<Utf8PathBuf>,
    passed_over: Vec<(Utf8PathBuf, String)>,
}

/// Where it was found: as opened, with links followed, what it is, and how.
type Hit = (Utf8PathBuf, Utf8PathBuf, Rc<Elf>, Found);

impl Search<'_> {
    fn find(&mut self, library: &str, needed_by: usize, objects: &[Object]) -> Result<Option<Hit>, AbiError> {
        let object = &objects[needed_by];
        if library.contains('/') {
            let path = self.loader.substitute(library, object);
            let path = Utf8PathBuf::from(path);
            return if path.is_absolute() { self.at(path, Found::ByFile) } else { Ok(None) };
        }
        for directory in self.of_files(needed_by, objects) {
            let found = match object.found {
                // It will stand elsewhere, and this one, which is beside it, with it.
                Found::Configured => Found::Configured,
                _ => Found::ByFile,
            };
            if let Some(hit) = self.inside(directory, library, found)? {
                return Ok(Some(hit));
            }
        }
        self.in_system(library, object.elf.ignores_default_directories)
    }

    /// The directories that files name: the RPATH of the file that needs it and of those that needed that one, or its RUNPATH
    /// alone. musl does not distinguish them.
    fn of_files(&self, needed_by: usize, objects: &[Object]) -> Vec<Utf8PathBuf> {
        let is_musl = self.loader.libc == Libc::Musl;
        let object = &objects[needed_by];
        let mut directories = Vec::new();
        if is_musl || object.elf.runpath.is_none() {
            let mut next = Some(needed_by);
            while let Some(index) = next {
                let object = &objects[index];
                let path = match &object.elf.runpath {
                    Some(runpath) => is_musl.then_some(runpath),
                    None => object.elf.rpath.as_ref(),
                };
                directories.extend(path.into_iter().flat_map(|path| self.loader.expand(path, object)));
                next = object.loader;
            }
        }
        if let Some(runpath) = object.elf.runpath.as_ref().filter(|_| !is_musl) {
            directories.extend(self.loader.expand(runpath, object));
        }
        directories
    }

    fn in_system(&mut self, library: &str, ignores_defaults: bool) -> Result<Option<Hit>, AbiError> {
        // ldconfig indexes nothing else.
        let is_indexed =
            (library.starts_with("lib") || library.starts_with("ld-")) && library.contains(".so");
        if is_indexed {
            for directory in &self.loader.path.configured {
                // Debian configures directories that are built in as well.
                let is_built_in = self.loader.path.built_in.contains(directory);
                let found = if is_built_in { Found::BuiltIn } else { Found::Configured };
                if is_built_in && ignores_defaults {
                    continue;
                }
                if let Some(hit) = self.inside(directory.clone(), library, found)? {
                    return Ok(Some(hit));
                }
            }
        }
        if !ignores_defaults {
            for directory in &self.loader.path.built_in {
                if let Some(hit) = self.inside(directory.clone(), library, Found::BuiltIn)? {
                    return Ok(Some(hit));
                }
            }
        }
        Ok(None)
    }

    fn inside(
        &mut self,
        directory: Utf8PathBuf,
        library: &str,
        found: Found,
    ) -> Result<Option<Hit>, AbiError> {
        let path = directory.join(library);
        if !self.searched.contains(&directory) {
            self.searched.push(directory);
        }
        self.at(path, found)
    }

    /// The file at a path, if the loader would take it.
    fn at(&mut self, path: Utf8PathBuf, found: Found) -> Result<Option<Hit>, AbiError> {
        let Some((real, RootEntry::File)) = resolve(&self.loader.system, &path)? else { return Ok(None) };
        let why = match self.loader.read(&real)? {
            Ok(Some(elf)) if elf.machine == self.loader.machine => return Ok(Some((path, real, elf, found))),
            Ok(Some(elf)) => format!("it is for {}", elf.machine),
            Ok(None) => "it is not an ELF file".to_owned(),
            Err(error) => error.to_string(),
        };
        if !self.passed_over.iter().any(|(known, _)| *known == path) {
            self.passed_over.push((path, why));
        }
        Ok(None)
    }
}

/// Whether musl's loader takes this name for its own.
pub(crate) fn is_musl_itself(library: &str) -> bool {
    library
        .strip_prefix("lib")
        .and_then(|name| name.split_once('.'))
        .is_some_and(|(name, _)| MUSL_RESERVED.contains(&name))
}
