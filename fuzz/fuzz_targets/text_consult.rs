//! Any text is terms, or an error with a place inside the text. Terms can be printed, encoded and read back.
#![no_main]

use beamship_etf::{AtomEncoding, decode, encode, text};
use libfuzzer_sys::fuzz_target;

/// Without it, a term that contains such a comment might decide how the text is read.
const ENCODING: &str = "%% coding: utf-8\n";

fuzz_target!(|bytes: &[u8]| {
    let terms = match text::consult(bytes) {
        Ok(terms) => terms,
        Err(error) => {
            assert!(
                error.offset <= bytes.len()
                    && error.line > 0
                    && error.column > 0
                    && !error.message.is_empty()
            );
            return;
        }
    };
    for term in terms {
        let encoded = encode(&term, AtomEncoding::Utf8).unwrap();
        assert_eq!(decode(&encoded), Ok(term.clone()));
        for printed in [text::pretty(&term), text::plain(&term)] {
            assert_eq!(
                text::consult(format!("{ENCODING}{printed}.").as_bytes()),
                Ok(vec![term.clone()]),
                "{printed}"
            );
        }
    }
});
