//! The system of an image from nothing: what a release needs that is not in it, and no more.
//!
//! That are the shared libraries of its native code with the dynamic loader, where the loader will look for them; who runs
//! it; how host names are resolved; certificates; a place for temporary files. There is a shell only where something in
//! the release needs one.

use std::sync::Arc;

use abi::{Closure, DirectoryRoot, ReleaseFiles, RootEntry, resolve};
use camino::{Utf8Path, Utf8PathBuf};
use tree::{Content, Node, Tree, TreePath};

use crate::error::{At, ImageError};

/// The user and the group that a release runs as: `nobody`, who owns nothing.
pub const USER: u32 = 65534;

/// Where programs look for certificates, and where Debian keeps them.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The same on other systems.
const CERTIFICATES_ELSEWHERE: [&str; 3] =
    ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];

/// Where glibc has the locale C.UTF-8, from which the virtual machine learns that file names and output are UTF-8. musl
/// knows no other encoding.
const UTF8_LOCALE: &str = "/usr/lib/locale/C.utf8";

const TIME_ZONES: &str = "/usr/share/zoneinfo";

/// What of a system is wanted besides the libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemOptions {
    /// A shell, for what needs one.
    pub shell: Option<Shell>,
    /// The time zone database of the operating system.
    pub time_zones: bool,
    /// What runs the scripts of the release, as their first lines say.
    pub interpreters: Vec<Interpreter>,
}

/// What runs a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The script, for messages.
    pub script: String,
    /// What follows `#!` in its first line.
    pub line: String,
}

/// How much of a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shell {
    /// `/bin/sh` alone.
    Plain,
    /// Also the programs that scripts use: `dirname`, `cat`, `sleep` …
    WithPrograms,
}

/// The files of the system, and what should be known about them.
#[derive(Clone, Debug, Default)]
pub struct System {
    /// The files.
    pub tree: Tree,
    /// What is not in it although it might be needed.
    pub warnings: Vec<String>,
    /// How many libraries there are.
    pub libraries: usize,
}

/// Collects the system for the native code of a release from the root file system that it was built on. Whether that has
/// everything is for [`abi::check`] to find out before.
///
/// # Errors
///
/// When the release or the root cannot be looked at.
pub fn system(
    mut release: ReleaseFiles,
    root: &DirectoryRoot,
    options: &SystemOptions,
) -> Result<System, ImageError> {
    let mut system = System::default();
    if let Some(shell) = options.shell {
        system.add_shell(shell, root, &mut release)?;
    }
    for interpreter in &options.interpreters {
        system.add_interpreter(interpreter, root, &mut release)?;
    }
    // What is missing has been reported by the check that comes before.
    let Closure { libraries, .. } = abi::closure(&release, root)?;
    let mut is_glibc = false;
    for library in libraries {
        is_glibc |= library.name == "libc.so.6";
        system.copy(&library.image_path, root.join(&library.root_path), 0o755)?;
        for link in &library.links {
            system.add(link, Node::Link { target: library.image_path.to_string() })?;
        }
        system.libraries += 1;
    }
    if is_glibc {
        system.copy_directory(UTF8_LOCALE, root)?;
    }
    system.add_certificates(root)?;
    if options.time_zones {
        system.copy_directory(TIME_ZONES, root)?;
    }
    system.add_base()?;
    Ok(system)
}

impl System {
    fn add(&mut self, path: &Utf8Path, node: Node) -> Result<(), ImageError> {
        self.tree.add(TreePath::new(path.as_str().trim_start_matches('/'))?, node)?;
        Ok(())
    }

    fn copy(&mut self, path: &Utf8Path, from: Utf8PathBuf, mode: u32) -> Result<(), ImageError> {
        self.add(path, Node::File { mode, content: Content::Copy(from) })
    }

    fn text(&mut self, path: &str, text: &str) -> Result<(), ImageError> {
        let content = Content::Bytes(Arc::from(text.as_bytes()));
        self.add(path.into(), Node::File { mode: 0o644, content })
    }

