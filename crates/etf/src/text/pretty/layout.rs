//! Writing the parts, with line breaks (`io_lib_pretty:pp`).

use super::measure::{Item, Pair, Shape};
use super::{Page, last_depth};

/// Where a part is written.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The column in which it begins, from 1.
    pub(super) column: usize,
    /// Spaces after a line break.
    pub(super) indent: usize,
    /// How many closing brackets follow.
    pub(super) last: usize,
    /// Characters already on the line, without indentation.
    pub(super) width: usize,
}

impl Place {
    /// Further to the right, where lines are indented as far.
    fn right(self, columns: usize) -> Self {
        Self { column: self.column + columns, indent: self.indent + columns, ..self }
    }

    fn with_last(self, last: usize) -> Self {
        Self { last, ..self }
    }

    fn with_width(self, width: usize) -> Self {
        Self { width, ..self }
    }
}

/// Text in the making.
pub(super) struct Layout<'a> {
    page: &'a Page,
    /// How far tagged tuples are indented at most; 0 for "after the tag".
    tag_indent: usize,
    output: String,
}

impl<'a> Layout<'a> {
    pub(super) fn new(page: &'a Page, tag_indent: usize) -> Self {
        Self { page, tag_indent, output: String::new() }
    }

    pub(super) fn into_text(self) -> String {
        self.output
    }

    /// A part, broken if it does not fit.
    pub(super) fn item(&mut self, item: &Item, place: Place) {
        if self.page.fits(item.length, place.column, place.last, place.width) {
            return self.flat(item);
        }
        match &item.shape {
            Shape::Text(text) => self.output.push_str(text),
            Shape::Binary(segments) => self.binary(segments, place.right(2)),
            Shape::List(items, tail) => {
                self.output.push('[');
                self.elements(items, tail.as_deref(), place.right(1).with_width(place.width + 1));
                self.output.push(']');
            }
            Shape::Tuple(items) => {
                self.output.push('{');
                self.elements(items, None, place.right(1).with_width(place.width + 1));
                self.output.push('}');
            }
            Shape::Tagged(items) => {
                self.output.push('{');
                self.tagged(items, place.with_width(place.width + 1));
                self.output.push('}');
            }
            Shape::Map(pairs) => {
                self.output.push_str("#{");
                self.pairs(pairs, place.right(2).with_width(place.width + 1));
                self.output.push('}');
            }
        }
    }

    /// The tag and, after it or under it, the other elements. `place` is that of the bracket.
    fn tagged(&mut self, items: &[Item], place: Place) {
        let Some((tag, rest)) = items.split_first() else {
            return;
        };
        self.flat(tag);
        let beside = tag.length + 2;
        if self.tag_indent > 0 && beside > self.tag_indent {
            let under = place.right(self.tag_indent);
            self.tail(rest, None, under, place.column + beside, place.width + tag.length);
        } else {
            self.output.push(',');
            self.elements(rest, None, place.right(beside).with_width(place.width + tag.length + 1));
        }
    }

    fn elements(&mut self, items: &[Item], tail: Option<&Item>, place: Place) {
        let Some((first, rest)) = items.split_first() else {
            return;
        };
        let more_follow = !rest.is_empty();
        let width = self.element(first, place.with_last(last_depth(more_follow, place.last)));
        self.tail(rest, tail, place, place.column + width, place.width + width);
    }

    /// Elements after the first, each with a comma before it. `place` is where lines begin; `column` and `width` are
    /// where the line stands now.
    fn tail(&mut self, items: &[Item], tail: Option<&Item>, place: Place, column: usize, width: usize) {
        let (mut column, mut width) = (column, width);
        for (number, item) in items.iter().enumerate() {
            let last = last_depth(number + 1 < items.len(), place.last);
            self.output.push(',');
            if item.is_text() && self.page.fits_behind(item.length, column, last, width) {
                self.flat(item);
                column += item.length + 1;
                width += item.length + 1;
            } else {
                self.new_line(place.indent);
                let taken = self.element(item, place.with_last(last).with_width(0));
                column = place.column + taken;
                width = taken;
            }
        }
        if let Some(tail) = tail {
            self.output.push('|');
            if tail.is_text() && self.page.fits(tail.length + 1, column, place.last + 1, width) {
                self.flat(tail);
            } else {
                self.new_line(place.indent);
                self.item(tail, place.with_last(place.last + 1).with_width(0));
            }
        }
    }

