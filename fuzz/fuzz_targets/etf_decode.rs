//! Any bytes are a term, or an error: never a panic, and never more memory or stack than the bytes warrant. A term can
//! be written in every form and read back from each.
#![no_main]

use beamship_etf::{AtomEncoding, DecodeLimits, Decoder, Term, decode, decode_with, encode, text};
use libfuzzer_sys::fuzz_target;

/// Without it, a term that contains such a comment might decide how the text is read.
const ENCODING: &str = "%% coding: utf-8\n";

fuzz_target!(|bytes: &[u8]| {
    let limits = DecodeLimits { uncompressed_bytes: 1 << 20, ..DecodeLimits::default() };
    let mut decoder = Decoder::new(bytes, &limits);
    let _ = decoder.term();
    assert!(decoder.position() <= bytes.len());

    let Ok(term) = decode_with(bytes, &limits) else {
        return;
    };
    for atoms in [AtomEncoding::Latin1, AtomEncoding::Utf8] {
        let encoded = encode(&term, atoms).unwrap();
        let again = decode(&encoded).unwrap();
        assert!(again.compare_as_keys(&term).is_eq());
        assert_eq!(encode(&again, atoms).unwrap(), encoded);
    }
    let printed = text::pretty(&term);
    let plain = text::plain(&term);
    if has_text(&term) {
        for text in [printed, plain] {
            let read = text::consult(format!("{ENCODING}{text}.").as_bytes()).unwrap();
            assert!(read.len() == 1 && read[0].compare_as_keys(&term).is_eq(), "{text}");
        }
    }
});

/// Whether the term can be read back from text: pids and the like cannot, and neither can atoms with the two code points
/// that Erlang's scanner refuses.
fn has_text(term: &Term) -> bool {
    match term {
        Term::Pid { .. } | Term::Port { .. } | Term::Reference { .. } | Term::Opaque(_) => false,
        Term::Atom(atom) => !atom.as_str().contains(['\u{fffe}', '\u{ffff}']),
        Term::ExternalFun { module, function, .. } => {
            !module.as_str().contains(['\u{fffe}', '\u{ffff}'])
                && !function.as_str().contains(['\u{fffe}', '\u{ffff}'])
        }
        Term::Tuple(elements) | Term::List(elements) => elements.iter().all(has_text),
        Term::ImproperList(elements, tail) => elements.iter().all(has_text) && has_text(tail),
        Term::Map(entries) => entries.iter().all(|(key, value)| has_text(key) && has_text(value)),
        _ => true,
    }
}
