//! The container: header and chunks.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use flate2::read::MultiGzDecoder;

use crate::{BeamError, atoms, literals};

/// Id of a chunk: four bytes, normally ASCII letters and digits.
pub type ChunkId = [u8; 4];

/// How large a compressed file may become when it is decompressed, in bytes.
///
/// Far above any module that exists, and low enough that a small hostile file cannot eat the memory of the machine.
pub const MAXIMUM_SIZE: u64 = 256 * 1024 * 1024;

/// `FOR1`, the size of what follows, `BEAM`.
const HEADER: usize = 12;

/// A chunk: its id and its data, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'file> {
    /// Its id.
    pub id: ChunkId,
    /// Its data.
    pub data: &'file [u8],
}

/// A BEAM file whose container is sound. What is in the chunks has not been looked at.
#[derive(Clone, Debug)]
pub struct BeamFile<'bytes> {
    bytes: Cow<'bytes, [u8]>,
    chunks: Vec<(ChunkId, Range<usize>)>,
}

impl<'bytes> BeamFile<'bytes> {
    /// Reads the container; a file compressed with gzip is decompressed first.
    ///
    /// Stricter than `beam_lib`, which passes over sizes that do not fit as long as they concern chunks that nobody asks
    /// for: a file that has been cut off is an error here.
    ///
    /// # Errors
    ///
    /// When it is not a BEAM file, is cut off, or a size in it is wrong.
    pub fn parse(bytes: &'bytes [u8]) -> Result<Self, BeamError> {
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            Cow::Owned(decompress(bytes)?)
        } else {
            Cow::Borrowed(bytes)
        };
        let end = end_of_form(&bytes)?;
        let chunks = read_chunks(&bytes, end)?;
        Ok(Self { bytes, chunks })
    }

    /// All chunks in the order of the file.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'_>> {
        self.chunks.iter().map(|(id, range)| Chunk { id: *id, data: self.slice(range) })
    }

    /// The data of a chunk; of the first one when there are several with this id, as in `beam_lib`.
    pub fn chunk(&self, id: ChunkId) -> Option<&[u8]> {
        self.chunks.iter().find(|(found, _)| *found == id).map(|(_, range)| self.slice(range))
    }

    /// Name of the module: its first atom.
    ///
    /// # Errors
    ///
    /// When there is no chunk of atoms, or its beginning is damaged.
    pub fn module(&self) -> Result<String, BeamError> {
        let name = self.atom_table()?.next();
        name.unwrap_or(Err(BeamError::Atoms { reason: "it has no atom" })).map(Cow::into_owned)
    }

    /// All atoms of the module, its name first.
    ///
    /// # Errors
    ///
    /// When there is no chunk of atoms, or it is damaged.
    pub fn atoms(&self) -> Result<Vec<String>, BeamError> {
        self.atom_table()?.map(|atom| atom.map(Cow::into_owned)).collect()
    }

    /// Whether this is one of the atoms of the module; not where its chunk of atoms is damaged before it.
    #[must_use]
    pub fn has_atom(&self, name: &str) -> bool {
        self.atom_table().is_ok_and(|mut atoms| atoms.any(|atom| atom.is_ok_and(|atom| atom == name)))
    }

    /// The constant terms of the code, each in the external format; none when it has none.
    ///
    /// # Errors
    ///
    /// When the chunk of literals is damaged.
    pub fn literals(&self) -> Result<Vec<Vec<u8>>, BeamError> {
        self.chunk(*b"LitT").map_or(Ok(Vec::new()), literals::literals)
    }

    fn atom_table(&self) -> Result<atoms::AtomTable<'_>, BeamError> {
        match (self.chunk(*b"AtU8"), self.chunk(*b"Atom")) {
            (Some(chunk), _) => atoms::AtomTable::new(chunk, atoms::Encoding::Utf8),
            (None, Some(chunk)) => atoms::AtomTable::new(chunk, atoms::Encoding::Latin1),
            (None, None) => Err(BeamError::NoAtoms),
        }
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        // The ranges were made from these very bytes; an empty slice is never reached.
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

