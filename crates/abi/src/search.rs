//! Where the dynamic loader of a system looks for libraries, when nothing in a file says so.
//!
//! glibc reads `ld.so.cache`, an index of the directories of `/etc/ld.so.conf`, and then directories that are built
//! into it. The cache holds nothing that the directories do not, and an unpacked image may lack it, so the directories
//! are read themselves. musl has one list, `/etc/ld-musl-ARCH.path` or a built-in one.

use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};

use crate::root::{RootEntry, SystemRoot, resolve};
use crate::{AbiError, Machine};

/// Files of configuration that are larger than this are not what they seem.
const MAXIMUM_CONFIGURATION: u64 = 1 << 20;

/// Which C library, and with it which loader, a program was linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Libc {
    Glibc,
    Musl,
}

impl Libc {
    /// The one whose loader this is.
    pub(crate) fn of_interpreter(interpreter: &Utf8Path) -> Self {
        match interpreter.file_name() {
            Some(name) if name.starts_with("ld-musl") => Self::Musl,
            _ => Self::Glibc,
        }
    }
}

/// The directories of a system, in the order in which they are searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SearchPath {
    /// Those of the configuration.
    pub(crate) configured: Vec<Utf8PathBuf>,
    /// Those that are built into the loader.
    pub(crate) built_in: Vec<Utf8PathBuf>,
}

impl SearchPath {
    /// The ones of this system.
    pub(crate) fn of(
        root: &dyn SystemRoot,
        machine: Machine,
        libc: Libc,
        interpreter: Option<&Utf8Path>,
    ) -> Result<Self, AbiError> {
        match libc {
            Libc::Glibc => {
                let mut configured = Vec::new();
                read_configuration(root, "/etc/ld.so.conf".into(), &mut Vec::new(), &mut configured)?;
                Ok(Self { configured, built_in: glibc_directories(machine) })
            }
            Libc::Musl => Ok(Self { configured: Vec::new(), built_in: musl_directories(root, interpreter)? }),
        }
    }
}

/// Debian's directories for several architectures, then those of systems with two word sizes, then the plain ones. A
/// library of another architecture that is found on the way is passed over.
fn glibc_directories(machine: Machine) -> Vec<Utf8PathBuf> {
    let mut directories = Vec::new();
    for triplet in machine.triplets() {
        directories.extend([format!("/lib/{triplet}"), format!("/usr/lib/{triplet}")]);
    }
    for name in machine.library_directory().into_iter().chain(["lib"]) {
        directories.extend([format!("/{name}"), format!("/usr/{name}")]);
    }
    directories.into_iter().map(Utf8PathBuf::from).collect()
}

fn musl_directories(
    root: &dyn SystemRoot,
    interpreter: Option<&Utf8Path>,
) -> Result<Vec<Utf8PathBuf>, AbiError> {
    let name =
        interpreter.and_then(Utf8Path::file_stem).and_then(|stem| stem.strip_suffix(".so").or(Some(stem)));
    let configured = match name {
        Some(name) => read_text(root, &Utf8Path::new("/etc").join(format!("{name}.path")))?,
        None => None,
    };
    let text = configured.unwrap_or_else(|| "/lib:/usr/local/lib:/usr/lib".to_owned());
    Ok(text
        .split([':', '\n'])
        .filter(|directory| directory.starts_with('/'))
        .map(Utf8PathBuf::from)
        .collect())
}

/// `ld.so.conf`: a directory a line, comments, `include PATTERN`; as `elf/ldconfig.c` reads it, but each file once.
fn read_configuration(
    root: &dyn SystemRoot,
    path: Utf8PathBuf,
    read: &mut Vec<Utf8PathBuf>,
    directories: &mut Vec<Utf8PathBuf>,
) -> Result<(), AbiError> {
    if read.contains(&path) {
        return Ok(());
    }
    let directory = path.parent().unwrap_or(Utf8Path::new("/")).to_owned();
    let Some(text) = read_text(root, &path)? else { return Ok(()) };
    read.push(path);
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            None | Some("hwcap") => {}
            Some("include") => {
                for pattern in words {
                    for included in matching(root, &directory.join(pattern))? {
                        read_configuration(root, included, read, directories)?;
                    }
                }
            }
            // A kind of library may be named: `DIRECTORY=libc6`.
            Some(_) => {
                let directory = line.split('=').next().unwrap_or_default().trim_end();
                let directory = directory.trim_end_matches('/');
                if directory.starts_with('/') && !directories.iter().any(|known| known == directory) {
                    directories.push(directory.into());
                }
            }
        }
    }
    Ok(())
}

