//! Where a deflate stream (RFC 1951) ends, to the bit.
//!
//! A stream is a sequence of blocks, of which the last one says so in its first bit. Its end lies somewhere in a byte, and
//! nothing tells where but reading all of its symbols. To let another stream follow, the bit has to be cleared and an empty
//! stored block appended, which fills the byte. (Mark Adler's `gzjoin` does the same with files.)

/// Streams that the walk does not understand. Compressors do not write such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the compressor did not write a valid deflate stream")]
pub(super) struct NotDeflate;

/// The longest code in bits.
const LONGEST_CODE: usize = 15;

/// The order of the lengths of the codes for code lengths (RFC 1951, section 3.2.7).
const CODE_LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The symbol that ends a block.
const END_OF_BLOCK: u16 = 256;

/// Turns a stream that is complete into one that another can follow on the next byte.
pub(super) fn make_continuable(stream: &mut Vec<u8>) -> Result<(), NotDeflate> {
    let Extent { last_block, end } = extent(stream)?;
    stream[last_block / 8] &= !(1 << (last_block % 8));
    // What follows the end is filled with zeros: first the head of a stored block (three bits), then up to a whole byte.
    stream.truncate(end.div_ceil(8));
    if !end.is_multiple_of(8) {
        stream[end / 8] &= (1 << (end % 8)) - 1;
    }
    stream.resize((end + 3).div_ceil(8), 0);
    // No bytes, and the complement of that number.
    stream.extend_from_slice(&[0, 0, 0xff, 0xff]);
    Ok(())
}

/// Positions in a stream, in bits.
#[derive(Debug, PartialEq)]
struct Extent {
    /// The first bit of the last block.
    last_block: usize,
    /// The first bit after it.
    end: usize,
}

fn extent(stream: &[u8]) -> Result<Extent, NotDeflate> {
    let mut bits = Bits { stream, position: 0 };
    loop {
        let last_block = bits.position;
        let is_last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => bits.skip_stored()?,
            1 => {
                let mut lengths = [8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                let literals = Codes::new(&lengths, bits_after_literal)?;
                bits.skip_symbols(&literals, &Codes::new(&[5; 30], bits_after_distance)?)?;
            }
            2 => {
                let (literals, distances) = bits.code_tables()?;
                bits.skip_symbols(&literals, &distances)?;
            }
            _ => return Err(NotDeflate),
        }
        if is_last {
            return Ok(Extent { last_block, end: bits.position });
        }
    }
}

/// A position in a stream of bits, the least significant bit of a byte first.
struct Bits<'stream> {
    stream: &'stream [u8],
    position: usize,
}

impl Bits<'_> {
    /// The next bits, at least 57 of them; zeros after the end.
    fn peek(&self) -> u64 {
        let rest = self.stream.get(self.position / 8..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        word >> (self.position % 8)
    }

    /// Goes on by so many bits.
    fn skip(&mut self, bits: usize) -> Result<(), NotDeflate> {
        self.position += bits;
        if self.position <= self.stream.len() * 8 { Ok(()) } else { Err(NotDeflate) }
    }

    /// The number in the next bits, 16 at most.
    fn take(&mut self, bits: usize) -> Result<usize, NotDeflate> {
        let number = self.peek() & ((1 << bits) - 1);
        self.skip(bits)?;
        Ok(number as usize)
    }

    fn skip_stored(&mut self) -> Result<(), NotDeflate> {
        self.position = self.position.next_multiple_of(8);
        let length = self.take(16)?;
        let complement = self.take(16)?;
        if length != !complement & 0xffff {
            return Err(NotDeflate);
        }
        self.skip(length * 8)
    }

    /// The codes of literals and lengths, and of distances, of a block with codes of its own.
    fn code_tables(&mut self) -> Result<(Codes, Codes), NotDeflate> {
        let literals = self.take(5)? + 257;
        let distances = self.take(5)? + 1;
        let code_lengths = self.take(4)? + 4;
        let mut lengths = [0; CODE_LENGTH_ORDER.len()];
        for symbol in &CODE_LENGTH_ORDER[..code_lengths] {
            lengths[*symbol] = self.take(3)? as u8;
        }
        let codes = Codes::new(&lengths, |_| Some(0))?;
        let total = literals + distances;
        let mut lengths = Vec::with_capacity(total);
        while lengths.len() < total {
            let (symbol, length) = codes.symbol(self.peek())?;
            self.skip(length)?;
            let (value, repeated) = match symbol {
                0..=15 => (symbol as u8, 1),
                16 => (*lengths.last().ok_or(NotDeflate)?, 3 + self.take(2)?),
                17 => (0, 3 + self.take(3)?),
                _ => (0, 11 + self.take(7)?),
            };
            lengths.resize(lengths.len() + repeated, value);
        }
        if lengths.len() > total {
            return Err(NotDeflate);
        }
        let literal_codes = Codes::new(&lengths[..literals], bits_after_literal)?;
        Ok((literal_codes, Codes::new(&lengths[literals..], bits_after_distance)?))
    }

    /// Goes to the end of a block of symbols.
    fn skip_symbols(&mut self, literals: &Codes, distances: &Codes) -> Result<(), NotDeflate> {
        loop {
            // A length and a distance with what belongs to them have 48 bits at most: one look is enough.
            let bits = self.peek();
            let (symbol, length) = literals.symbol(bits)?;
            match symbol {
                0..END_OF_BLOCK => self.skip(length)?,
                END_OF_BLOCK => return self.skip(length),
                _ => {
                    let (_, distance_length) = distances.symbol(bits >> length)?;
                    self.skip(length + distance_length)?;
                }
            }
        }
    }
}

