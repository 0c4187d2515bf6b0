//! What an empty image has to hold so that a release runs in it.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::check::{Survey, missing_libraries};
use crate::loader::{Found, Loader, Object, System};
use crate::loaders::{Loaders, missing_interpreter};
use crate::root::{RootEntry, SystemRoot, resolve};
use crate::search::Libc;
use crate::{AbiError, Finding, ReleaseFiles};

/// Why a library is shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It is the dynamic loader.
    Interpreter,
    /// A file names it.
    Needed,
    /// Another library opens it while it runs (`dlopen`), and is known to.
    Opened,
}

/// A file of the system that the release needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Library {
    /// The name that it is asked for by.
    pub name: String,
    /// Where it is in the system, all links followed.
    pub root_path: Utf8PathBuf,
    /// Where the loader will find it in an image that holds nothing else.
    pub image_path: Utf8PathBuf,
    /// More names of the same file, for symbolic links to `image_path`, sorted.
    pub links: Vec<Utf8PathBuf>,
    /// Why it is shipped.
    pub reason: Reason,
    /// What needed it first: a file of the release or another library.
    pub needed_by: Option<Utf8PathBuf>,
}

/// The libraries that a release needs of a system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Closure {
    /// The libraries, by their paths in the image.
    pub libraries: Vec<Library>,
    /// What cannot be shipped, because it is not there.
    pub problems: Vec<Finding>,
}

/// Finds all that the ELF files of a release need of a system, transitively, and where it has to be in an image that
/// holds nothing else. The order is that of the paths in the image.
///
/// # Errors
///
/// When the system or the release cannot be looked at.
pub fn closure(files: &ReleaseFiles, root: &dyn SystemRoot) -> Result<Closure, AbiError> {
    let system = System { release: files, root };
    let survey = Survey::of(system, None)?;
    let mut closure = Closure { libraries: Vec::new(), problems: survey.findings.clone() };
    let Some(machine) = survey.machine else { return Ok(closure) };
    let loaders = Loaders::of(system, machine, &survey)?;
    let main = loaders.main();
    if let (Some(interpreter), false) = (&survey.interpreter, main.is_there()) {
        let file = survey.files.first().map(|(path, _)| path.clone()).unwrap_or_default();
        closure.problems.push(Finding::Interpreter { file, interpreter: interpreter.clone() });
        return Ok(closure);
    }
    let mut shipped = Shipped::default();
    for (path, elf) in survey.usable(machine) {
        let loader = loaders.of_file(elf);
        if let Some(finding) = missing_interpreter(path, elf, loader) {
            closure.problems.push(finding);
            continue;
        }
        let loaded = loader.load(path, elf)?;
        closure.problems.extend(missing_libraries(&loaded));
        shipped.add_all(files, &loaded.objects);
    }
    if main.libc == Libc::Glibc {
        for (path, found) in opened(root, main, &shipped)? {
            let Some((real, RootEntry::File)) = resolve(root, &path)? else { continue };
            let Ok(Some(elf)) = main.read(&real)? else { continue };
            let mut loaded = main.load(&real, &elf)?;
            loaded.objects[0].path = path;
            loaded.objects[0].found = found;
            if loaded.missing.is_empty() {
                shipped.add(&loaded.objects[0], None, Reason::Opened);
                shipped.add_all(files, &loaded.objects);
            }
        }
    }
    closure.libraries = shipped.libraries();
    closure.problems.sort_by(|one, other| one.file().cmp(other.file()));
    closure.problems.dedup();
    Ok(closure)
}

