//! Input that has come and was not read yet.

use std::collections::VecDeque;

use crate::device::Input;

/// Bytes of input, which are read in lines or in characters.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputBuffer {
    bytes: VecDeque<u8>,
    has_ended: bool,
}

impl InputBuffer {
    pub(crate) fn push(&mut self, input: Input) {
        match input {
            Input::Data(bytes) => self.bytes.extend(bytes),
            Input::End => self.has_ended = true,
        }
    }

    /// Whether everything has been read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.has_ended && self.bytes.is_empty()
    }

    /// What a function on the node has left over.
    pub(crate) fn push_front(&mut self, text: &[u8]) {
        for byte in text.iter().rev() {
            self.bytes.push_front(*byte);
        }
    }

    /// A line with its end, or the last bytes; `Some(None)` at the end of the input, `None` when there is not enough.
    pub(crate) fn line(&mut self) -> Option<Option<Vec<u8>>> {
        match self.bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => Some(Some(self.bytes.drain(..=end).collect())),
            None => self.rest(),
        }
    }

    /// This many characters, likewise.
    pub(crate) fn characters(&mut self, count: usize) -> Option<Option<Vec<u8>>> {
        // A character begins at every byte that does not continue one.
        let starts = self.bytes.iter().enumerate().filter(|(_, byte)| **byte & 0xc0 != 0x80);
        match starts.map(|(index, _)| index).nth(count) {
            Some(end) => Some(Some(self.bytes.drain(..end).collect())),
            None if self.bytes.len() == count && self.bytes.iter().all(u8::is_ascii) => {
                Some(Some(self.bytes.drain(..).collect()))
            }
            None => self.rest(),
        }
    }

    fn rest(&mut self) -> Option<Option<Vec<u8>>> {
        match (self.has_ended, self.bytes.is_empty()) {
            (false, _) => None,
            (true, true) => Some(None),
            (true, false) => Some(Some(self.bytes.drain(..).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_comes_in_lines_and_in_characters() {
        let mut input_buffer = InputBuffer::default();
        input_buffer.push(Input::Data("añb\nrest".into()));
        assert_eq!(input_buffer.characters(2), Some(Some("añ".into())));
        assert_eq!(input_buffer.line(), Some(Some("b\n".into())));
        assert_eq!(input_buffer.line(), None);
        assert_eq!(input_buffer.characters(4), Some(Some("rest".into())));
        input_buffer.push_front(b"again");
        input_buffer.push(Input::End);
        assert_eq!(input_buffer.line(), Some(Some("again".into())));
        assert_eq!(input_buffer.line(), Some(None));
    }
}