    /// The users, how hosts are found, and where temporary files go.
    fn add_base(&mut self) -> Result<(), ImageError> {
        self.text(
            "/etc/passwd",
            &format!("root:x:0:0:root:/root:/sbin/nologin\nnobody:x:{USER}:{USER}:nobody:/nonexistent:/sbin/nologin\n"),
        )?;
        self.text("/etc/group", &format!("root:x:0:\nnogroup:x:{USER}:\n"))?;
        self.text("/etc/nsswitch.conf", "hosts: files dns\n")?;
        for (directory, mode) in [("/tmp", 0o1777), ("/app", 0o755), ("/root", 0o700)] {
            self.add(directory.into(), Node::Directory { mode })?;
        }
        Ok(())
    }

    fn add_certificates(&mut self, root: &DirectoryRoot) -> Result<(), ImageError> {
        for path in [CERTIFICATES].iter().chain(&CERTIFICATES_ELSEWHERE) {
            if let Some((found, RootEntry::File)) = resolve(root, Utf8Path::new(path))? {
                return self.copy(CERTIFICATES.into(), root.join(&found), 0o644);
            }
        }
        self.warnings.push(
            "no CA certificates were found, so the image has none: a program in it that checks certificates against the \
             system's cannot connect\nhint: install the package ca-certificates where images are built"
                .to_owned(),
        );
        Ok(())
    }

    /// Adds `/bin/sh`, whose libraries are looked for as those of the release are.
    fn add_shell(
        &mut self,
        shell: Shell,
        root: &DirectoryRoot,
        release: &mut ReleaseFiles,
    ) -> Result<(), ImageError> {
        let busybox = resolve(root, Utf8Path::new("/bin/busybox"))?;
        if let (Shell::WithPrograms, Some((found, RootEntry::File))) = (shell, busybox) {
            let file = root.join(&found);
            self.copy("/bin/busybox".into(), file.clone(), 0o755)?;
            release.add_file("/bin/busybox", &file)?;
            for program in BUSYBOX_PROGRAMS {
                self.add(&Utf8Path::new("/bin").join(program), Node::Link { target: "busybox".to_owned() })?;
            }
            return Ok(());
        }
        if shell == Shell::WithPrograms {
            self.warnings.push(
                "the scripts of the release find no programs in the image but those of /bin/sh itself\nhint: install \
                 busybox where images are built, and its programs are put beside the shell"
                    .to_owned(),
            );
        }
        let Some((found, RootEntry::File)) = resolve(root, Utf8Path::new("/bin/sh"))? else {
            self.warnings.push("there is no /bin/sh to put into the image".to_owned());
            return Ok(());
        };
        let file = root.join(&found);
        self.copy("/bin/sh".into(), file.clone(), 0o755)?;
        release.add_file("/bin/sh", &file)?;
        Ok(())
    }

    /// Adds what runs a script, where that is another shell than the one that is there, or `env`.
    fn add_interpreter(
        &mut self,
        Interpreter { script, line }: &Interpreter,
        root: &DirectoryRoot,
        release: &mut ReleaseFiles,
    ) -> Result<(), ImageError> {
        let mut words = line.split_whitespace();
        let Some(program) = words.next() else { return Ok(()) };
        let mut wanted = vec![Utf8PathBuf::from(program)];
        if wanted[0].file_name() == Some("env") {
            // Options and variables may stand before the name, which is looked for in `PATH`.
            let name = words.find(|word| !word.starts_with('-') && !word.contains('='));
            wanted.extend(name.map(|name| Utf8Path::new("/bin").join(name)));
        }
        for path in wanted {
            let place = TreePath::new(path.as_str().trim_start_matches('/'));
            if place.is_ok_and(|place| self.tree.get(&place).is_some()) {
                continue;
            }
            let name = path.file_name().unwrap_or_default();
            let found = if SELF_CONTAINED.contains(&name) { find_program(&path, root)? } else { None };
            let Some(file) = found else {
                self.warnings.push(format!(
                    "`{script}` cannot run: the image has no `{path}`\nhint: write it for /bin/sh, or use a base image that has \
                     `{name}` (--base)"
                ));
                continue;
            };
            self.copy(&path, file.clone(), 0o755)?;
            release.add_file(path, &file)?;
        }
        Ok(())
    }

