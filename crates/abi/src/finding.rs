//! What keeps a file of a release from running on a system, in words.

use std::fmt;

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::{Machine, SymbolVersion};

/// One reason, with the file, what it needs, and of which library or system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// A file is damaged.
    Damaged {
        /// The file.
        file: Utf8PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file is for another architecture.
    Architecture {
        /// The file.
        file: Utf8PathBuf,
        /// What it is for.
        machine: Machine,
        /// What it should be for.
        expected: Machine,
    },
    /// The dynamic loader that programs name is not there.
    Interpreter {
        /// The first of the programs.
        file: Utf8PathBuf,
        /// The loader.
        interpreter: Utf8PathBuf,
    },
    /// A file was built for another C library than the system's.
    Libc {
        /// The file.
        file: Utf8PathBuf,
        /// What it needs.
        needs: &'static str,
        /// What the release runs on.
        system: &'static str,
    },
    /// A library is not there.
    MissingLibrary {
        /// The file of the release that cannot be loaded.
        file: Utf8PathBuf,
        /// The library.
        library: String,
        /// The library that needs it, where it is not the file itself.
        through: Option<Utf8PathBuf>,
        /// The directories that were searched.
        searched: Vec<Utf8PathBuf>,
        /// Files of that name that cannot be used, and why.
        passed_over: Vec<(Utf8PathBuf, String)>,
    },
    /// A library is there, and too old.
    MissingVersion {
        /// The file of the release that cannot be loaded.
        file: Utf8PathBuf,
        /// The library that needs the version, where it is not the file itself.
        through: Option<Utf8PathBuf>,
        /// The symbol version.
        version: SymbolVersion,
        /// Symbols that are needed in it, where they could be found out; at most ten.
        symbols: Vec<String>,
        /// The library, by its name.
        library: String,
        /// Where it was found.
        found: Utf8PathBuf,
        /// The newest version of the family that it has.
        newest: Option<SymbolVersion>,
    },
}

impl Finding {
    /// The file of the release that it is about.
    pub fn file(&self) -> &Utf8PathBuf {
        match self {
            Self::Damaged { file, .. }
            | Self::Architecture { file, .. }
            | Self::Interpreter { file, .. }
            | Self::Libc { file, .. }
            | Self::MissingLibrary { file, .. }
            | Self::MissingVersion { file, .. } => file,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Damaged { .. } => "build the file again, or leave it out of the release".to_owned(),
            Self::Architecture { expected, .. } => {
                format!(
                    "build the dependency that it belongs to for {expected} (`mix deps.compile --force DEPENDENCY`), or have it download the file for {expected}"
                )
            }
            Self::Interpreter { interpreter, .. } if interpreter.as_str().contains("ld-musl") => {
                "it was built on a system with musl (Alpine): build it on one with glibc, or run it on Alpine"
                    .to_owned()
            }
            Self::Interpreter { interpreter, .. } if !interpreter.as_str().starts_with("/lib") => {
                "it was built with the compiler of a package manager that has a dynamic loader of its own (Nix, Homebrew): build it with the system's compiler"
                    .to_owned()
            }
            Self::Interpreter { .. } => {
                "it was built on a system with glibc (Debian, Ubuntu, Fedora): run it on one of those, not on Alpine or in an empty image"
                    .to_owned()
            }
            Self::Libc { system, .. } => {
                format!("build the dependency that it belongs to on a system with {system}")
            }
            Self::MissingLibrary { library, .. } => missing_library_hint(library),
            Self::MissingVersion { library, version, .. } => missing_version_hint(library, version),
        }
    }
}

fn missing_library_hint(library: &str) -> String {
    if library.starts_with("libc.musl-") {
        return "the file was built against musl (Alpine), and the release runs on glibc: build its dependency here"
            .to_owned();
    }
    format!(
        "install the package that has `{library}` there (Debian: `apt-file search {library}`), or build the dependency without it"
    )
}

fn missing_version_hint(library: &str, version: &SymbolVersion) -> String {
    let (_, numbers) = version.as_str().rsplit_once('_').unwrap_or_default();
    match version.family() {
        "GLIBC" => format!(
            "build the release on a system whose glibc is not newer than the target's, or run it where glibc is at least {numbers}"
        ),
        "GLIBCXX" | "CXXABI" | "GCC" => {
            "build the release with the target's compiler or an older one, or run it where libstdc++ and libgcc are as new"
                .to_owned()
        }
        "OPENSSL" => "build the release against the target's OpenSSL, or install the same series there".to_owned(),
        _ => format!("install a newer `{library}` there, or build against the one that is there"),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { file, reason } => write!(formatter, "`{file}` is a damaged ELF file: {reason}"),
            Self::Architecture { file, machine, expected } => {
                write!(formatter, "`{file}` is for {machine}, the release is for {expected}")
            }
            Self::Interpreter { file, interpreter } => {
                write!(
                    formatter,
                    "`{file}` is started by `{interpreter}`, which is not there, and without which nothing is loaded"
                )
            }
            Self::Libc { file, needs, system } => {
                write!(formatter, "`{file}` needs {needs}, the release runs on {system}")
            }
            Self::MissingLibrary { file, library, through, passed_over, .. } => {
                write!(formatter, "`{file}` needs the library `{library}`")?;
                write_through(formatter, through.as_ref())?;
                write!(formatter, ", which is not there")?;
                for (path, why) in passed_over {
                    write!(formatter, "; `{path}` cannot be used: {why}")?;
                }
                Ok(())
            }
            Self::MissingVersion { file, through, version, symbols, library, found, newest } => {
                write!(formatter, "`{file}` needs `{version}` of `{library}`")?;
                write_through(formatter, through.as_ref())?;
                if !symbols.is_empty() {
                    write!(formatter, " (for {})", symbols.join(", "))?;
                }
                write!(formatter, ": `{found}` ")?;
                match newest {
                    Some(newest) if version.is_newer_than(newest) => {
                        write!(formatter, "has nothing newer than `{newest}`")
                    }
                    _ => write!(formatter, "does not have it"),
                }
            }
        }
    }
}

fn write_through(formatter: &mut fmt::Formatter<'_>, through: Option<&Utf8PathBuf>) -> fmt::Result {
    match through {
        Some(through) => write!(formatter, " (through `{through}`)"),
        None => Ok(()),
    }
}
