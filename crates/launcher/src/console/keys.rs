//! From what a terminal sends to keys.

/// A key, or what a combination of keys is known for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Character(char),
    /// Ctrl and a letter.
    Control(char),
    /// Alt (or Escape) and a letter.
    Alt(char),
    Enter,
    Tab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    WordLeft,
    WordRight,
    /// Something that has no meaning here.
    Other,
}

/// The longest sequence that a key sends.
const SEQUENCE: usize = 32;

/// Puts bytes together until they are a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pending: Vec<u8>,
    is_pasting: bool,
}

impl Keys {
    /// Takes the next byte; gives the key that it completes.
    pub(super) fn key(&mut self, byte: u8) -> Option<Key> {
        self.pending.push(byte);
        let key = match &self.pending[..] {
            [0x1b] => return None,
            [0x1b, b'[' | b'O'] => return None,
            [0x1b, b'[' | b'O', sequence @ ..] => {
                let is_complete = sequence.last().is_some_and(|byte| (0x40..=0x7e).contains(byte));
                if !is_complete && sequence.len() < SEQUENCE {
                    return None;
                }
                let sequence = sequence.to_vec();
                self.sequence(&sequence)
            }
            [0x1b, 0x7f] => Key::Control('w'),
            [0x1b, other] => Key::Alt(char::from(*other).to_ascii_lowercase()),
            [b'\r' | b'\n'] => Key::Enter,
            [b'\t'] if self.is_pasting => Key::Character(' '),
            [b'\t'] => Key::Tab,
            [0x08 | 0x7f] => Key::Backspace,
            [control @ 1..=26] => Key::Control(char::from(control + b'a' - 1)),
            [0..=31] => Key::Other,
            bytes => match std::str::from_utf8(bytes) {
                Ok(text) => text.chars().next().map_or(Key::Other, Key::Character),
                // A character that is not complete yet.
                Err(error) if error.error_len().is_none() => return None,
                Err(_) => Key::Other,
            },
        };
        self.pending.clear();
        Some(key)
    }

    /// What stands between `ESC [` (or `ESC O`) and the end of a sequence, that end included.
    fn sequence(&mut self, sequence: &[u8]) -> Key {
        match sequence {
            b"A" => Key::Up,
            b"B" => Key::Down,
            b"C" => Key::Right,
            b"D" => Key::Left,
            b"H" | b"1~" | b"7~" => Key::Home,
            b"F" | b"4~" | b"8~" => Key::End,
            b"3~" => Key::Delete,
            b"1;5D" | b"1;3D" => Key::WordLeft,
            b"1;5C" | b"1;3C" => Key::WordRight,
            // Bracketed paste: what comes between these was not typed.
            b"200~" => {
                self.is_pasting = true;
                Key::Other
            }
            b"201~" => {
                self.is_pasting = false;
                Key::Other
            }
            _ => Key::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::default();
        bytes.iter().filter_map(|byte| keys.key(*byte)).collect()
    }

    #[test]
    fn characters_may_have_several_bytes() {
        assert_eq!(keys("aé€🙂".as_bytes()), ['a', 'é', '€', '🙂'].map(Key::Character));
        assert_eq!(keys(b"\xffa"), [Key::Other, Key::Character('a')]);
    }

    #[test]
    fn sequences_are_keys() {
        assert_eq!(keys(b"\x1b[A\x1bOB\x1b[3~\x1b[1;5C"), [Key::Up, Key::Down, Key::Delete, Key::WordRight]);
        assert_eq!(
            keys(b"\x1bf\x1bB\x01\x7f\r"),
            [Key::Alt('f'), Key::Alt('b'), Key::Control('a'), Key::Backspace, Key::Enter]
        );
    }

    #[test]
    fn a_pasted_tab_completes_nothing() {
        assert_eq!(keys(b"\x1b[200~\t\x1b[201~\t"), [Key::Other, Key::Character(' '), Key::Other, Key::Tab]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_keys(bytes in any::<Vec<u8>>()) {
            let mut decoder = Keys::default();
            for byte in bytes {
                decoder.key(byte);
                prop_assert!(decoder.pending.len() <= SEQUENCE + 2);
            }
        }
    }
}
