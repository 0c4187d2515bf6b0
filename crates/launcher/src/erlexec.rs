//! A check of the program that becomes the virtual machine, before it is run.
//!
//! The kernel refuses an executable of another architecture, but the C library then takes it for a shell script, and
//! `/bin/sh` reports a syntax error. Here it gets a message instead.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::failure::Failure;
use crate::release::executable;

/// The beginning of an ELF header, up to and including the machine that the file is for.
const HEADER: u64 = 20;

/// Makes sure that `erlexec` is for the machine that this executable is for.
pub(crate) fn check(erlexec: &Path) -> Result<(), Failure> {
    let read = |path: &Path| {
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(HEADER).read_to_end(&mut bytes)).map(|_| bytes)
    };
    let theirs = read(erlexec).map_err(|error| Failure::cannot_start(erlexec.display(), error))?;
    // Who may only run this executable cannot compare.
    let Some(ours) = executable().ok().and_then(|path| read(&path).ok()) else { return Ok(()) };
    if theirs.starts_with(b"#!") || machine(&theirs) == machine(&ours) {
        return Ok(());
    }
    Err(Failure::cannot_start(erlexec.display(), "it is not an executable for this machine"))
}

/// Word size, byte order and processor.
fn machine(header: &[u8]) -> Option<(&[u8], &[u8])> {
    header.strip_prefix(b"\x7fELF").and_then(|rest| Some((rest.get(..2)?, rest.get(14..16)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_stands_in_the_header() {
        let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0".to_vec();
        let intel = header.clone();
        assert_eq!(machine(&intel), Some((&[2, 1][..], &[0x3e, 0][..])));
        header[18] = 0xb7;
        assert_ne!(machine(&header), machine(&intel));
        for other in [&b""[..], b"#!/bin/sh and more bytes", &intel[..19], b"MZ is of another system"] {
            assert_eq!(machine(other), None);
        }
    }
}