fn decompress(bytes: &[u8]) -> Result<Vec<u8>, BeamError> {
    let mut decompressed = Vec::new();
    // Several members in a row are one file to `zlib:gunzip`, too.
    let mut reader = MultiGzDecoder::new(bytes).take(MAXIMUM_SIZE + 1);
    match reader.read_to_end(&mut decompressed) {
        Ok(size) if size as u64 > MAXIMUM_SIZE => Err(BeamError::TooLarge { limit: MAXIMUM_SIZE }),
        Ok(_) => Ok(decompressed),
        Err(error) => Err(BeamError::Decompression { reason: error.to_string() }),
    }
}

/// Where the chunks end by the header. Up to three bytes of padding may follow.
fn end_of_form(bytes: &[u8]) -> Result<usize, BeamError> {
    if bytes.is_empty() {
        return Err(BeamError::Empty);
    }
    let present = bytes.len() as u64;
    let (Some(b"FOR1"), Some(size)) = (bytes.first_chunk(), u32_at(bytes, 4)) else {
        return Err(BeamError::NotBeam);
    };
    let announced = u64::from(size) + 8;
    match bytes.get(8..HEADER) {
        Some(b"BEAM") => {}
        Some(_) => return Err(BeamError::NotBeam),
        None => return Err(BeamError::Truncated { announced, present }),
    }
    if announced > present {
        return Err(BeamError::Truncated { announced, present });
    }
    let padded = announced.next_multiple_of(4);
    if present > padded {
        return Err(BeamError::TrailingBytes { end: announced, extra: present - announced });
    }
    Ok(announced as usize)
}

