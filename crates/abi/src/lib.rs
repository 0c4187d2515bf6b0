//! What the ELF files of a release need from the system that it will run on.
//!
//! A release holds native code: the virtual machine, ports, NIFs. Each was linked on the build machine, against its
//! libraries, and the system that it is shipped to finds out at the first start whether it has them ("GLIBC_2.34 not
//! found"). This crate finds out before: it reads ELF files ([`Elf`]), looks their libraries up as the dynamic loader
//! of that system would ([`closure`]), below any root directory ([`SystemRoot`]), and compares the symbol versions that
//! they need with those that the libraries provide ([`check`]).
//!
//! The rules are those of `ld.so(8)` of glibc (`elf/dl-load.c`, `elf/dl-version.c`) and, where they differ, of musl
//! (`ldso/dynlink.c`). What depends on the machine that runs the loader is left out on purpose: `LD_LIBRARY_PATH`,
//! `LD_PRELOAD`, and the `glibc-hwcaps` directories, whose libraries have a baseline twin beside them.
//!
//! Nothing here trusts its input: every offset is checked against the bytes that are there, and every list has a limit.

mod check;
mod closure;
mod elf;
mod error;
mod finding;
mod loader;
mod loaders;
mod machine;
mod reading;
mod release;
mod root;
mod search;
mod symbol_version;

pub use check::{FileReport, LibraryReport, Report, check};
pub use closure::{Closure, Library, Reason, closure};
pub use elf::{Elf, ElfError, NeededVersion, NeededVersions};
pub use error::AbiError;
pub use finding::Finding;
pub use machine::{HEADER_SIZE, Machine};
pub use release::ReleaseFiles;
pub use root::{DirectoryRoot, ReadSeek, RootEntry, SystemRoot, resolve};
pub use symbol_version::SymbolVersion;
