//! Libraries as a NIF has them, wrong on purpose: made by the compiler of this machine, judged by its `ldd` as well.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::process::Command;

use beamship_abi::{
    DirectoryRoot, Elf, Finding, Machine, Reason, ReleaseFiles, Report, SymbolVersion, check, closure,
};
use camino::{Utf8Path, Utf8PathBuf};

/// A directory with a compiler in it.
struct Workshop {
    directory: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.directory.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) -> Utf8PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Compiles C to a shared library with these arguments.
    fn library(&self, name: &str, source: &str, arguments: &[&str]) -> Utf8PathBuf {
        let source = self.write(&format!("{name}.c"), source);
        let path = self.path(name);
        let mut command = Command::new("gcc");
        command.args(["-shared", "-fPIC", "-o", path.as_str(), source.as_str()]).args(arguments);
        let output = command.output().expect("gcc");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        path
    }

    /// Compiles C to a program.
    fn program(&self, name: &str) -> Utf8PathBuf {
        self.program_with(name, &[])
    }

    /// Compiles C to a program with these arguments.
    fn program_with(&self, name: &str, arguments: &[&str]) -> Utf8PathBuf {
        let source = self.write(&format!("{name}.c"), "int main(void) { return 0; }");
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut command = Command::new("gcc");
        let status =
            command.args(["-o", path.as_str(), source.as_str()]).args(arguments).status().expect("gcc");
        assert!(status.success());
        path
    }
}

/// Files of this machine as a release at `/app`.
fn release(files: &[(&str, &Utf8Path)]) -> ReleaseFiles {
    let mut all = ReleaseFiles::new();
    for (path, file) in files {
        assert!(all.add_file(*path, file).unwrap(), "{file} is not an ELF file");
    }
    all
}

fn machine() -> DirectoryRoot {
    DirectoryRoot::new("/").unwrap()
}

fn checked(files: &[(&str, &Utf8Path)]) -> Report {
    check(&release(files), &machine(), None).unwrap()
}

fn ldd(file: &Utf8Path) -> String {
    let output = Command::new("ldd").arg(file).output().expect("ldd");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_right_one_passes() {
    let workshop = Workshop::new();
    let program = workshop.program("beam.smp");
    let nif = workshop.library("nif.so", "#include <stdio.h>\nvoid f(void) { puts(\"\"); }", &[]);
    let report = checked(&[("/app/erts/bin/beam.smp", &program), ("/app/lib/a/priv/nif.so", &nif)]);
    assert_eq!(report.findings, []);
    assert_eq!(report.files.len(), 2);
    let libc = report.libraries.iter().find(|library| library.path.as_str().ends_with("libc.so.6")).unwrap();
    assert!(libc.needed.iter().all(|needed| libc.provided.iter().any(|had| !needed.is_newer_than(had))));
}

#[test]
fn another_architecture() {
    let workshop = Workshop::new();
    let program = workshop.program("beam.smp");
    let nif = workshop.library("nif.so", "int f;", &[]);
    let mut bytes = fs::read(&nif).unwrap();
    // e_machine: 183 is AArch64, 62 is x86-64.
    let (other, name) = if cfg!(target_arch = "aarch64") { (62_u16, "amd64") } else { (183, "arm64") };
    bytes[18..20].copy_from_slice(&other.to_le_bytes());
    fs::write(&nif, &bytes).unwrap();
    let files = [("/app/beam.smp", program.as_path()), ("/app/nif.so", nif.as_path())];
    let report = checked(&files);
    let [Finding::Architecture { file, machine, expected }] = report.findings.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!((file.as_str(), machine.oci()), ("/app/nif.so", Some(name)));
    assert_eq!(report.machine, Some(*expected));
    // An image for the other platform finds the program wrong instead.
    let report = check(&release(&files), &self::machine(), Machine::of_header(&bytes)).unwrap();
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.file() == "/app/beam.smp"
                && matches!(finding, Finding::Architecture { .. })),
        "{report:?}"
    );
    assert_eq!(closure(&release(&files), &self::machine()).unwrap().problems.len(), 1);
}

/// A port from somewhere else, beside a virtual machine of this system, whichever of both comes first.
#[test]
fn a_program_with_another_loader_than_the_virtual_machine() {
    const NIX: &str = "/nix/store/abcdef-glibc-2.40/lib/ld-linux-x86-64.so.2";
    let workshop = Workshop::new();
    let program = workshop.program("beam.smp");
    let port = workshop.program_with("port", &[&format!("-Wl,--dynamic-linker={NIX}")]);
    for place in ["/app/bin/port", "/app/lib/a/priv/port"] {
        let files = [("/app/erts/bin/beam.smp", program.as_path()), (place, port.as_path())];
        let expected = Finding::Interpreter { file: place.into(), interpreter: NIX.into() };
        let report = checked(&files);
        assert_eq!(report.findings, std::slice::from_ref(&expected));
        assert!(expected.hint().contains("a dynamic loader of its own"), "{}", expected.hint());
        assert_eq!(report.unusable().into_iter().collect::<Vec<_>>(), [place], "the rest does run");
        assert_ne!(report.interpreter.as_deref(), Some(Utf8Path::new(NIX)));
        let closure = closure(&release(&files), &machine()).unwrap();
        assert_eq!(closure.problems, [expected]);
        assert!(closure.libraries.iter().any(|library| library.reason == Reason::Interpreter));
    }
}

