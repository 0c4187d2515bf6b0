//! An ELF file, as the dynamic loader sees it: through its program headers, never through its sections, which may have
//! been stripped away.

mod dynamic;
mod symbols;

use std::io::{Cursor, Read, Seek};

use camino::Utf8PathBuf;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind, ReadCache, ReadRef};

use crate::{Machine, SymbolVersion};
use dynamic::Dynamic;

/// More program headers than any loader takes: the Linux kernel reads a page of them.
const MAXIMUM_PROGRAM_HEADERS: u32 = 1170;

/// The longest path, `PATH_MAX`.
const MAXIMUM_PATH: u64 = 4096;

/// Why a file that starts like an ELF file is not a valid one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ElfError {
    reason: String,
}

impl ElfError {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl From<object::read::Error> for ElfError {
    fn from(error: object::read::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// The versions that a file needs of one library (`DT_VERNEED`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededVersions {
    /// The library, as it is named in the file.
    pub library: String,
    /// The versions, in the order of the file.
    pub versions: Vec<NeededVersion>,
}

/// One version that a file needs of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededVersion {
    /// Its name.
    pub version: SymbolVersion,
    /// Whether the loader only warns when the library does not have it.
    pub is_weak: bool,
    /// Its number in the file's table of symbols.
    pub index: u16,
}

/// What the dynamic loader reads of an ELF file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// What it is for.
    pub machine: Machine,
    /// Whether it is only a part of a program, for the linker (`.o`), which nothing loads.
    pub is_relocatable: bool,
    /// The loader that the kernel starts instead of the program (`PT_INTERP`).
    pub interpreter: Option<Utf8PathBuf>,
    /// Whether the dynamic loader is involved at all.
    pub is_dynamic: bool,
    /// The name that it wants to be known by (`DT_SONAME`).
    pub name: Option<String>,
    /// The libraries it needs (`DT_NEEDED`), in the order of the file.
    pub needed: Vec<String>,
    /// Where its libraries and those of its libraries are looked for first (`DT_RPATH`), as written.
    pub rpath: Option<String>,
    /// Where its libraries are looked for first (`DT_RUNPATH`), as written.
    pub runpath: Option<String>,
    /// Whether its libraries are not looked for in the system's directories (`DF_1_NODEFLIB`).
    pub ignores_default_directories: bool,
    /// The symbol versions it needs, by library.
    pub needed_versions: Vec<NeededVersions>,
    /// The symbol versions it provides; none when it is not versioned.
    pub provided_versions: Vec<SymbolVersion>,
}

impl Elf {
    /// Reads a file in memory; `None` when it does not start like an ELF file.
    ///
    /// # Errors
    ///
    /// When it does, and is damaged.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, ElfError> {
        Self::read(Cursor::new(bytes))
    }

    /// Reads what is needed of a file; `None` when it does not start like an ELF file.
    ///
    /// # Errors
    ///
    /// When it does, and is damaged or cannot be read.
    pub fn read(mut file: impl Read + Seek) -> Result<Option<Self>, ElfError> {
        if !starts_like_elf(&mut file).map_err(|error| ElfError::new(error.to_string()))? {
            return Ok(None);
        }
        let cache = ReadCache::new(file);
        match FileKind::parse(&cache)? {
            FileKind::Elf32 => Self::parse_as::<FileHeader32<Endianness>, _>(&cache).map(Some),
            FileKind::Elf64 => Self::parse_as::<FileHeader64<Endianness>, _>(&cache).map(Some),
            _ => Err(ElfError::new("its class is neither 32 nor 64 bit")),
        }
    }

    /// Symbols that a file needs in a version, at most ten, in the order of the file; none when its sections are gone.
    pub fn symbols_in(file: impl Read + Seek, version: &NeededVersion) -> Vec<String> {
        let cache = ReadCache::new(file);
        match FileKind::parse(&cache) {
            Ok(FileKind::Elf32) => symbols::in_version::<FileHeader32<Endianness>, _>(&cache, version.index),
            Ok(FileKind::Elf64) => symbols::in_version::<FileHeader64<Endianness>, _>(&cache, version.index),
            _ => None,
        }
        .unwrap_or_default()
    }

    /// Whether it needs anything of the system: a statically linked program does not.
    pub fn is_loaded_dynamically(&self) -> bool {
        self.is_dynamic && !self.is_relocatable
    }

    fn parse_as<'data, Header, R>(data: R) -> Result<Self, ElfError>
    where
        Header: FileHeader<Endian = Endianness>,
        R: ReadRef<'data>,
    {
        let header = Header::parse(data)?;
        let endian = header.endian()?;
        let mut file = Self {
            machine: Machine::new(header.e_machine(endian).0, header.is_type_64(), header.is_little_endian()),
            is_relocatable: header.e_type(endian) == elf::ET_REL,
            interpreter: None,
            is_dynamic: false,
            name: None,
            needed: Vec::new(),
            rpath: None,
            runpath: None,
            ignores_default_directories: false,
            needed_versions: Vec::new(),
            provided_versions: Vec::new(),
        };
        if header.phnum(endian, data)? > MAXIMUM_PROGRAM_HEADERS {
            return Err(ElfError::new("it has more program headers than a program can have"));
        }
        let segments = header.program_headers(endian, data)?;
        for segment in segments {
            if segment.p_type(endian) == elf::PT_INTERP {
                file.interpreter = Some(interpreter(segment, endian, data)?);
            }
        }
        if let Some(dynamic) = Dynamic::<Header, R>::find(endian, segments, data)? {
            file.is_dynamic = true;
            file.name = dynamic.text(elf::DT_SONAME)?;
            file.needed = dynamic.texts(elf::DT_NEEDED)?;
            file.rpath = dynamic.text(elf::DT_RPATH)?;
            file.runpath = dynamic.text(elf::DT_RUNPATH)?;
            let flags = dynamic.value(elf::DT_FLAGS_1).unwrap_or(0);
            file.ignores_default_directories = flags & elf::DF_1_NODEFLIB.0 != 0;
            file.needed_versions = dynamic.needed_versions()?;
            file.provided_versions = dynamic.provided_versions()?;
        }
        Ok(file)
    }
}