fn read_chunks(bytes: &[u8], end: usize) -> Result<Vec<(ChunkId, Range<usize>)>, BeamError> {
    let mut chunks = Vec::new();
    let mut offset = HEADER;
    while offset < end {
        let header = bytes.get(offset..end).unwrap_or_default();
        let (Some(id), Some(announced)) = (header.first_chunk::<4>(), u32_at(header, 4)) else {
            return Err(BeamError::ChunkHeader { offset });
        };
        let start = offset + 8;
        let present = end - start;
        let size = announced as usize;
        if size > present {
            return Err(BeamError::ChunkTooLarge { id: *id, offset, announced, present });
        }
        chunks.push((*id, start..start + size));
        offset = start + size.next_multiple_of(4);
    }
    Ok(chunks)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A file with these chunks; the sizes are right.
    pub(crate) fn beam(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut body = b"BEAM".to_vec();
        for (id, data) in chunks {
            body.extend_from_slice(*id);
            body.extend_from_slice(&(data.len() as u32).to_be_bytes());
            body.extend_from_slice(data);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut file = b"FOR1".to_vec();
        file.extend_from_slice(&(body.len() as u32).to_be_bytes());
        file.extend_from_slice(&body);
        file
    }

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    const SAMPLE: &[(&[u8; 4], &[u8])] =
        &[(b"AtU8", b"\0\0\0\x02\x01m\x02ok"), (b"Code", b"12345"), (b"Docs", b"")];

    #[test]
    fn chunks_come_in_the_order_of_the_file() {
        let bytes = beam(SAMPLE);
        let file = BeamFile::parse(&bytes).unwrap();
        let chunks: Vec<_> = file.chunks().map(|chunk| (chunk.id, chunk.data)).collect();
        let expected: Vec<_> = SAMPLE.iter().map(|(id, data)| (**id, *data)).collect();
        assert_eq!(chunks, expected);
        assert_eq!(file.chunk(*b"Code"), Some(&b"12345"[..]));
        assert_eq!(file.chunk(*b"Line"), None);
        assert_eq!(file.module().unwrap(), "m");
        assert_eq!(file.atoms().unwrap(), ["m", "ok"]);
    }

    #[test]
    fn a_compressed_file_is_read_like_a_plain_one() {
        let bytes = gzip(&beam(SAMPLE));
        assert_eq!(BeamFile::parse(&bytes).unwrap().module().unwrap(), "m");
    }

    #[test]
    fn the_first_of_two_equal_ids_counts() {
        let bytes = beam(&[(b"Line", b"first"), (b"Line", b"second")]);
        assert_eq!(BeamFile::parse(&bytes).unwrap().chunk(*b"Line"), Some(&b"first"[..]));
    }

    #[test]
    fn a_cut_is_noticed_at_every_byte() {
        let whole = beam(SAMPLE);
        assert_eq!(BeamFile::parse(&[]).unwrap_err(), BeamError::Empty);
        for length in 1..whole.len() {
            let error = BeamFile::parse(&whole[..length]).unwrap_err();
            let expected = if length < 8 {
                BeamError::NotBeam
            } else {
                BeamError::Truncated { announced: whole.len() as u64, present: length as u64 }
            };
            assert_eq!(error, expected, "cut after {length} bytes");
        }
        let compressed = gzip(&whole);
        for length in 2..compressed.len() {
            let error = BeamFile::parse(&compressed[..length]).unwrap_err();
            assert!(matches!(error, BeamError::Decompression { .. }), "cut after {length} bytes: {error}");
        }
    }

    #[test]
    fn any_changed_byte_is_an_error_or_another_file_and_never_a_panic() {
        for whole in [beam(SAMPLE), gzip(&beam(SAMPLE))] {
            for position in 0..whole.len() {
                for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                    let mut bytes = whole.clone();
                    bytes[position] = value;
                    if let Ok(file) = BeamFile::parse(&bytes) {
                        let _ = file.atoms();
                        assert!(
                            file.chunks().map(|chunk| chunk.data.len()).sum::<usize>() <= whole.len() * 100
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn wrong_sizes_are_named() {
        let mut too_large = beam(&[(b"Code", b"1234")]);
        too_large[19] = 5;
        assert_eq!(
            BeamFile::parse(&too_large).unwrap_err().to_string(),
            "its chunk `Code` at byte 12 announces 5 bytes, 4 are left"
        );
        let mut trailing = beam(&[(b"Code", b"1234")]);
        trailing.extend_from_slice(b"more");
        assert_eq!(BeamFile::parse(&trailing).unwrap_err(), BeamError::TrailingBytes { end: 24, extra: 4 });
        let mut short_header = beam(&[(b"Code", b"1234")]);
        short_header.extend_from_slice(b"Line");
        short_header[7] += 4;
        assert_eq!(BeamFile::parse(&short_header).unwrap_err(), BeamError::ChunkHeader { offset: 24 });
    }

    #[test]
    fn the_last_chunk_may_lack_its_padding() {
        let mut bytes = beam(&[(b"Code", b"12345")]);
        bytes.truncate(bytes.len() - 3);
        bytes[7] -= 3;
        assert_eq!(BeamFile::parse(&bytes).unwrap().chunk(*b"Code"), Some(&b"12345"[..]));
    }

    #[test]
    fn other_files_are_told_apart() {
        assert_eq!(BeamFile::parse(b"#!/bin/sh\necho").unwrap_err(), BeamError::NotBeam);
        assert_eq!(BeamFile::parse(b"FOR1\0\0\0\x04AIFF").unwrap_err(), BeamError::NotBeam);
        assert_eq!(BeamFile::parse(&gzip(b"no beam inside")).unwrap_err(), BeamError::NotBeam);
        assert_eq!(BeamFile::parse(&beam(&[])).unwrap().module().unwrap_err(), BeamError::NoAtoms);
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = gzip(&vec![0; MAXIMUM_SIZE as usize + 1]);
        assert_eq!(BeamFile::parse(&bomb).unwrap_err(), BeamError::TooLarge { limit: MAXIMUM_SIZE });
    }
}
