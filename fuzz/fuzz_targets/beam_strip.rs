//! Any bytes are stripped, or an error: never a panic. What comes out is a BEAM file of the same module, and stripping it
//! again changes nothing.
#![no_main]

use beamship_beam::{BeamFile, StripOptions, strip};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let chunks = [*b"Attr", *b"Line", *b"Atom", *b"AtU8", *b"Code", *b"LitT"];
    let options = StripOptions { chunks: chunks.into(), compress: false };
    if let Ok(file) = BeamFile::parse(bytes) {
        let _ = file.atoms();
        let _ = file.literals();
    }
    if let Ok(stripped) = strip(bytes, &options) {
        let (before, after) = (BeamFile::parse(bytes).unwrap(), BeamFile::parse(&stripped).unwrap());
        assert_eq!(before.module(), after.module());
        assert_eq!(strip(&stripped, &options).unwrap(), stripped);
        let compressed = strip(bytes, &StripOptions { compress: true, ..options.clone() }).unwrap();
        assert_eq!(strip(&compressed, &options).unwrap(), stripped);
    }
});