/// Whether the first four bytes are those of an ELF file. The position is the beginning again.
pub(crate) fn starts_like_elf(file: &mut (impl Read + Seek)) -> std::io::Result<bool> {
    let mut magic = [0; 4];
    let mut filled = 0;
    while filled < magic.len() {
        match file.read(&mut magic[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.rewind()?;
    // A file that is shorter is not an ELF file, as its first bytes show, or is empty.
    Ok(magic == elf::ELFMAG)
}

fn interpreter<'data, Segment, R>(
    segment: &Segment,
    endian: Endianness,
    data: R,
) -> Result<Utf8PathBuf, ElfError>
where
    Segment: ProgramHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    if segment.p_filesz(endian).into() > MAXIMUM_PATH {
        return Err(ElfError::new("the name of its loader (PT_INTERP) is longer than a path can be"));
    }
    let bytes = segment
        .interpreter(endian, data)?
        .ok_or_else(|| ElfError::new("the name of its loader (PT_INTERP) is missing"))?;
    let path = std::str::from_utf8(bytes)
        .map_err(|_| ElfError::new("the name of its loader (PT_INTERP) is not valid UTF-8"))?;
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn own() -> Vec<u8> {
        fs_err::read("/proc/self/exe").unwrap()
    }

    #[test]
    fn other_files_are_none() {
        for bytes in [&b""[..], b"\x7f", b"\x7fEL", b"#!/bin/sh\n", b"FOR1\0\0\0\0BEAM"] {
            assert_eq!(Elf::parse(bytes), Ok(None));
        }
    }

    #[test]
    fn damaged_files_are_errors() {
        assert!(Elf::parse(b"\x7fELF").is_err());
        let own = own();
        for end in [5, 16, 40, 63, 64, 100, 500] {
            assert!(Elf::parse(&own[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn this_test_is_read() {
        let own = Elf::parse(&own()).unwrap().unwrap();
        assert!(own.is_loaded_dynamically() && own.interpreter.is_some());
        assert_eq!(own.machine.oci().is_some(), cfg!(any(target_arch = "x86_64", target_arch = "aarch64")));
        assert!(own.needed.iter().any(|library| library == "libc.so.6"), "{own:?}");
        let libc = own.needed_versions.iter().find(|needed| needed.library == "libc.so.6").unwrap();
        let newest = libc.versions.iter().max_by_key(|needed| &needed.version).unwrap();
        let symbols = Elf::symbols_in(Cursor::new(self::own()), newest);
        assert!(!symbols.is_empty(), "{newest:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn changed_bytes_never_panic(changes in proptest::collection::vec((0_usize..1 << 16, any::<u8>()), 1..20)) {
            // Its header, program headers and dynamic section are near the beginning of a small library.
            let mut bytes = small();
            let length = bytes.len();
            for (position, byte) in changes {
                bytes[position % length] = byte;
            }
            let _ = Elf::parse(&bytes);
            let version = NeededVersion { version: SymbolVersion::new("GLIBC_2.34"), is_weak: false, index: 2 };
            let _ = Elf::symbols_in(Cursor::new(bytes), &version);
        }
    }

    fn small() -> Vec<u8> {
        let mut directories = ["/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/lib"].iter();
        directories
            .find_map(|directory| fs_err::read(format!("{directory}/libdl.so.2")).ok())
            .unwrap_or_else(own)
    }
}
