//! The line being edited, with the keys of Emacs as Erlang's `edlin` has them.

use super::keys::Key;

/// A text with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    characters: Vec<char>,
    /// Number of characters before the cursor.
    cursor: usize,
    /// What was deleted last, for Ctrl-Y.
    killed: Vec<char>,
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        Self { cursor: characters.len(), characters, killed: Vec::new() }
    }
}

impl Line {
    pub(super) fn text(&self) -> String {
        self.characters.iter().collect()
    }

    pub(super) fn before_cursor(&self) -> String {
        self.characters.iter().take(self.cursor).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// Moves to the end.
    pub(super) fn end(&mut self) {
        self.cursor = self.characters.len();
    }

    pub(super) fn insert(&mut self, text: &str) {
        for character in text.chars().filter(|character| !character.is_control()) {
            self.characters.insert(self.cursor, character);
            self.cursor += 1;
        }
    }

    /// What a key does to the text. Keys that do something else are ignored.
    pub(super) fn apply(&mut self, key: Key) {
        let length = self.characters.len();
        match key {
            Key::Character(character) => self.insert(character.encode_utf8(&mut [0; 4])),
            Key::Left | Key::Control('b') => self.cursor = self.cursor.saturating_sub(1),
            Key::Right | Key::Control('f') => self.cursor = (self.cursor + 1).min(length),
            Key::Home | Key::Control('a') => self.cursor = 0,
            Key::End | Key::Control('e') => self.cursor = length,
            Key::WordLeft | Key::Alt('b') => self.cursor = self.word_left(),
            Key::WordRight | Key::Alt('f') => self.cursor = self.word_right(),
            Key::Backspace => self.remove(self.cursor.saturating_sub(1), self.cursor),
            Key::Delete | Key::Control('d') => self.remove(self.cursor, (self.cursor + 1).min(length)),
            Key::Control('k') => self.kill(self.cursor, length),
            Key::Control('u') => self.kill(0, self.cursor),
            Key::Control('w') => self.kill(self.word_left(), self.cursor),
            Key::Alt('d') => self.kill(self.cursor, self.word_right()),
            Key::Control('y') => {
                let killed: String = self.killed.iter().collect();
                self.insert(&killed);
            }
            Key::Control('t') if self.cursor > 0 && length > 1 => {
                let at = self.cursor.min(length - 1);
                self.characters.swap(at - 1, at);
                self.cursor = at + 1;
            }
            _ => {}
        }
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.characters.drain(from..to);
        self.cursor = from;
    }

    fn kill(&mut self, from: usize, to: usize) {
        self.killed = self.characters.drain(from..to).collect();
        self.cursor = from;
    }

    fn word_left(&self) -> usize {
        let is_word =
            |index: usize| self.characters.get(index).is_some_and(|character| character.is_alphanumeric());
        let mut at = self.cursor;
        while at > 0 && !is_word(at - 1) {
            at -= 1;
        }
        while at > 0 && is_word(at - 1) {
            at -= 1;
        }
        at
    }

    fn word_right(&self) -> usize {
        let rest = self.characters.iter().enumerate().skip(self.cursor);
        let mut rest = rest.skip_while(|(_, character)| !character.is_alphanumeric());
        rest.find(|(_, character)| !character.is_alphanumeric())
            .map_or(self.characters.len(), |(index, _)| index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(text: &str, keys: &[Key]) -> (String, usize) {
        let mut line = Line::from(text);
        for key in keys {
            line.apply(*key);
        }
        (line.text(), line.cursor)
    }

    #[test]
    fn words_and_ends() {
        let control = Key::Control;
        assert_eq!(typed("one two", &[control('a'), Key::Alt('f')]), ("one two".to_owned(), 3));
        assert_eq!(typed("one two", &[Key::Alt('b')]), ("one two".to_owned(), 4));
        assert_eq!(typed("one two", &[control('w')]), ("one ".to_owned(), 4));
        assert_eq!(typed("one two", &[control('w'), control('a'), control('y')]), ("twoone ".to_owned(), 3));
        assert_eq!(typed("one two", &[control('a'), control('k')]), (String::new(), 0));
        assert_eq!(typed("ab", &[control('t')]), ("ba".to_owned(), 2));
        assert_eq!(typed("ab", &[Key::Left, control('d'), Key::Character('é')]), ("aé".to_owned(), 2));
    }

    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            any::<char>().prop_map(Key::Character),
            prop::char::range('a', 'z').prop_map(Key::Control),
            prop::char::range('a', 'z').prop_map(Key::Alt),
            Just(Key::Left),
            Just(Key::Right),
            Just(Key::Home),
            Just(Key::End),
            Just(Key::Delete),
            Just(Key::Backspace),
        ]
    }

    proptest! {
        #[test]
        fn the_cursor_stays_in_the_text(keys in prop::collection::vec(any_key(), 0..60)) {
            let mut line = Line::default();
            for key in keys {
                line.apply(key);
                prop_assert!(line.cursor <= line.characters.len());
            }
        }
    }
}
