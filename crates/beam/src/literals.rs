//! The chunk of literals, `LitT`: the constant terms of the code.
//!
//! The size that the rest has when it is decompressed (zlib), 0 when it is not compressed (since OTP 28); then, decompressed, the
//! number of terms, and each one's size and external format. All numbers have 32 bits (`beam_asm:build_file/4`).

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::BeamError;
use crate::file::MAXIMUM_SIZE;

const ENDS_EARLY: BeamError = BeamError::Literals { reason: "it ends within a literal" };

/// The literals of a chunk, each in the external format.
pub(crate) fn literals(chunk: &[u8]) -> Result<Vec<Vec<u8>>, BeamError> {
    let (size, packed) = number(chunk)?;
    if size == 0 {
        return terms(packed);
    }
    let mut decompressed = Vec::new();
    let mut decoder = ZlibDecoder::new(packed).take(MAXIMUM_SIZE.min(u64::from(size)));
    match decoder.read_to_end(&mut decompressed) {
        Ok(_) => terms(&decompressed),
        Err(_) => Err(BeamError::Literals { reason: "it cannot be decompressed" }),
    }
}

fn terms(table: &[u8]) -> Result<Vec<Vec<u8>>, BeamError> {
    let (count, mut rest) = number(table)?;
    let mut terms = Vec::new();
    for _ in 0..count {
        let (size, after) = number(rest)?;
        let (term, after) = after.split_at_checked(size as usize).ok_or(ENDS_EARLY)?;
        terms.push(term.to_vec());
        rest = after;
    }
    Ok(terms)
}

fn number(bytes: &[u8]) -> Result<(u32, &[u8]), BeamError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(ENDS_EARLY)?;
    Ok((u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\0\0\0\x02\0\0\0\x03\x83a\x01\0\0\0\x02\x83j";

    fn compressed(size: u32, table: &[u8]) -> Vec<u8> {
        let mut chunk = size.to_be_bytes().to_vec();
        flate2::read::ZlibEncoder::new(table, flate2::Compression::default())
            .read_to_end(&mut chunk)
            .unwrap();
        chunk
    }

    #[test]
    fn compressed_or_not() {
        let plain = [&[0; 4], TABLE].concat();
        for chunk in [plain, compressed(TABLE.len() as u32, TABLE)] {
            assert_eq!(literals(&chunk).unwrap(), [&b"\x83a\x01"[..], b"\x83j"]);
        }
    }

    #[test]
    fn damage_is_an_error() {
        let too_many = [b"\0\0\0\0\xff\xff\xff\xff", &TABLE[4..]].concat();
        for chunk in
            [&b""[..], b"\0\0\0\x09zlib?", &[&[0; 4], &TABLE[..9]].concat(), &too_many, &compressed(5, TABLE)]
        {
            assert!(matches!(literals(chunk), Err(BeamError::Literals { .. })), "{chunk:?}");
        }
    }
}
