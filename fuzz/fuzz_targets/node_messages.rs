//! Whatever EPMD and a node send is an answer, a message, or an error.
#![no_main]

use beamship_etf::{CharacterEncoding, RawTerm};
use beamship_node::{epmd, handshake, message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = epmd::parse_answer(bytes);
    let _ = handshake::parse_status(bytes);
    let _ = handshake::parse_challenge(bytes);
    let _ = message::parse(bytes);
    if let Ok((raw, rest)) = RawTerm::split(bytes) {
        assert_eq!(raw.bytes().len() + rest.len(), bytes.len());
        let _ = (raw.tuple(), raw.list().map(Iterator::count), raw.text(CharacterEncoding::Latin1));
        let limits = beamship_etf::DecodeLimits::default();
        if let Ok(term) = raw.decode() {
            let mut decoder = beamship_etf::Decoder::new(bytes, &limits);
            assert_eq!(decoder.term().as_ref(), Ok(&term));
            assert_eq!(decoder.position(), raw.bytes().len());
        }
    }
});