    /// Adds all files below a directory of the root, links as they are.
    #[expect(clippy::filetype_is_file, reason = "nothing else is of use in an image")]
    fn copy_directory(&mut self, directory: &str, root: &DirectoryRoot) -> Result<(), ImageError> {
        let mut left = vec![Utf8PathBuf::from(directory)];
        while let Some(directory) = left.pop() {
            let here = root.join(&directory);
            if !here.is_dir() {
                self.warnings.push(format!("`{here}` is not there, so the image has none of its files"));
                return Ok(());
            }
            for entry in fs_err::read_dir(&here).at("list", &here)? {
                let entry = entry.at("list", &here)?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = directory.join(&name);
                let kind = entry.file_type().at("look at", here.join(&name))?;
                if kind.is_dir() {
                    left.push(path);
                } else if kind.is_symlink() {
                    let target = fs_err::read_link(here.join(&name)).at("read the link", here.join(&name))?;
                    if let Ok(target) = target.into_os_string().into_string() {
                        self.add(&path, Node::Link { target })?;
                    }
                } else if kind.is_file() {
                    self.copy(&path, here.join(&name), 0o644)?;
                }
            }
        }
        Ok(())
    }
}

/// Where a program of the root is: at its path, or where else programs are.
fn find_program(path: &Utf8Path, root: &DirectoryRoot) -> Result<Option<Utf8PathBuf>, ImageError> {
    let elsewhere = ["/usr/local/bin", "/usr/bin", "/bin"].map(Utf8Path::new);
    let elsewhere = elsewhere.iter().map(|directory| directory.join(path.file_name().unwrap_or_default()));
    for candidate in std::iter::once(path.to_owned()).chain(elsewhere) {
        if let Some((found, RootEntry::File)) = resolve(root, &candidate)? {
            return Ok(Some(root.join(&found)));
        }
    }
    Ok(None)
}

/// What runs scripts and needs nothing but its libraries.
const SELF_CONTAINED: [&str; 6] = ["sh", "bash", "dash", "ash", "ksh", "env"];

/// What scripts of releases use, and every busybox has.
const BUSYBOX_PROGRAMS: [&str; 36] = [
    "[", "awk", "basename", "cat", "chmod", "cp", "cut", "date", "dirname", "df", "echo", "env", "expr",
    "false", "grep", "head", "hostname", "id", "ls", "mkdir", "mktemp", "mv", "printf", "ps", "readlink",
    "rm", "sed", "sh", "sleep", "sort", "tail", "test", "tr", "true", "uname", "wc",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_a_script_is_there_or_missed() {
        let directory = tempfile::tempdir().unwrap();
        let place = Utf8Path::from_path(directory.path()).unwrap();
        for program in ["bin/sh", "usr/bin/bash", "usr/bin/env", "usr/bin/python3"] {
            let file = place.join(program);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(&file, "").unwrap();
        }
        let root = DirectoryRoot::new(place).unwrap();
        let programs = |line: &str| {
            let interpreter = Interpreter { script: "bin/seed".to_owned(), line: line.to_owned() };
            let options = SystemOptions {
                shell: Some(Shell::Plain),
                interpreters: vec![interpreter],
                ..SystemOptions::default()
            };
            let system = system(ReleaseFiles::default(), &root, &options).unwrap();
            let paths = system.tree.entries().map(|entry| entry.path.to_string());
            let programs: Vec<String> = paths.filter(|path| path.contains("bin/")).collect();
            let missed = system.warnings.into_iter().find(|warning| warning.contains("cannot run"));
            (programs.join(" "), missed)
        };
        assert_eq!(programs("/bin/sh"), ("bin/sh".to_owned(), None));
        assert_eq!(programs("/bin/bash -e"), ("bin/bash bin/sh".to_owned(), None));
        let by_env = ("bin/bash bin/sh usr/bin/env".to_owned(), None);
        assert_eq!(programs("/usr/bin/env bash"), by_env);
        assert_eq!(programs("/usr/bin/env -S A=1 bash -e"), by_env);
        for line in ["", "sh", "../x"] {
            assert_eq!(programs(line).0, "bin/sh", "{line}");
        }
        let (found, missed) = programs("/usr/bin/env python3");
        assert_eq!(found, "bin/sh usr/bin/env");
        let expected = "`bin/seed` cannot run: the image has no `/bin/python3`\nhint: write it for /bin/sh, or use a base ";
        assert!(missed.unwrap().starts_with(expected));
        assert!(programs("/usr/bin/fish").1.is_some());
    }
}
