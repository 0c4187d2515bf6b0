//! What is written can be read again.

use crate::generate::{identifiers, terms};
use beamship_etf::text::{PrintableRange, Style, consult, plain, pretty, pretty_with};
use beamship_etf::{AtomEncoding, decode, encode};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn encode_and_decode(term in prop_oneof![9 => terms(), 1 => identifiers()]) {
        for atoms in [AtomEncoding::Latin1, AtomEncoding::Utf8] {
            let bytes = encode(&term, atoms).unwrap();
            prop_assert_eq!(decode(&bytes), Ok(term.clone()));
        }
    }

    #[test]
    fn pretty_and_consult(term in terms()) {
        let unicode = Style { printable: PrintableRange::Unicode, line_length: 40, ..Style::default() };
        for text in [pretty(&term), plain(&term), pretty_with(&term, &unicode)] {
            let read = consult(format!("{text}.\n").as_bytes());
            prop_assert_eq!(read, Ok(vec![term.clone()]), "{}", text);
        }
    }

    #[test]
    fn decode_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut with_version = vec![131];
        with_version.extend(&bytes);
        if let Ok(term) = decode(&with_version) {
            // Whatever can be read can be written.
            prop_assert!(encode(&term, AtomEncoding::Utf8).is_ok());
            let _text = pretty(&term);
        }
    }

    #[test]
    fn consult_never_panics(text in "[-a-z0-9 .,{}\\[\\]<>#|/:'\"\\\\~$%\n]{0,80}") {
        let _result = consult(text.as_bytes());
    }
}
