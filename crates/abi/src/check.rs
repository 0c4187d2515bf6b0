//! Whether a release runs on a system.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::elf::NeededVersion;
use crate::loader::{Found, Loaded, Object, System};
use crate::loaders::{Loaders, missing_interpreter};
use crate::reading::read_elf;
use crate::root::SystemRoot;
use crate::search::Libc;
use crate::symbol_version::newest;
use crate::{AbiError, Elf, Finding, Machine, ReleaseFiles, SymbolVersion};

/// A file of the release, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// What it is for.
    pub machine: Machine,
    /// Whether it uses the dynamic loader.
    pub dynamic: bool,
    /// The libraries it needs by itself.
    pub needed: Vec<String>,
    /// The newest symbol version that it needs of each family.
    pub newest: Vec<SymbolVersion>,
}

/// A library of the system that the release uses, and what it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LibraryReport {
    /// Where it is in the system, links followed.
    pub path: Utf8PathBuf,
    /// The newest symbol version that the release's own files need of it, by family.
    pub needed: Vec<SymbolVersion>,
    /// The newest symbol version that it provides, by family.
    pub provided: Vec<SymbolVersion>,
}

/// What was checked, and what keeps it from running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The architecture of the release; none when it has no native code.
    pub machine: Option<Machine>,
    /// The dynamic loader of its virtual machine; without one, that of its first program.
    pub interpreter: Option<Utf8PathBuf>,
    /// Its native code, by path.
    pub files: Vec<FileReport>,
    /// The libraries of the system that it uses, by path.
    pub libraries: Vec<LibraryReport>,
    /// What keeps it from running, by file.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing keeps it from running.
    pub fn is_ok(&self) -> bool {
        self.findings.is_empty()
    }

    /// How many ELF files were checked, damaged ones too.
    pub fn checked_files(&self) -> usize {
        let known: BTreeSet<&Utf8PathBuf> = self.files.iter().map(|file| &file.path).collect();
        let damaged = self.unusable().into_iter().filter(|file| !known.contains(file)).count();
        known.len() + damaged
    }

    /// The files that do not run. Without the virtual machine's dynamic loader these are all that it would have loaded, of
    /// which the findings name the first program.
    pub fn unusable(&self) -> BTreeSet<&Utf8PathBuf> {
        let mut files: BTreeSet<&Utf8PathBuf> = self.findings.iter().map(Finding::file).collect();
        let is_missing = self.findings.iter().any(|finding| match finding {
            Finding::Interpreter { interpreter, .. } => Some(interpreter) == self.interpreter.as_ref(),
            _ => false,
        });
        if is_missing {
            let loaded = self.files.iter().filter(|file| file.dynamic && Some(file.machine) == self.machine);
            files.extend(loaded.map(|file| &file.path));
        }
        files
    }
}