/// Two loaders, both there: both are shipped.
#[test]
fn each_loader_is_shipped() {
    let workshop = Workshop::new();
    let program = workshop.program("beam.smp");
    let own = checked(&[("/app/beam.smp", &program)]).interpreter.unwrap();
    let other = workshop.path("ld-other.so");
    fs::copy(&own, &other).unwrap();
    let port = workshop.program_with("port", &[&format!("-Wl,--dynamic-linker={other}")]);
    let files = [("/app/beam.smp", program.as_path()), ("/app/port", port.as_path())];
    assert_eq!(checked(&files).findings, []);
    let closure = closure(&release(&files), &machine()).unwrap();
    let loaders = closure.libraries.iter().filter(|library| library.reason == Reason::Interpreter);
    let mut paths: Vec<&Utf8Path> = loaders.map(|library| library.image_path.as_path()).collect();
    paths.sort();
    let mut expected = [own.as_path(), other.as_path()];
    expected.sort();
    assert_eq!(paths, expected);
}

#[test]
fn a_newer_symbol_version() {
    let workshop = Workshop::new();
    let script = workshop.write("versions", "GLIBC_2.2.5 { };\nGLIBC_9.99 { from_the_future; };\n");
    let stub = "void from_the_future(void) {}";
    fs::create_dir(workshop.path("future")).unwrap();
    let script = format!("-Wl,--version-script={script}");
    let future = workshop.library("future/libc.so.6", stub, &["-nostdlib", "-Wl,-soname=libc.so.6", &script]);
    let source = "void from_the_future(void);\nvoid f(void) { from_the_future(); }";
    let nif = workshop.library("nif.so", source, &["-nostdlib", future.as_str()]);
    assert!(ldd(&nif).contains("version `GLIBC_9.99' not found"), "{}", ldd(&nif));
    let report = checked(&[("/app/nif.so", &nif)]);
    let [finding @ Finding::MissingVersion { version, symbols, library, newest, .. }] =
        report.findings.as_slice()
    else {
        panic!("{report:?}")
    };
    assert_eq!((version.as_str(), library.as_str()), ("GLIBC_9.99", "libc.so.6"));
    assert_eq!(symbols, &["from_the_future"]);
    assert!(version.is_newer_than(newest.as_ref().unwrap()));
    let text = finding.to_string();
    assert!(
        text.starts_with("`/app/nif.so` needs `GLIBC_9.99` of `libc.so.6` (for from_the_future): `"),
        "{text}"
    );
    assert!(finding.hint().contains("9.99"), "{}", finding.hint());
    // Where it is, all is well.
    let elf = Elf::parse(&fs::read(&future).unwrap()).unwrap().unwrap();
    assert!(elf.provided_versions.contains(&SymbolVersion::new("GLIBC_9.99")));
}

#[test]
fn a_missing_library() {
    let workshop = Workshop::new();
    let program = workshop.program("beam.smp");
    let gone = workshop.library("libgone.so.1", "void gone(void) {}", &["-Wl,-soname=libgone.so.1"]);
    let middle_source = "void gone(void);\nvoid middle(void) { gone(); }";
    let middle =
        workshop.library("libmiddle.so.1", middle_source, &["-Wl,-soname=libmiddle.so.1", gone.as_str()]);
    let source = "void middle(void);\nvoid f(void) { middle(); }";
    let nif = workshop.library("nif.so", source, &[middle.as_str(), "-Wl,-rpath,$ORIGIN"]);
    fs::remove_file(&gone).unwrap();
    assert!(ldd(&nif).contains("libgone.so.1 => not found"), "{}", ldd(&nif));
    let files =
        release(&[("/app/beam.smp", &program), ("/app/nif.so", &nif), ("/app/libmiddle.so.1", &middle)]);
    let report = check(&files, &machine(), None).unwrap();
    // Once for the file itself, and once for the one that brings it along.
    let [Finding::MissingLibrary { through: None, .. }, Finding::MissingLibrary { library, through, .. }] =
        report.findings.as_slice()
    else {
        panic!("{report:?}")
    };
    assert_eq!(library, "libgone.so.1");
    assert_eq!(through.as_deref(), Some(Utf8Path::new("/app/libmiddle.so.1")));
    let closure = closure(&files, &machine()).unwrap();
    assert_eq!(closure.problems, report.findings);
    assert!(closure.libraries.iter().all(|library| library.name != "libmiddle.so.1"), "{closure:?}");
}

