//! The chunk of atoms, `AtU8` or (before OTP 20) `Atom`.
//!
//! A signed 32-bit count, then each atom: its length and its bytes. A negative count, written since OTP 28, says that
//! the lengths are "tagged integers" as in the code chunk, because an atom of 255 characters can have more than 255
//! bytes: one byte with the length in the upper four bits, or, when bit 3 is set, two bytes with eleven bits
//! (`beam_lib:extract_long_atom/1`).

use std::borrow::Cow;

use crate::BeamError;

#[derive(Clone, Copy)]
pub(crate) enum Encoding {
    Latin1,
    Utf8,
}

/// The atoms of a chunk, decoded one after the other. Ends after the first error.
pub(crate) struct AtomTable<'chunk> {
    rest: &'chunk [u8],
    left: u32,
    long: bool,
    encoding: Encoding,
}

impl<'chunk> AtomTable<'chunk> {
    pub(crate) fn new(chunk: &'chunk [u8], encoding: Encoding) -> Result<Self, BeamError> {
        let Some((count, rest)) = chunk.split_first_chunk() else {
            return Err(BeamError::Atoms { reason: "it is shorter than four bytes" });
        };
        let count = i32::from_be_bytes(*count);
        Ok(Self { rest, left: count.unsigned_abs(), long: count < 0, encoding })
    }

    fn length(&mut self) -> Result<usize, BeamError> {
        let first = self.byte()?;
        if !self.long {
            return Ok(usize::from(first));
        }
        match first & 0b0001_1000 {
            0b0000_0000 | 0b0001_0000 => Ok(usize::from(first >> 4)),
            0b0000_1000 => Ok(usize::from(first >> 5) << 8 | usize::from(self.byte()?)),
            _ => Err(BeamError::Atoms { reason: "a length has more than eleven bits" }),
        }
    }

    fn byte(&mut self) -> Result<u8, BeamError> {
        let (first, rest) = self.rest.split_first().ok_or(ENDS_EARLY)?;
        self.rest = rest;
        Ok(*first)
    }

    fn atom(&mut self) -> Result<Cow<'chunk, str>, BeamError> {
        let length = self.length()?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(ENDS_EARLY)?;
        self.rest = rest;
        match self.encoding {
            Encoding::Latin1 => Ok(text.iter().copied().map(char::from).collect()),
            Encoding::Utf8 => match std::str::from_utf8(text) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                Err(_) => Err(BeamError::Atoms { reason: "an atom is not valid UTF-8" }),
            },
        }
    }
}

const ENDS_EARLY: BeamError = BeamError::Atoms { reason: "it ends within an atom" };

impl<'chunk> Iterator for AtomTable<'chunk> {
    type Item = Result<Cow<'chunk, str>, BeamError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let atom = self.atom();
        if atom.is_err() {
            self.left = 0;
        }
        Some(atom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atoms(chunk: &[u8], encoding: Encoding) -> Result<Vec<Cow<'_, str>>, BeamError> {
        AtomTable::new(chunk, encoding)?.collect()
    }

    #[test]
    fn short_and_long_lengths() {
        assert_eq!(atoms(b"\0\0\0\x02\x01a\x02\xc3\xa9", Encoding::Utf8).unwrap(), ["a", "é"]);
        assert_eq!(atoms(b"\0\0\0\x01\x02\xe9a", Encoding::Latin1).unwrap(), ["éa"]);
        // 300 bytes: 0b001_01_000 0b00101100.
        let mut chunk = b"\xff\xff\xff\xfe\x10a\x28\x2c".to_vec();
        chunk.extend("é".repeat(150).bytes());
        assert_eq!(atoms(&chunk, Encoding::Utf8).unwrap(), ["a", &"é".repeat(150)]);
    }

    #[test]
    fn damage_is_an_error() {
        for chunk in [
            &b""[..],
            b"\0\0\0",
            b"\0\0\0\x01",
            b"\0\0\0\x01\x02a",
            b"\xff\xff\xff\xff\x28",
            b"\xff\xff\xff\xff\x18\0",
            b"\0\0\0\x01\x01\xff",
            b"\x7f\xff\xff\xff\0",
            b"\x80\0\0\0\0",
        ] {
            assert!(matches!(atoms(chunk, Encoding::Utf8), Err(BeamError::Atoms { .. })), "{chunk:?}");
        }
    }
}
