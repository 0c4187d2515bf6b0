//! `ldd`, which asks the system's own loader, is the oracle: for every file of Erlang and many of the system, on this
//! machine and in the toolchains' roots, which are read from outside and asked from inside.
//!
//! `BEAMSHIP_LDD_ALL=1` widens it to every ELF file of `/usr/bin` and `/usr/lib`.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is compared, and what is left out, is said"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use beamship_abi::{DirectoryRoot, Finding, Reason, ReleaseFiles, check, closure, resolve};
use camino::{Utf8Path, Utf8PathBuf};

/// What a file loads, by path, and what it lacks, by name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Libraries {
    found: BTreeSet<Utf8PathBuf>,
    missing: BTreeSet<String>,
}

/// ELF files below a directory of a root, at most so many, evenly spread.
fn elf_files(root: &DirectoryRoot, directory: &str, maximum: usize) -> Vec<Utf8PathBuf> {
    let mut files = Vec::new();
    if let Some((directory, _)) = resolve(root, Utf8Path::new(directory)).unwrap() {
        let machine_path = root.join(&directory);
        let all = ReleaseFiles::read_directory(&machine_path, &directory).unwrap();
        files = all.paths().map(Utf8Path::to_owned).collect();
    }
    let step = files.len().div_ceil(maximum).max(1);
    files.into_iter().step_by(step).collect()
}

fn is_loader(path: &str) -> bool {
    path.contains("/ld-linux") || path.contains("/ld-musl") || path.contains("/ld-2.")
}

/// The answers of `ldd`, inside the root. Files that it refuses, such as static programs, have none.
fn asked(root: &DirectoryRoot, files: &[Utf8PathBuf]) -> BTreeMap<Utf8PathBuf, Libraries> {
    let mut command = if root.join(Utf8Path::new("/")) == "/" {
        Command::new("ldd")
    } else {
        let mut command = Command::new("chroot");
        command.arg(root.join(Utf8Path::new("/"))).arg("/usr/bin/ldd");
        command
    };
    // With one file, ldd does not name it.
    let output = command.args(files).arg("/bin/true").env_clear().env("PATH", "/usr/sbin:/usr/bin:/bin");
    let output = output.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut answers = BTreeMap::new();
    let mut current: Option<(Utf8PathBuf, Libraries)> = None;
    for line in text.lines() {
        if let Some(file) = line.strip_suffix(':').filter(|file| file.starts_with('/')) {
            answers.extend(current.replace((file.into(), Libraries::default())));
            continue;
        }
        let line = line.trim();
        let Some((file, libraries)) = &mut current else { continue };
        if line == "not a dynamic executable" || line == "statically linked" {
            let file = std::mem::take(file);
            current = None;
            answers.remove(&file);
        } else if let Some(name) = line.strip_suffix(" => not found") {
            libraries.missing.insert(name.to_owned());
        } else if !line.contains("vdso") && !line.contains("version `") {
            let path = line.split(" => ").last().unwrap().split(" (0x").next().unwrap();
            if !is_loader(path) {
                let (real, _) = resolve(root, Utf8Path::new(path)).unwrap().unwrap();
                libraries.found.insert(real);
            }
        }
    }
    answers.extend(current);
    answers
}

fn resolved(root: &DirectoryRoot, file: &Utf8Path) -> Libraries {
    let mut files = ReleaseFiles::new();
    files.add_file(file, &root.join(file)).unwrap();
    let closure = closure(&files, root).unwrap();
    let needed = closure.libraries.iter().filter(|library| library.reason == Reason::Needed);
    let found = needed.map(|library| library.root_path.clone()).filter(|path| !is_loader(path.as_str()));
    let missing = closure.problems.iter().filter_map(|problem| match problem {
        Finding::MissingLibrary { library, .. } => Some(library.clone()),
        _ => None,
    });
    Libraries { found: found.collect(), missing: missing.collect() }
}

fn compare(root: &str) {
    let root = DirectoryRoot::new(root).unwrap();
    let (few, many) =
        if std::env::var_os("BEAMSHIP_LDD_ALL").is_some() { (usize::MAX, usize::MAX) } else { (40, 400) };
    let mut files = elf_files(&root, "/usr/lib/erlang", many);
    assert!(files.len() > 10, "no Erlang in {root:?}");
    files.extend(elf_files(&root, "/usr/bin", few));
    files.extend(elf_files(&root, "/usr/lib/x86_64-linux-gnu", few));
    files.extend(elf_files(&root, "/usr/lib/aarch64-linux-gnu", few));
    let answers = asked(&root, &files);
    assert!(answers.len() > 20, "ldd answered for {} of {} files", answers.len(), files.len());
    let mut differing = Vec::new();
    for (file, expected) in &answers {
        let resolved = resolved(&root, file);
        if resolved != *expected {
            differing.push(format!("{file}\n  ldd:  {expected:?}\n  here: {resolved:?}"));
        }
    }
    assert!(differing.is_empty(), "{} of {}:\n{}", differing.len(), answers.len(), differing.join("\n"));
    println!("{} files of {}", answers.len(), root.join(Utf8Path::new("/")));
}

/// What is too old here for files of another system, as the loader says it and as the check does.
#[test]
fn versions_that_this_machine_lacks() {
    let toolchains = std::env::var("BEAMSHIP_TOOLCHAINS").unwrap_or("/opt/beamship-toolchains".to_owned());
    let Ok(root) = DirectoryRoot::new(format!("{toolchains}/forky")) else {
        testing::skip("there is no root of forky");
        return;
    };
    let machine = DirectoryRoot::new("/").unwrap();
    let mut lacking = 0;
    let mut files = elf_files(&root, "/usr/lib/erlang", 400);
    files.extend(elf_files(&root, "/usr/bin", 100));
    for file in files {
        let file = root.join(&file);
        let output =
            Command::new("ldd").arg(&file).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        // FILE: LIBRARY: version `VERSION' not found (required by OBJECT)
        let versions = said.lines().filter_map(|line| line.split_once("version `")?.1.split_once('\''));
        let expected: BTreeSet<String> = versions.map(|(version, _)| version.to_owned()).collect();
        let mut alone = ReleaseFiles::new();
        alone.add_file(&file, &file).unwrap();
        let report = check(&alone, &machine, None).unwrap();
        let versions = report.findings.iter().filter_map(|finding| match finding {
            Finding::MissingVersion { version, .. } => Some(version.to_string()),
            _ => None,
        });
        let versions: BTreeSet<String> = versions.collect();
        assert_eq!(versions, expected, "{file}\n{said}");
        lacking += usize::from(!versions.is_empty());
    }
    println!("{lacking} files of forky lack a version here");
}

#[test]
fn this_machine() {
    compare("/");
}

#[test]
fn other_roots_are_read_from_outside() {
    let toolchains = std::env::var("BEAMSHIP_TOOLCHAINS").unwrap_or("/opt/beamship-toolchains".to_owned());
    for suite in ["trixie", "forky"] {
        let root = format!("{toolchains}/{suite}");
        let may_enter = Command::new("chroot").args([&root, "/bin/true"]).status();
        if may_enter.is_ok_and(|status| status.success()) {
            compare(&root);
        } else {
            testing::skip(&format!("{root} is not there, or this is not root"));
        }
    }
}