    /// An element at the start of its list or of a line. Returns how much of the line it takes: all of it, unless it is
    /// text that fits.
    fn element(&mut self, item: &Item, place: Place) -> usize {
        if item.is_text() && self.page.fits(item.length, place.column, place.last, place.width) {
            self.flat(item);
            item.length
        } else {
            self.item(item, place);
            self.page.line
        }
    }

    fn pairs(&mut self, pairs: &[Pair], place: Place) {
        let Some((first, rest)) = pairs.split_first() else {
            return;
        };
        let taken = self.pair(first, place.with_last(last_depth(!rest.is_empty(), place.last)));
        let (mut column, mut width) = (place.column + taken, taken);
        for (number, pair) in rest.iter().enumerate() {
            let last = last_depth(number + 1 < rest.len(), place.last);
            self.output.push(',');
            if pair.is_text() && self.page.fits_behind(pair.length, column, last, width) {
                self.flat_pair(pair);
                column += pair.length + 1;
                width += pair.length + 1;
            } else {
                self.new_line(place.indent);
                let taken = self.pair(pair, place.with_last(last).with_width(0));
                column = place.column + taken;
                width = taken;
            }
        }
    }

    /// An entry; if it does not fit, the value goes to the next line. Returns how much of the line it takes.
    fn pair(&mut self, pair: &Pair, place: Place) -> usize {
        if self.page.fits(pair.length, place.column, place.last, place.width) {
            self.flat_pair(pair);
            return if pair.is_text() { pair.length } else { self.page.line };
        }
        self.item(&pair.key, place);
        self.output.push_str(" =>");
        let value = place.right(value_indent(self.tag_indent));
        self.new_line(value.indent);
        self.item(&pair.value, value.with_width(0));
        self.page.line
    }

    /// A binary that is not text, as many bytes on a line as fit, but at least eight characters.
    fn binary(&mut self, segments: &[String], place: Place) {
        let room = self.page.line.saturating_sub(place.column);
        let rest_of_text = self.page.characters.saturating_sub(4 + place.width);
        let line = room.min(rest_of_text).saturating_sub(place.last).max(8);
        let mut left = line;
        self.output.push_str("<<");
        for (number, segment) in segments.iter().enumerate() {
            let is_last = number + 1 == segments.len();
            let length = segment.len() + usize::from(!is_last);
            if length > left {
                self.new_line(place.indent);
                left = line;
            }
            left = left.saturating_sub(length);
            self.output.push_str(segment);
            if !is_last {
                self.output.push(',');
            }
        }
        self.output.push_str(">>");
    }

    /// A part on one line.
    fn flat(&mut self, item: &Item) {
        match &item.shape {
            Shape::Text(text) => self.output.push_str(text),
            Shape::Binary(segments) => {
                self.output.push_str("<<");
                self.output.push_str(&segments.join(","));
                self.output.push_str(">>");
            }
            Shape::List(items, tail) => {
                self.output.push('[');
                self.flat_elements(items);
                if let Some(tail) = tail {
                    self.output.push('|');
                    self.flat(tail);
                }
                self.output.push(']');
            }
            Shape::Tuple(items) | Shape::Tagged(items) => {
                self.output.push('{');
                self.flat_elements(items);
                self.output.push('}');
            }
            Shape::Map(pairs) => {
                self.output.push_str("#{");
                for (number, pair) in pairs.iter().enumerate() {
                    if number > 0 {
                        self.output.push(',');
                    }
                    self.flat_pair(pair);
                }
                self.output.push('}');
            }
        }
    }

    fn flat_elements(&mut self, items: &[Item]) {
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.output.push(',');
            }
            self.flat(item);
        }
    }

    fn flat_pair(&mut self, pair: &Pair) {
        self.flat(&pair.key);
        self.output.push_str(" => ");
        self.flat(&pair.value);
    }

    fn new_line(&mut self, indent: usize) {
        self.output.push('\n');
        self.output.extend(std::iter::repeat_n(' ', indent));
    }
}

/// How far the value of a map entry is indented when it stands on a line of its own.
pub(super) fn value_indent(tag_indent: usize) -> usize {
    if tag_indent > 0 { tag_indent } else { 4 }
}
