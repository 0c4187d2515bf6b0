//! Stripping: which chunks stay, in which order.

use std::io::Write;
use std::sync::Arc;

use flate2::{Compression, GzBuilder};

use crate::{BeamError, BeamFile, ChunkId};

/// How to strip a BEAM file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripOptions {
    /// The ids of the chunks that stay, in the order in which they are written (Mix writes them in the order of its
    /// list, not of the file).
    pub chunks: Arc<[ChunkId]>,
    /// Whether the result is compressed with gzip, as a whole.
    pub compress: bool,
}

/// The file with the wanted chunks only, in the order in which they are wanted; missing ones are passed over.
///
/// The bytes are those of `Mix.Release.strip_beam/2`, given the list of chunks that it uses in that version
/// of Elixir and OTP. With `compress` the header is that of `zlib:gzip/1` and the content decompresses to the same
/// bytes; the deflated bytes themselves depend on the compressor and are not those of zlib.
///
/// # Errors
///
/// When it is not a valid BEAM file, or has no atom that could be the module's name (which `beam_lib` demands, too).
pub fn strip(bytes: &[u8], options: &StripOptions) -> Result<Vec<u8>, BeamError> {
    let file = BeamFile::parse(bytes)?;
    file.module()?;
    let mut stripped = Vec::with_capacity(bytes.len());
    stripped.extend_from_slice(b"FOR1\0\0\0\0BEAM");
    for (index, id) in options.chunks.iter().enumerate() {
        let repeated = options.chunks.iter().take(index).any(|earlier| earlier == id);
        let Some(data) = file.chunk(*id).filter(|_| !repeated) else { continue };
        stripped.extend_from_slice(id);
        // Its size was read from four bytes.
        stripped.extend_from_slice(&(data.len() as u32).to_be_bytes());
        stripped.extend_from_slice(data);
        stripped.resize(stripped.len().next_multiple_of(4), 0);
    }
    let size = (stripped.len() - 8) as u32;
    if let Some(field) = stripped.get_mut(4..8) {
        field.copy_from_slice(&size.to_be_bytes());
    }
    if options.compress { gzip(&stripped) } else { Ok(stripped) }
}

/// Compressed with the header that `zlib:gzip/1` writes: no name, no time, "Unix", default level.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>, BeamError> {
    const UNIX: u8 = 3;
    let mut encoder =
        GzBuilder::new().mtime(0).operating_system(UNIX).write(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|error| BeamError::Compression { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::tests::{beam, gzip as gzip_sample};

    const ATOMS: &[u8] = b"\0\0\0\x01\x01m";

    fn options(chunks: &[&ChunkId]) -> StripOptions {
        StripOptions { chunks: chunks.iter().map(|id| **id).collect(), compress: false }
    }

    #[test]
    fn wanted_chunks_in_wanted_order() {
        let bytes = beam(&[(b"Docs", b"d"), (b"AtU8", ATOMS), (b"Code", b"12345"), (b"Attr", b"")]);
        let wanted = options(&[b"Attr", b"Line", b"Code", b"AtU8", b"Attr"]);
        let expected = beam(&[(b"Attr", b""), (b"Code", b"12345"), (b"AtU8", ATOMS)]);
        assert_eq!(strip(&bytes, &wanted).unwrap(), expected);
        assert_eq!(strip(&gzip_sample(&bytes), &wanted).unwrap(), expected);
        assert_eq!(strip(&expected, &wanted).unwrap(), expected);
    }

    #[test]
    fn compressed_with_the_header_of_otp() {
        let bytes = beam(&[(b"AtU8", ATOMS), (b"Code", &[7; 1000])]);
        let wanted = StripOptions { compress: true, ..options(&[b"AtU8", b"Code"]) };
        let stripped = strip(&bytes, &wanted).unwrap();
        assert_eq!(stripped[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
        assert!(stripped.len() < bytes.len());
        assert_eq!(strip(&stripped, &options(&[b"AtU8", b"Code"])).unwrap(), bytes);
    }

    #[test]
    fn a_file_without_a_module_is_refused() {
        let wanted = options(&[b"Code"]);
        assert_eq!(strip(&beam(&[(b"Code", b"1")]), &wanted), Err(BeamError::NoAtoms));
        let no_atom = beam(&[(b"AtU8", b"\0\0\0\0")]);
        assert_eq!(strip(&no_atom, &wanted), Err(BeamError::Atoms { reason: "it has no atom" }));
    }
}
