//! Drawing the prompt and the line, which may take several rows of the window.

use unicode_width::UnicodeWidthChar;

use super::line::Line;

/// Where the drawn prompt and line are, seen from the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Screen {
    prompt: String,
    /// Rows between the first one and the cursor's.
    cursor_row: usize,
}

impl Screen {
    pub(super) fn new(prompt: &str) -> Self {
        Self { prompt: prompt.to_owned(), cursor_row: 0 }
    }

    /// What was drawn stays; the next drawing begins in the cursor's row.
    pub(super) fn forget(&mut self) {
        self.cursor_row = 0;
    }

    /// Takes prompt and line from the window.
    pub(super) fn erase(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.cursor_row > 0 {
            bytes.extend(format!("\x1b[{}A", self.cursor_row).into_bytes());
        }
        bytes.extend(b"\r\x1b[J");
        self.cursor_row = 0;
        bytes
    }

    /// Draws both anew, in a window of this width.
    pub(super) fn draw(&mut self, line: &Line, columns: usize) -> Vec<u8> {
        let prompt = self.prompt.clone();
        self.draw_with(&prompt, line, columns)
    }

    /// The same while the history is searched.
    pub(super) fn draw_search(&mut self, searched: &str, line: &Line, columns: usize) -> Vec<u8> {
        self.draw_with(&format!("(search) `{searched}`: "), line, columns)
    }

    fn draw_with(&mut self, prompt: &str, line: &Line, columns: usize) -> Vec<u8> {
        let columns = columns.max(1);
        let mut bytes = self.erase();
        bytes.extend(prompt.as_bytes());
        bytes.extend(line.text().into_bytes());
        let start = Position::default().after(&visible(prompt), columns);
        let cursor = start.after(&line.before_cursor(), columns);
        let end = start.after(&line.text(), columns);
        if end.column == 0 && end.row > 0 {
            // The terminal waits in the last column until another character comes.
            bytes.extend(b" \r");
        }
        if end.row > cursor.row {
            bytes.extend(format!("\x1b[{}A", end.row - cursor.row).into_bytes());
        }
        bytes.push(b'\r');
        if cursor.column > 0 {
            bytes.extend(format!("\x1b[{}C", cursor.column).into_bytes());
        }
        self.cursor_row = cursor.row;
        bytes
    }
}

/// A position in the window, relative to where the prompt begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    row: usize,
    column: usize,
}

impl Position {
    /// The position behind a text.
    fn after(mut self, text: &str, columns: usize) -> Self {
        for character in text.chars() {
            if character == '\n' {
                self = Self { row: self.row + 1, column: 0 };
                continue;
            }
            let width = character.width().unwrap_or(0);
            if self.column + width > columns {
                self = Self { row: self.row + 1, column: 0 };
            }
            self.column += width;
            if self.column >= columns {
                self = Self { row: self.row + 1, column: 0 };
            }
        }
        self
    }
}

/// A text without the escape sequences that give it colour.
fn visible(text: &str) -> String {
    let mut visible = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' => {
                let _ = characters.by_ref().find(char::is_ascii_alphabetic);
            }
            '\r' => {}
            other => visible.push(other),
        }
    }
    visible
}

/// Words in as many columns as fit into the window.
pub(super) fn columns(words: &[String], columns: usize) -> String {
    let width = |word: &str| word.chars().filter_map(UnicodeWidthChar::width).sum::<usize>();
    let widest = words.iter().map(|word| width(word)).max().unwrap_or(0) + 2;
    let per_row = (columns / widest.max(1)).max(1);
    let mut text = String::new();
    for row in words.chunks(per_row) {
        let cells: Vec<String> =
            row.iter().map(|word| format!("{word}{}", " ".repeat(widest - width(word)))).collect();
        text.push_str(cells.concat().trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(screen: &mut Screen, text: &str, columns: usize) -> String {
        String::from_utf8(screen.draw(&Line::from(text), columns)).unwrap()
    }

    #[test]
    fn the_cursor_is_behind_the_text() {
        let mut screen = Screen::new("iex> ");
        assert_eq!(drawn(&mut screen, "ab", 80), "\r\x1b[Jiex> ab\r\x1b[7C");
    }

    #[test]
    fn a_long_line_takes_several_rows() {
        let mut screen = Screen::new("> ");
        drawn(&mut screen, "0123456789", 5);
        assert_eq!(screen.cursor_row, 2);
        assert_eq!(screen.erase(), b"\x1b[2A\r\x1b[J");
    }

    #[test]
    fn colours_take_no_room_and_some_characters_take_two_columns() {
        let mut screen = Screen::new("\x1b[32m>\x1b[0m ");
        assert!(drawn(&mut screen, "日本", 80).ends_with("\r\x1b[6C"));
    }

    #[test]
    fn words_stand_in_columns() {
        let words = ["a", "bb", "ccc"].map(str::to_owned);
        assert_eq!(columns(&words, 12), "a    bb\nccc\n");
        assert_eq!(columns(&words, 1), "a\nbb\nccc\n");
        assert_eq!(columns(&[], 80), "");
    }
}