/// How many bits follow the code of a symbol that is a literal or a length (RFC 1951, section 3.2.5); `None` for what is
/// no symbol.
fn bits_after_literal(symbol: usize) -> Option<usize> {
    match symbol {
        0..=264 | 285 => Some(0),
        265..=284 => Some((symbol - 261) / 4),
        _ => None,
    }
}

/// How many bits follow the code of a distance.
fn bits_after_distance(symbol: usize) -> Option<usize> {
    match symbol {
        0..=3 => Some(0),
        4..=29 => Some(symbol / 2 - 1),
        _ => None,
    }
}

/// A Huffman code, as a table from the next bits to a symbol and the length of its code, with the bits that follow it.
struct Codes {
    /// `symbol << 5 | length`; 0 for bits that no code begins with.
    table: Vec<u16>,
    mask: u64,
}

impl Codes {
    /// The code with these lengths of its symbols, 0 for those that do not occur (RFC 1951, section 3.2.2), given how many
    /// bits follow each.
    fn new(lengths: &[u8], bits_after: fn(usize) -> Option<usize>) -> Result<Self, NotDeflate> {
        let mut count = [0usize; LONGEST_CODE + 1];
        for length in lengths {
            *count.get_mut(usize::from(*length)).ok_or(NotDeflate)? += 1;
        }
        count[0] = 0;
        let longest = count.iter().rposition(|count| *count > 0).unwrap_or(0);
        let mut next = [0usize; LONGEST_CODE + 2];
        for length in 1..=LONGEST_CODE {
            next[length + 1] = (next[length] + count[length]) << 1;
            if next[length] + count[length] > 1 << length {
                return Err(NotDeflate);
            }
        }
        let mut table = vec![0; 1 << longest];
        for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
            let length = usize::from(*length);
            // Codes stand in the stream with their most significant bit first.
            let first = next[length].reverse_bits() >> (usize::BITS as usize - length);
            next[length] += 1;
            let entry = bits_after(symbol).map_or(0, |more| (symbol << 5 | (length + more)) as u16);
            table[first..].iter_mut().step_by(1 << length).for_each(|slot| *slot = entry);
        }
        Ok(Self { table, mask: (1 << longest) - 1 })
    }

    /// The symbol that bits begin with, and how many bits it has with those that follow its code.
    fn symbol(&self, bits: u64) -> Result<(u16, usize), NotDeflate> {
        match self.table[(bits & self.mask) as usize] {
            0 => Err(NotDeflate),
            entry => Ok((entry >> 5, usize::from(entry & 31))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;
    use proptest::prelude::*;

    use super::*;

    /// A stream of libdeflate.
    fn deflate(bytes: &[u8], level: i32) -> Vec<u8> {
        let level = libdeflater::CompressionLvl::new(level).unwrap();
        let mut compressor = libdeflater::Compressor::new(level);
        let mut stream = vec![0; compressor.deflate_compress_bound(bytes.len())];
        let size = compressor.deflate_compress(bytes, &mut stream).unwrap();
        stream.truncate(size);
        stream
    }

    fn inflate(stream: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut decoder = DeflateDecoder::new(stream);
        decoder.read_to_end(&mut bytes).unwrap();
        assert_eq!(decoder.total_in(), stream.len() as u64, "it ends where the stream ends");
        bytes
    }

    /// Bytes that compress well, badly or not at all.
    fn content() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3000),
            prop::collection::vec(prop::sample::select(b"abcd".as_slice()), 0..3000),
            (any::<u8>(), 0..70_000usize).prop_map(|(byte, count)| vec![byte; count]),
        ];
        prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn streams_can_follow_each_other(first in content(), second in content(), level in 0..=12i32) {
            let mut stream = deflate(&first, level);
            make_continuable(&mut stream).unwrap();
            stream.extend_from_slice(&deflate(&second, level));
            prop_assert_eq!(inflate(&stream), [first, second].concat());
        }

        #[test]
        fn nothing_is_taken_for_a_stream_that_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = make_continuable(&mut bytes);
        }

        #[test]
        fn damaged_streams_are_no_panic(content in content(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
            let mut stream = deflate(&content, 6);
            for (index, byte) in damage {
                let index = index.index(stream.len());
                stream[index] = byte;
            }
            let _ = make_continuable(&mut stream);
        }

        #[test]
        fn streams_that_are_cut_off_are_refused(content in content(), cut in any::<prop::sample::Index>()) {
            let mut stream = deflate(&content, 6);
            stream.truncate(cut.index(stream.len()));
            prop_assert_eq!(make_continuable(&mut stream), Err(NotDeflate));
        }
    }
}
