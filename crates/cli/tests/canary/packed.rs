//! What is packed into something: archives, compressed files, compiled code.

use std::io::Read;

use flate2::read::{DeflateDecoder, ZlibDecoder};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTANDARD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Calls an action with bytes, with what is packed into them, with what is packed into that.
///
/// # Panics
///
/// If something cannot be unpacked, so that nothing passes for clean because it was not looked into.
pub(crate) fn unpack(bytes: &[u8], action: &mut dyn FnMut(&[u8])) {
    action(bytes);
    for part in contents(bytes) {
        unpack(&part, action);
    }
}

/// One level.
fn contents(bytes: &[u8]) -> Vec<Vec<u8>> {
    if bytes.starts_with(GZIP) {
        members(bytes, GZIP, &|rest| all(flate2::bufread::GzDecoder::new(rest)))
    } else if bytes.starts_with(ZSTANDARD) {
        members(bytes, ZSTANDARD, &|rest| all(zstd::Decoder::with_buffer(rest).unwrap().single_frame()))
    } else if bytes.starts_with(b"PK\x03\x04") {
        zip(bytes)
    } else if bytes.get(257..262) == Some(b"ustar") {
        tape_archive(bytes)
    } else if bytes.starts_with(b"FOR1") && bytes.get(8..12) == Some(b"BEAM") {
        beam(bytes)
    } else if bytes.starts_with(&[131, 80]) {
        // A compressed external term: its size, then zlib.
        vec![all(ZlibDecoder::new(&bytes[6..]))]
    } else {
        Vec::new()
    }
}

/// What follows each other compressed is one; behind it there may be something else, such as a checksum.
fn members(bytes: &[u8], begin: &[u8], decode: &dyn Fn(&mut &[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let (mut whole, mut rest) = (Vec::new(), bytes);
    while rest.starts_with(begin) {
        whole.extend(decode(&mut rest));
    }
    vec![whole, rest.to_vec()]
}

fn all(mut reader: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

fn tape_archive(bytes: &[u8]) -> Vec<Vec<u8>> {
    tar::Archive::new(bytes).entries().unwrap().map(|entry| all(entry.unwrap())).collect()
}

/// The chunks of compiled code, and the literals, which are compressed before OTP 28 (a size of 0 says that they are not).
fn beam(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut rest = &bytes[12..];
    while rest.len() >= 8 {
        let size = number(rest, 4) as usize;
        let chunk = &rest[8..8 + size];
        if rest.starts_with(b"LitT") && number(chunk, 0) != 0 {
            parts.push(all(ZlibDecoder::new(&chunk[4..])));
        } else {
            parts.push(chunk.to_vec());
        }
        rest = rest.get(8 + size.next_multiple_of(4)..).unwrap_or_default();
    }
    parts
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The files of a zip archive, by its directory at the end (PKWARE's APPNOTE, 4.3.12): those of Erlang have no sizes before
/// the data.
fn zip(bytes: &[u8]) -> Vec<Vec<u8>> {
    let short = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
    let long = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let end = memchr::memmem::rfind(bytes, b"PK\x05\x06").expect("a directory");
    let mut parts = Vec::new();
    let mut entry = long(end + 16);
    for _ in 0..short(end + 10) {
        assert_eq!(&bytes[entry..entry + 4], b"PK\x01\x02");
        let (method, size, header) = (short(entry + 10), long(entry + 20), long(entry + 42));
        let begin = header + 30 + short(header + 26) + short(header + 28);
        let data = &bytes[begin..begin + size];
        parts.push(match method {
            0 => data.to_vec(),
            8 => all(DeflateDecoder::new(data)),
            other => panic!("compressed by method {other}"),
        });
        entry += 46 + short(entry + 28) + short(entry + 30) + short(entry + 32);
    }
    parts
}