/// Libraries that others open by name while they run.
///
/// * libc opens libgcc_s when a thread ends or is cancelled, and before 2.34 a library for each word of
///   `/etc/nsswitch.conf`; since then the two that a host name needs are part of it.
/// * OTP's crypto loads OpenSSL's legacy provider at its start (MD4, DES, RC4, Blowfish), and does without where there
///   is none. Engines are for hardware, and nothing asks for them unless a project does.
fn opened(
    root: &dyn SystemRoot,
    loader: &Loader<'_>,
    shipped: &Shipped,
) -> Result<Vec<(Utf8PathBuf, Found)>, AbiError> {
    let mut opened = Vec::new();
    for (real, found) in &shipped.by_file {
        match found.name.as_str() {
            "libc.so.6" => {
                let mut names = vec!["libgcc_s.so.1"];
                if !found.provides("GLIBC_2.34") {
                    names.extend(["libnss_files.so.2", "libnss_dns.so.2"]);
                }
                for name in names {
                    opened.extend(loader.find(name)?.map(|(path, _, found)| (path, found)));
                }
            }
            name if name.starts_with("libcrypto.so.") => {
                let directory = real.parent().unwrap_or(Utf8Path::new("/"));
                let path = directory.join("ossl-modules/legacy.so");
                if resolve(root, &path)?.is_some() {
                    opened.push((path, Found::ByFile));
                }
            }
            _ => {}
        }
    }
    Ok(opened)
}

/// A file that will be in the image.
struct Ship {
    name: String,
    /// The paths by which it was opened, and how it was found there.
    paths: BTreeMap<Utf8PathBuf, Found>,
    reason: Reason,
    needed_by: Option<Utf8PathBuf>,
    versions: Vec<crate::SymbolVersion>,
}

impl Ship {
    fn provides(&self, version: &str) -> bool {
        self.versions.iter().any(|provided| provided.as_str() == version)
    }
}

/// All that will be in the image, by where it really is.
#[derive(Default)]
struct Shipped {
    by_file: BTreeMap<Utf8PathBuf, Ship>,
}

impl Shipped {
    /// What was loaded, but for the files of the release.
    fn add_all(&mut self, files: &ReleaseFiles, objects: &[Object]) {
        for object in &objects[1..] {
            if files.entry(&object.real).is_none() {
                let needed_by = object.loader.map(|loader| objects[loader].path.clone());
                let is_interpreter = object.found == Found::Interpreter;
                let reason = if is_interpreter { Reason::Interpreter } else { Reason::Needed };
                self.add(object, needed_by, reason);
            }
        }
    }

    fn add(&mut self, object: &Object, needed_by: Option<Utf8PathBuf>, reason: Reason) {
        let ship = self.by_file.entry(object.real.clone()).or_insert_with(|| Ship {
            name: object.path.file_name().unwrap_or_default().to_owned(),
            paths: BTreeMap::new(),
            reason,
            needed_by,
            versions: object.elf.provided_versions.clone(),
        });
        ship.reason = ship.reason.min(reason);
        ship.paths.insert(object.path.clone(), object.found);
    }

    /// The paths in the image.
    ///
    /// A path that a program or a library names stays what it is. So does a directory that is built into the loader.
    /// What a configuration names, which only an index (`ld.so.cache`) would tell the loader, goes beside libc.
    fn libraries(self) -> Vec<Library> {
        let libc = self.by_file.values().find(|ship| ship.name == "libc.so.6");
        let beside_libc = libc
            .and_then(|ship| ship.paths.keys().next())
            .and_then(|path| path.parent())
            .unwrap_or(Utf8Path::new("/lib"))
            .to_owned();
        let mut libraries: Vec<Library> = Vec::new();
        for (root_path, ship) in self.by_file {
            let mut paths: Vec<(Found, Utf8PathBuf)> = ship
                .paths
                .into_iter()
                .map(|(path, found)| match (found, path.file_name()) {
                    (Found::Configured, Some(name)) => (found, beside_libc.join(name)),
                    _ => (found, path),
                })
                .collect();
            // The loader has to be a file where the kernel looks for it, not a link.
            paths.sort_by_key(|(found, path)| (*found != Found::Interpreter, path.clone()));
            let mut paths = paths.into_iter().map(|(_, path)| path);
            let Some(image_path) = paths.next() else { continue };
            let mut links: Vec<_> = paths.filter(|path| *path != image_path).collect();
            links.sort();
            links.dedup();
            libraries.push(Library {
                name: ship.name,
                root_path,
                image_path,
                links,
                reason: ship.reason,
                needed_by: ship.needed_by,
            });
        }
        libraries.sort_by(|one, other| one.image_path.cmp(&other.image_path));
        libraries
    }
}
