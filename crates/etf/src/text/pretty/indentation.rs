//! How far tagged tuples are indented (`io_lib_pretty:cind`).
//!
//! The same walk as in [`layout`](super::layout), which writes nothing and only looks whether something gets too far to
//! the right. It is not quite the same walk in OTP: the places where the two differ are marked.

use super::layout::value_indent;
use super::measure::{Item, Pair, Shape};
use super::{Page, last_depth};

/// Something would begin too far to the right.
struct TooFar;

type Attempt<T> = Result<T, TooFar>;

/// The indentation of everything under a tag: 0 for "after the tag, however long it is".
pub(super) fn indentation(item: &Item, page: &Page) -> usize {
    [0, 4].into_iter().find(|indent| Trial { page, indent: *indent }.item(item, 1, 0, 0).is_ok()).unwrap_or(1)
}

struct Trial<'a> {
    page: &'a Page,
    indent: usize,
}

impl Trial<'_> {
    fn item(&self, item: &Item, column: usize, last: usize, width: usize) -> Attempt<()> {
        if self.page.fits(item.length, column, last, width) {
            return Ok(());
        }
        match &item.shape {
            Shape::Text(_) | Shape::Binary(_) => Ok(()),
            Shape::List(items, tail) => self.elements(items, tail.as_deref(), column + 1, last, width + 1),
            Shape::Tuple(items) => self.elements(items, None, column + 1, last, width + 1),
            Shape::Tagged(items) => self.tagged(items, column, last, width + 1),
            // The layout counts one character here.
            Shape::Map(pairs) => self.pairs(pairs, column + 2, last, width + 2),
        }
    }

    fn tagged(&self, items: &[Item], column: usize, last: usize, width: usize) -> Attempt<()> {
        let Some((tag, rest)) = items.split_first() else {
            return Ok(());
        };
        let Page { line, characters } = *self.page;
        let beside = tag.length + 2;
        let beside_column = column + beside;
        if self.indent > 0 && beside > self.indent {
            let under_column = column + self.indent;
            if characters + under_column > line && under_column > line / 2 {
                return Err(TooFar);
            }
            return self.tail(rest, None, under_column, beside_column, last, width + tag.length);
        }
        if characters + beside_column >= line && beside_column >= line / 2 {
            return Err(TooFar);
        }
        self.elements(rest, None, beside_column, last, width + tag.length + 1)
    }

    fn elements(
        &self,
        items: &[Item],
        tail: Option<&Item>,
        column: usize,
        last: usize,
        width: usize,
    ) -> Attempt<()> {
        let Some((first, rest)) = items.split_first() else {
            return Ok(());
        };
        let taken = self.element(first, column, last_depth(!rest.is_empty(), last), width)?;
        self.tail(rest, tail, column, column + taken, last, width + taken)
    }

    fn tail(
        &self,
        items: &[Item],
        tail: Option<&Item>,
        start: usize,
        column: usize,
        last: usize,
        width: usize,
    ) -> Attempt<()> {
        let (mut column, mut width) = (column, width);
        for (number, item) in items.iter().enumerate() {
            let last = last_depth(number + 1 < items.len(), last);
            if item.is_text() && self.page.fits_behind(item.length, column, last, width) {
                column += item.length + 1;
                width += item.length + 1;
            } else {
                let taken = self.element(item, start, last, 0)?;
                column = start + taken;
                width = taken;
            }
        }
        match tail {
            Some(tail) if tail.is_text() && self.page.fits(tail.length + 1, column, last + 1, width) => {
                Ok(())
            }
            // The layout begins a new line here.
            Some(tail) => self.item(tail, column, last + 1, 0),
            None => Ok(()),
        }
    }

    fn element(&self, item: &Item, column: usize, last: usize, width: usize) -> Attempt<usize> {
        if item.is_text() && self.page.fits(item.length, column, last, width) {
            return Ok(item.length);
        }
        self.item(item, column, last, width)?;
        Ok(self.page.line)
    }

    fn pairs(&self, pairs: &[Pair], start: usize, last: usize, width: usize) -> Attempt<()> {
        let Some((first, rest)) = pairs.split_first() else {
            return Ok(());
        };
        let taken = self.pair(first, start, last_depth(!rest.is_empty(), last), width)?;
        // The layout forgets the width here.
        let (mut column, mut width) = (start + taken, width + taken);
        for (number, pair) in rest.iter().enumerate() {
            let last = last_depth(number + 1 < rest.len(), last);
            if pair.is_text() && self.page.fits_behind(pair.length, column, last, width) {
                column += pair.length + 1;
                width += pair.length + 1;
            } else {
                let taken = self.pair(pair, start, last, 0)?;
                column = start + taken;
                width = taken;
            }
        }
        Ok(())
    }

    fn pair(&self, pair: &Pair, column: usize, last: usize, width: usize) -> Attempt<usize> {
        if self.page.fits(pair.length, column, last, width) {
            return Ok(if pair.is_text() { pair.length } else { self.page.line });
        }
        self.item(&pair.key, column, last, width)?;
        self.item(&pair.value, column + value_indent(self.indent), last, 0)?;
        Ok(self.page.line)
    }
}
