//! Colours are for terminals.
//!
//! Whether IEx on a node prints in colours is decided by how the node was started, not by where its answers go: those of a node
//! in the background would have escape sequences in the files and variables that a script fills.

/// The first byte of a sequence.
const ESCAPE: u8 = 0x1b;

/// The most bytes of a sequence for colours. Longer sequences are something else.
pub(crate) const LONGEST_SEQUENCE: usize = 64;

/// Takes the sequences for colours (`ESC [ … m`, ECMA-48 SGR) out of a text that comes in pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColourFilter {
    /// The beginning of what may be such a sequence.
    partial: Vec<u8>,
}

impl ColourFilter {
    /// The next piece without the sequences.
    pub(crate) fn filter(&mut self, text: &[u8]) -> Vec<u8> {
        let mut rest = Vec::with_capacity(self.partial.len() + text.len());
        for &byte in text {
            match (self.partial.len(), byte) {
                (0, ESCAPE) | (1, b'[') | (2..LONGEST_SEQUENCE, b'0'..=b'9' | b';' | b':') => {
                    self.partial.push(byte);
                }
                (2.., b'm') => self.partial.clear(),
                _ => {
                    // It was another one: what has begun it is printed, and this byte may begin the next.
                    rest.append(&mut self.partial);
                    if byte == ESCAPE {
                        self.partial.push(byte);
                    } else {
                        rest.push(byte);
                    }
                }
            }
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken_out(pieces: &[&str]) -> String {
        let mut colours = ColourFilter::default();
        pieces.iter().map(|piece| String::from_utf8(colours.filter(piece.as_bytes())).unwrap()).collect()
    }

    #[test]
    fn colours_are_taken_out_and_nothing_else() {
        assert_eq!(taken_out(&["\x1b[33m\x1b[33m2\x1b[0m\n"]), "2\n");
        assert_eq!(taken_out(&["a\x1b", "[1;3", "8:5mb", "\x1b[", "m"]), "ab");
        // The cursor is moved, a title is set, text that looks like one.
        assert_eq!(taken_out(&["\x1b[2Ja\x1b]0;m\x07[33m\x1b\x1b[0mb"]), "\x1b[2Ja\x1b]0;m\x07[33m\x1bb");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[\x1b\\[0-9;m a]{0,40}", at in 0usize..40) {
            let at = at.min(text.len());
            prop_assert_eq!(taken_out(&[&text]), taken_out(&[&text[..at], &text[at..]]));
        }
    }
}