/// The files that a pattern in the last component matches, sorted, as glob(3) gives them.
fn matching(root: &dyn SystemRoot, pattern: &Utf8Path) -> Result<Vec<Utf8PathBuf>, AbiError> {
    let (Some(directory), Some(name)) = (pattern.parent(), pattern.file_name()) else {
        return Ok(Vec::new());
    };
    let Some((directory, RootEntry::Directory)) = resolve(root, directory)? else { return Ok(Vec::new()) };
    let names = root.names(&directory)?;
    let names = names.iter().filter(|entry| matches(name.as_bytes(), entry.as_bytes()));
    Ok(names.map(|name| directory.join(name)).collect())
}

/// Whether a name matches a pattern of `*` and `?`. A dot at the beginning has to be written.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    // Greedy, with one place to come back to: the last star.
    let (mut at, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                in_name = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

fn read_text(root: &dyn SystemRoot, path: &Utf8Path) -> Result<Option<String>, AbiError> {
    let Some((path, RootEntry::File)) = resolve(root, path)? else { return Ok(None) };
    let mut text = Vec::new();
    root.open(&path)?
        .take(MAXIMUM_CONFIGURATION)
        .read_to_end(&mut text)
        .map_err(|error| AbiError::new("read", path, error))?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DirectoryRoot;

    #[test]
    fn configuration_is_read_below_the_root() {
        let directory = tempfile::tempdir().unwrap();
        let etc = directory.path().join("etc");
        fs_err::create_dir_all(etc.join("ld.so.conf.d")).unwrap();
        fs_err::write(etc.join("ld.so.conf"), "include ld.so.conf.d/*.conf\n/opt/last/lib/\n").unwrap();
        let more = "# comment\n/opt/b # why\n\nhwcap 1 x\n/opt/c=libc6\nrelative\n";
        fs_err::write(etc.join("ld.so.conf.d/b.conf"), more).unwrap();
        fs_err::write(etc.join("ld.so.conf.d/a.conf"), "/opt/a\n/opt/b\ninclude /etc/ld.so.conf\n").unwrap();
        fs_err::write(etc.join("ld.so.conf.d/.hidden.conf"), "/opt/hidden\n").unwrap();
        fs_err::write(etc.join("ld.so.conf.d/c.disabled"), "/opt/disabled\n").unwrap();
        let root = DirectoryRoot::new(Utf8Path::from_path(directory.path()).unwrap()).unwrap();
        let machine = Machine::new(object::elf::EM_X86_64.0, true, true);
        let path = SearchPath::of(&root, machine, Libc::Glibc, None).unwrap();
        assert_eq!(path.configured, ["/opt/a", "/opt/b", "/opt/c", "/opt/last/lib"]);
        assert_eq!(path.built_in[..2], ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"]);
    }

    #[test]
    fn musl_has_a_list_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let root = DirectoryRoot::new(Utf8Path::from_path(directory.path()).unwrap()).unwrap();
        let machine = Machine::new(object::elf::EM_X86_64.0, true, true);
        let interpreter = Utf8Path::new("/lib/ld-musl-x86_64.so.1");
        let of =
            || SearchPath::of(&root, machine, Libc::of_interpreter(interpreter), Some(interpreter)).unwrap();
        assert_eq!(of().built_in, ["/lib", "/usr/local/lib", "/usr/lib"]);
        fs_err::create_dir_all(directory.path().join("etc")).unwrap();
        fs_err::write(directory.path().join("etc/ld-musl-x86_64.path"), "/a:/b\n/c\n").unwrap();
        assert_eq!(of().built_in, ["/a", "/b", "/c"]);
    }

    #[test]
    fn patterns_match_as_glob_does() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".conf", false),
            ("*.conf", "a.conf.d", false),
            ("a?c*", "abcd", true),
            ("*a*b*c*", "xxaxxbxxcxx", true),
            ("*a*b*c*", "xxaxxcxxbxx", false),
            ("exact", "exact", true),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