/// Checks every ELF file of a release against a system. `expected` is the architecture that it has to be for; without
/// one, that of its virtual machine.
///
/// # Errors
///
/// When the system or the release cannot be looked at. What is wrong with them is in the report.
pub fn check(
    files: &ReleaseFiles,
    root: &dyn SystemRoot,
    expected: Option<Machine>,
) -> Result<Report, AbiError> {
    let system = System { release: files, root };
    let surveyed = Survey::of(system, expected)?;
    let mut report = Report {
        machine: surveyed.machine,
        interpreter: surveyed.interpreter.clone(),
        files: surveyed.reports(),
        libraries: Vec::new(),
        findings: surveyed.findings.clone(),
    };
    let Some(machine) = surveyed.machine else { return Ok(report) };
    let loaders = Loaders::of(system, machine, &surveyed)?;
    if let (Some(interpreter), false) = (&surveyed.interpreter, loaders.main().is_there()) {
        // Without it nothing else matters.
        let mut programs = surveyed.usable(machine);
        let file = programs.find(|(_, elf)| elf.interpreter.as_ref() == Some(interpreter));
        let file = file.map(|(path, _)| path.to_owned()).unwrap_or_default();
        report.findings.push(Finding::Interpreter { file, interpreter: interpreter.clone() });
        report.findings.sort_by(|one, other| one.file().cmp(other.file()));
        return Ok(report);
    }
    let mut libraries = Libraries::default();
    for (path, elf) in surveyed.usable(machine) {
        let loader = loaders.of_file(elf);
        if let Some(finding) = missing_interpreter(path, elf, loader) {
            report.findings.push(finding);
            continue;
        }
        report.findings.extend(other_libc(path, elf, loader.libc));
        let loaded = loader.load(path, elf)?;
        report.findings.extend(missing_libraries(&loaded));
        if loader.libc == Libc::Glibc {
            missing_versions(&system, &loaded, &mut report.findings)?;
        }
        libraries.add(files, &loaded);
    }
    report.libraries = libraries.reports();
    report.findings.sort_by(|one, other| one.file().cmp(other.file()));
    report.findings.dedup();
    Ok(report)
}

/// The native code of a release, read once.
pub(crate) struct Survey {
    pub(crate) files: Vec<(Utf8PathBuf, Rc<Elf>)>,
    pub(crate) machine: Option<Machine>,
    pub(crate) interpreter: Option<Utf8PathBuf>,
    /// Damaged files and those of other architectures.
    pub(crate) findings: Vec<Finding>,
}

impl Survey {
    pub(crate) fn of(system: System<'_>, expected: Option<Machine>) -> Result<Self, AbiError> {
        let mut survey = Self { files: Vec::new(), machine: None, interpreter: None, findings: Vec::new() };
        for path in system.release.paths() {
            match read_elf(path, system.open(path)?)? {
                Ok(Some(elf)) => survey.files.push((path.to_owned(), Rc::new(elf))),
                Ok(None) => {}
                Err(error) => {
                    survey
                        .findings
                        .push(Finding::Damaged { file: path.to_owned(), reason: error.to_string() });
                }
            }
        }
        survey.machine = expected.or_else(|| survey.guess_machine());
        let machine = survey.machine;
        let programs = || survey.files.iter().filter(|(_, elf)| Some(elf.machine) == machine);
        let of_machine = programs().filter(|(path, _)| is_virtual_machine(path));
        survey.interpreter = of_machine.chain(programs()).find_map(|(_, elf)| elf.interpreter.clone());
        for (file, elf) in &survey.files {
            if let Some(expected) = machine
                && elf.machine != expected
            {
                let (file, machine) = (file.clone(), elf.machine);
                survey.findings.push(Finding::Architecture { file, machine, expected });
            }
        }
        Ok(survey)
    }

    /// That of the virtual machine, or of the first program, or of the first file.
    fn guess_machine(&self) -> Option<Machine> {
        let found = self.files.iter().find(|(path, _)| is_virtual_machine(path));
        let found = found.or_else(|| self.files.iter().find(|(_, elf)| elf.interpreter.is_some()));
        found.or(self.files.first()).map(|(_, elf)| elf.machine)
    }

    /// The files that the dynamic loader will load.
    pub(crate) fn usable(&self, machine: Machine) -> impl Iterator<Item = (&Utf8Path, &Rc<Elf>)> {
        self.files
            .iter()
            .filter(move |(_, elf)| elf.machine == machine && elf.is_loaded_dynamically())
            .map(|(path, elf)| (path.as_path(), elf))
    }

    fn reports(&self) -> Vec<FileReport> {
        let report = |(path, elf): &(Utf8PathBuf, Rc<Elf>)| FileReport {
            path: path.clone(),
            machine: elf.machine,
            dynamic: elf.is_loaded_dynamically(),
            needed: elf.needed.clone(),
            newest: newest(needed(elf).map(|(_, needed)| &needed.version)),
        };
        self.files.iter().map(report).collect()
    }
}