#[test]
fn a_root_without_the_loader() {
    let workshop = Workshop::new();
    let program = workshop.program("beam.smp");
    fs::create_dir(workshop.path("empty")).unwrap();
    let root = DirectoryRoot::new(workshop.path("empty")).unwrap();
    let nif = workshop.library("nif.so", "int f;", &[]);
    let damaged = workshop.write("damaged.so", "\x7fELF");
    let files = [("/app/beam.smp", program.as_path()), ("/app/erlexec", &program), ("/app/nif.so", &nif)];
    let report = check(&release(&files), &root, None).unwrap();
    assert!(matches!(report.findings.as_slice(), [Finding::Interpreter { .. }]), "{report:?}");
    // One finding for all: nothing runs.
    assert_eq!((report.unusable().len(), report.checked_files()), (3, 3));
    let report =
        check(&release(&[files.as_slice(), &[("/app/z.so", &damaged)]].concat()), &root, None).unwrap();
    assert_eq!((report.unusable().len(), report.checked_files()), (4, 4), "{report:?}");
}

/// The cookie, which only the system's user may read, is not looked into: nobody else could check a release.
#[test]
fn the_cookie_of_a_release_is_none() {
    let workshop = Workshop::new();
    workshop.write("release/releases/COOKIE", "\x7fELF");
    workshop.write("release/lib/COOKIE", "\x7fELF");
    let files = ReleaseFiles::read_directory(&workshop.path("release"), Utf8Path::new("/app")).unwrap();
    assert_eq!(files.paths().collect::<Vec<_>>(), ["/app/lib/COOKIE"]);
}

#[test]
fn a_damaged_file() {
    let workshop = Workshop::new();
    let program = workshop.program("beam.smp");
    let bytes = fs::read(&program).unwrap();
    let damaged = workshop.path("nif.so");
    fs::write(&damaged, &bytes[..200]).unwrap();
    let report = checked(&[("/app/beam.smp", &program), ("/app/nif.so", &damaged)]);
    assert!(matches!(report.findings.as_slice(), [Finding::Damaged { .. }]), "{report:?}");
}

#[test]
fn a_library_of_a_configured_directory_goes_beside_libc() {
    let workshop = Workshop::new();
    // A system of its own, with the loader and libc of this one.
    let root = workshop.path("root");
    let own = closure(&release(&[("/app/beam.smp", &workshop.program("beam.smp"))]), &machine()).unwrap();
    let libc = own.libraries.iter().find(|library| library.name == "libc.so.6").unwrap().clone();
    for library in &own.libraries {
        let copy = root.join(library.image_path.as_str().trim_start_matches('/'));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&library.root_path, copy).unwrap();
    }
    let inner = workshop.library("libinner.so.1", "void inner(void) {}", &["-Wl,-soname=libinner.so.1"]);
    let outer_source = "void inner(void);\nvoid outer(void) { inner(); }";
    let arguments = ["-Wl,-soname=libouter.so.1", inner.as_str(), "-Wl,-rpath,$ORIGIN/deep"];
    let outer = workshop.library("libouter.so.1.2", outer_source, &arguments);
    let nif = workshop.library("nif.so", "void outer(void);\nvoid f(void) { outer(); }", &[outer.as_str()]);
    fs::create_dir_all(root.join("opt/more/deep")).unwrap();
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/ld.so.conf"), "/opt/more\n").unwrap();
    fs::copy(&outer, root.join("opt/more/libouter.so.1.2")).unwrap();
    std::os::unix::fs::symlink("libouter.so.1.2", root.join("opt/more/libouter.so.1")).unwrap();
    fs::copy(&inner, root.join("opt/more/deep/libinner.so.1")).unwrap();
    let program = workshop.program("beam.smp");
    let files = release(&[("/app/beam.smp", &program), ("/app/nif.so", &nif)]);
    let closure = closure(&files, &DirectoryRoot::new(&root).unwrap()).unwrap();
    assert_eq!(closure.problems, []);
    let beside = libc.image_path.parent().unwrap();
    let find = |name: &str| closure.libraries.iter().find(|library| library.name == name).unwrap();
    assert_eq!(find("libouter.so.1").image_path, beside.join("libouter.so.1"));
    assert_eq!(find("libouter.so.1").root_path, "/opt/more/libouter.so.1.2");
    assert_eq!(find("libinner.so.1").image_path, beside.join("libinner.so.1"));
    let interpreters: Vec<_> =
        closure.libraries.iter().filter(|library| library.reason == Reason::Interpreter).collect();
    assert_eq!(interpreters.len(), 1);
    let program = Elf::parse(&fs::read(&program).unwrap()).unwrap().unwrap();
    assert_eq!(Some(&interpreters[0].image_path), program.interpreter.as_ref());
}
