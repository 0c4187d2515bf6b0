//! Terms as text with line breaks and indentation, after `io_lib_pretty.erl`.
//!
//! The algorithm has two steps. First every part of the term is turned into an [`Item`](measure::Item), which knows how
//! long it is on one line. Then the items are laid out: what fits on the rest of the line is written there, what does
//! not is broken. How far tuples with a tag are indented is decided once for the whole term, by trying
//! ([`indentation`]): after the tag if nothing gets too far to the right, else by four columns, else by one.
//!
//! One thing is simpler here: a character counts as one column, where OTP counts grapheme clusters in text that goes
//! beyond Latin-1. It matters for where a line of combining characters is broken.
//!
//! The places where OTP's code is inconsistent with itself are kept, since the result is compared with its characters.

mod indentation;
mod layout;
mod measure;

use super::style::Style;
use super::write::simple_text;
use crate::term::Term;

/// The term as `io_lib:format("~tp", [Term])` writes it, in the style of the newest OTP.
pub fn pretty(term: &Term) -> String {
    pretty_with(term, &Style::default())
}

/// [`pretty`] in a given style.
pub fn pretty_with(term: &Term, style: &Style) -> String {
    match term {
        Term::Binary(_)
        | Term::Bitstring(..)
        | Term::Tuple(_)
        | Term::List(_)
        | Term::ImproperList(..)
        | Term::Map(_) => {}
        simple => return simple_text(simple, style),
    }
    let item = measure::item(term, style);
    let page = Page { line: style.line_length, characters: item.length };
    let mut layout = layout::Layout::new(&page, indentation::indentation(&item, &page));
    layout.item(&item, layout::Place { column: 1, indent: 0, last: 0, width: 0 });
    layout.into_text()
}

/// What limits a line.
struct Page {
    /// Columns.
    line: usize,
    /// Characters on a line, not counting indentation: here the length of the whole term, which does not limit
    /// anything by itself, but takes part in the decision about indentation.
    characters: usize,
}

impl Page {
    /// Whether a part of this length fits, when `last` closing brackets follow and `width` characters precede it.
    fn fits(&self, length: usize, column: usize, last: usize, width: usize) -> bool {
        length + column + last < self.line && length + width + last <= self.characters
    }

    /// Whether an element fits behind the one before it, comma included.
    fn fits_behind(&self, length: usize, column: usize, last: usize, width: usize) -> bool {
        // One more column is left free if another element follows (for its comma).
        self.fits(length + 1, column, last.max(1), width)
    }
}

/// How many closing brackets follow an element: none but its own list's if it is the last.
fn last_depth(more_follow: bool, last: usize) -> usize {
    if more_follow { 0 } else { last + 1 }
}
