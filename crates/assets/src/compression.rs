//! Compressors, and what they make of a file.

use std::cell::RefCell;
use std::io::{self, Read, Write};

use libdeflater::{CompressionLvl, Compressor};

/// A way to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 1952, by libdeflate.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstandard,
}

/// A compressor and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoder {
    /// What it writes.
    pub format: Format,
    level: u32,
}

/// Extensions of compressed files, whoever made them.
pub(crate) const SUFFIXES: [&str; 3] = [".gz", ".br", ".zst"];

impl Encoder {
    /// Gzip at a level of 1 to 12. The default is about as small as Phoenix's at a fraction of the time.
    #[must_use]
    pub fn gzip(level: Option<u32>) -> Self {
        Self { format: Format::Gzip, level: level.unwrap_or(7).clamp(1, 12) }
    }

    /// Brotli at a level of 1 to 11.
    #[must_use]
    pub fn brotli(level: Option<u32>) -> Self {
        Self { format: Format::Brotli, level: level.unwrap_or(11).clamp(1, 11) }
    }

    /// Zstandard at a level of 1 to 19.
    #[must_use]
    pub fn zstandard(level: Option<u32>) -> Self {
        Self { format: Format::Zstandard, level: level.unwrap_or(19).clamp(1, 19) }
    }

    /// What is added to the name of a compressed file.
    #[must_use]
    pub fn suffix(&self) -> &'static str {
        match self.format {
            Format::Gzip => ".gz",
            Format::Brotli => ".br",
            Format::Zstandard => ".zst",
        }
    }

    /// Distinguishes results of different compressors, levels and versions of them in the cache.
    pub(crate) fn key(&self) -> String {
        format!("{}{}-1", &self.suffix()[1..], self.level)
    }

    /// Compresses. The same content gives the same bytes: no time and no name is written.
    pub(crate) fn compress(&self, content: &[u8]) -> io::Result<Vec<u8>> {
        match self.format {
            Format::Gzip => gzip(content, self.level),
            Format::Brotli => brotli(content, self.level),
            Format::Zstandard => zstd::bulk::compress(content, i32::try_from(self.level).unwrap_or(19)),
        }
    }
}

thread_local! {
    /// The compressor of a thread, and its level: its tables are larger than most assets.
    static COMPRESSOR: RefCell<Option<(u32, Compressor)>> = const { RefCell::new(None) };
}

fn gzip(content: &[u8], level: u32) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        if kept.as_ref().is_none_or(|(kept, _)| *kept != level) {
            let number = i32::try_from(level).ok().and_then(|level| CompressionLvl::new(level).ok());
            *kept = Some((level, Compressor::new(number.unwrap_or_default())));
        }
        let Some((_, compressor)) = kept else { return Err(io::Error::other("there is no compressor")) };
        let mut bytes = vec![0; compressor.gzip_compress_bound(content.len())];
        let length = compressor.gzip_compress(content, &mut bytes).map_err(io::Error::other)?;
        bytes.truncate(length);
        Ok(bytes)
    })
}

fn brotli(content: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let quality = i32::try_from(level).unwrap_or(11);
    let parameters = brotli::enc::BrotliEncoderParams {
        quality,
        size_hint: content.len(),
        ..brotli::enc::BrotliEncoderParams::default()
    };
    let mut writer = brotli::CompressorWriter::with_params(Vec::new(), 64 * 1024, &parameters);
    writer.write_all(content)?;
    Ok(writer.into_inner())
}

/// Whether a file with this suffix is this content, compressed. What is damaged, or more, is not.
pub(crate) fn holds(suffix: &str, compressed: &[u8], content: &[u8]) -> bool {
    match suffix {
        ".gz" => {
            let mut bytes = vec![0; content.len()];
            let length = libdeflater::Decompressor::new().gzip_decompress(compressed, &mut bytes);
            length.is_ok_and(|length| bytes[..length] == *content)
        }
        ".br" => is_read_as(brotli::Decompressor::new(compressed, 4096), content),
        _ => zstd::Decoder::new(compressed).is_ok_and(|decoder| is_read_as(decoder, content)),
    }
}

fn is_read_as(reader: impl Read, content: &[u8]) -> bool {
    let mut bytes = Vec::with_capacity(content.len());
    let read = reader.take(content.len() as u64 + 1).read_to_end(&mut bytes);
    read.is_ok() && bytes == content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back() {
        let content = b"body { color: red } ".repeat(1000);
        for content in [&content[..], b"", b"x"] {
            let zipped = Encoder::gzip(None).compress(content).unwrap();
            assert_eq!(zipped[..4], [0x1f, 0x8b, 8, 0], "gzip without a name");
            assert_eq!(zipped[4..8], [0; 4], "and without a time");
            let mut back = vec![0; content.len()];
            let length = libdeflater::Decompressor::new().gzip_decompress(&zipped, &mut back).unwrap();
            assert_eq!(&back[..length], content);

            let mut back = Vec::new();
            let small = Encoder::brotli(Some(5)).compress(content).unwrap();
            brotli::Decompressor::new(&small[..], 4096).read_to_end(&mut back).unwrap();
            assert_eq!(back, content);

            let small = Encoder::zstandard(Some(3)).compress(content).unwrap();
            assert_eq!(zstd::bulk::decompress(&small, content.len()).unwrap(), content);
        }
    }

    #[test]
    fn what_a_compressed_file_holds_is_known() {
        let content = b"body { color: red } ".repeat(1000);
        for encoder in [Encoder::gzip(None), Encoder::brotli(Some(5)), Encoder::zstandard(Some(3))] {
            for content in [&content[..], b""] {
                let suffix = encoder.suffix();
                let small = encoder.compress(content).unwrap();
                assert!(holds(suffix, &small, content));
                assert!(!holds(suffix, &small, &[content, b"x"].concat()), "{suffix}: more");
                assert!(!holds(suffix, &small[..small.len() - 1], content), "{suffix}: damaged");
                assert!(!holds(suffix, content, content), "{suffix}: not compressed");
                if let Some((_, less)) = content.split_last() {
                    assert!(!holds(suffix, &small, less), "{suffix}: less");
                }
            }
        }
    }
}