fn is_virtual_machine(path: &Utf8Path) -> bool {
    matches!(path.file_name(), Some("beam.smp" | "erlexec"))
}

fn needed(elf: &Elf) -> impl Iterator<Item = (&str, &NeededVersion)> {
    elf.needed_versions
        .iter()
        .flat_map(|needed| needed.versions.iter().map(|version| (needed.library.as_str(), version)))
}

/// A file that was built for the other C library.
fn other_libc(file: &Utf8Path, elf: &Elf, libc: Libc) -> Option<Finding> {
    let is_glibc = elf.needed.iter().any(|library| library == "libc.so.6");
    (libc == Libc::Musl && is_glibc).then(|| Finding::Libc {
        file: file.to_owned(),
        needs: "glibc",
        system: "musl",
    })
}

/// The libraries that a file lacks.
pub(crate) fn missing_libraries(loaded: &Loaded) -> impl Iterator<Item = Finding> {
    loaded.missing.iter().map(|missing| Finding::MissingLibrary {
        file: loaded.objects[0].path.clone(),
        library: missing.library.clone(),
        through: through(loaded, missing.needed_by),
        searched: missing.searched.clone(),
        passed_over: missing.passed_over.clone(),
    })
}

fn through(loaded: &Loaded, object: usize) -> Option<Utf8PathBuf> {
    (object > 0).then(|| loaded.objects[object].path.clone())
}

/// The symbol versions that a file lacks, as `_dl_check_map_versions` of glibc finds them.
fn missing_versions(
    system: &System<'_>,
    loaded: &Loaded,
    findings: &mut Vec<Finding>,
) -> Result<(), AbiError> {
    for (index, object) in loaded.objects.iter().enumerate() {
        for (library, needed) in needed(&object.elf) {
            let Some(provider) = loaded.called(library) else { continue };
            let provided = &provider.elf.provided_versions;
            // A library without versions is taken with a warning.
            if needed.is_weak || provided.is_empty() || provided.contains(&needed.version) {
                continue;
            }
            let family = provided.iter().filter(|version| version.family() == needed.version.family());
            findings.push(Finding::MissingVersion {
                file: loaded.objects[0].path.clone(),
                through: through(loaded, index),
                version: needed.version.clone(),
                symbols: Elf::symbols_in(system.open(&object.real)?, needed),
                library: library.to_owned(),
                found: provider.real.clone(),
                newest: newest(family).pop(),
            });
        }
    }
    Ok(())
}

/// The libraries of the system that are used.
#[derive(Default)]
struct Libraries {
    by_path: BTreeMap<Utf8PathBuf, (Rc<Elf>, Vec<SymbolVersion>)>,
}

impl Libraries {
    fn add(&mut self, files: &ReleaseFiles, loaded: &Loaded) {
        let is_system = |object: &Object| object.found != Found::Asked && files.entry(&object.real).is_none();
        for object in loaded.objects.iter().filter(|object| is_system(object)) {
            self.by_path.entry(object.real.clone()).or_insert_with(|| (Rc::clone(&object.elf), Vec::new()));
        }
        for object in loaded.objects.iter().filter(|object| !is_system(object)) {
            for (library, needed) in needed(&object.elf) {
                if let Some(provider) = loaded.called(library)
                    && let Some((_, versions)) = self.by_path.get_mut(&provider.real)
                    && !versions.contains(&needed.version)
                {
                    versions.push(needed.version.clone());
                }
            }
        }
    }

    fn reports(self) -> Vec<LibraryReport> {
        let report = |(path, (elf, needed)): (Utf8PathBuf, (Rc<Elf>, Vec<SymbolVersion>))| LibraryReport {
            path,
            needed: newest(&needed),
            provided: newest(&elf.provided_versions),
        };
        self.by_path.into_iter().map(report).collect()
    }
}
