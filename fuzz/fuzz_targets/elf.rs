//! Any bytes are read as an ELF file, or an error: never a panic, a hang or an allocation that they did not pay for. In
//! a release on an empty system they give findings.
#![no_main]

use std::io::Cursor;
use std::sync::Arc;

use beamship_abi::{
    AbiError, Elf, Machine, ReadSeek, ReleaseFiles, RootEntry, SystemRoot, check, closure,
};
use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;

/// A system without a file.
struct Nothing;

impl SystemRoot for Nothing {
    fn entry(&self, _path: &Utf8Path) -> Result<Option<RootEntry>, AbiError> {
        Ok(None)
    }

    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadSeek>, AbiError> {
        Err(AbiError::new("read", path, std::io::ErrorKind::NotFound.into()))
    }

    fn names(&self, _directory: &Utf8Path) -> Result<Vec<String>, AbiError> {
        Ok(Vec::new())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let parsed = Elf::parse(bytes);
    let _ = Machine::of_header(bytes);
    let Ok(Some(elf)) = parsed else { return };
    let named: usize = elf.needed.iter().map(String::len).sum();
    assert!(named <= 4096 * 1024, "{named}");
    for needed in elf.needed_versions.iter().flat_map(|needed| &needed.versions).take(3) {
        assert!(Elf::symbols_in(Cursor::new(bytes), needed).len() <= 10);
    }
    let mut files = ReleaseFiles::new();
    files.add_bytes("/app/lib/a/priv/nif.so", &Arc::from(bytes));
    files.add_link("/app/lib/a/priv/libself.so", "nif.so");
    let report = check(&files, &Nothing, None).unwrap();
    for finding in &report.findings {
        let _ = (finding.to_string(), finding.hint());
    }
    let _ = closure(&files, &Nothing).unwrap();
});
