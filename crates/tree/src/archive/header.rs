//! The headers of tar.
//!
//! The dialect is ustar (POSIX.1-1988) wherever an entry fits into it, a long path in two parts (`prefix` and `name`)
//! where that works, as `erl_tar` does. What does not fit is said in GNU's way: an entry of type `L` (path) or `K` (target
//! of a link) before it, whose content is the whole text, and numbers in base 256. GNU tar, bsdtar, busybox and `erl_tar`
//! all read that, whereas extended headers of pax were not known to busybox for most of its life and make bsdtar complain
//! about every character beyond ASCII when the locale is `C`. For the same reason such paths are simply UTF-8 in ustar's
//! fields: all four extractors create the files whose names have these bytes.
//!
//! Layouts: GNU tar's manual, "Basic Tar Format".

/// The unit of tar: headers have this size, content is padded to it.
pub(super) const RECORD: usize = 512;

/// What an archive ends with: two empty records.
pub(super) const END: [u8; 2 * RECORD] = [0; 2 * RECORD];

/// Permission bits, set-user-id and the like included.
const MODE_BITS: u32 = 0o7777;

/// Mode of links, which nobody looks at, as everybody writes it.
const LINK_MODE: u32 = 0o777;

/// The largest number in eleven octal digits.
const LARGEST_OCTAL: u64 = 0o777_7777_7777;

const NAME: usize = 100;
const LINK_NAME: std::ops::Range<usize> = 157..257;
const PREFIX: usize = 155;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind<'tree> {
    /// A directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A regular file.
    File {
        /// Permission bits.
        mode: u32,
        /// Its size in bytes.
        size: u64,
    },
    /// A symbolic link.
    Link {
        /// What it points to.
        target: &'tree str,
    },
}

/// Appends what stands before the content of an entry. `modified` is in seconds since 1970.
pub(super) fn append_header(archive: &mut Vec<u8>, path: &str, kind: Kind<'_>, modified: u64) {
    let (flag, mode, size, target) = match kind {
        Kind::Directory { mode } => (b'5', mode, 0, ""),
        Kind::File { mode, size } => (b'0', mode, size, ""),
        Kind::Link { target } => (b'2', LINK_MODE, 0, target),
    };
    let name = if flag == b'5' { format!("{path}/") } else { path.to_owned() };
    if target.len() > LINK_NAME.len() {
        append_long(archive, b'K', target);
    }
    // A prefix and a number in base 256 are of different dialects, which no header mixes.
    let is_posix = size <= LARGEST_OCTAL && modified <= LARGEST_OCTAL;
    let (prefix, short) = match split(&name) {
        Some(parts) if is_posix || parts.0.is_empty() => parts,
        _ => {
            append_long(archive, b'L', &name);
            ("", name.as_str())
        }
    };
    archive.extend_from_slice(&header(prefix, short, flag, mode, size, modified, target));
}

/// Fills the last record of a content.
pub(super) fn append_padding(archive: &mut Vec<u8>, size: u64) {
    let record = RECORD as u64;
    let padding = (record - size % record) % record;
    archive.resize(archive.len() + padding as usize, 0);
}

/// An entry whose content is a text that does not fit into the header of the next one.
fn append_long(archive: &mut Vec<u8>, flag: u8, text: &str) {
    let size = text.len() as u64 + 1;
    archive.extend_from_slice(&header("", "././@LongLink", flag, 0o644, size, 0, ""));
    archive.extend_from_slice(text.as_bytes());
    archive.push(0);
    append_padding(archive, size);
}

/// A name as prefix and rest, where that is possible. The prefix is empty when the name is short enough.
fn split(name: &str) -> Option<(&str, &str)> {
    if name.len() <= NAME {
        return Some(("", name));
    }
    // The slash between the parts is not stored; what ends a directory's name is not a place to split.
    let earliest = name.len() - NAME - 1;
    let slash = earliest + name.as_bytes()[earliest..name.len() - 1].iter().position(|byte| *byte == b'/')?;
    (1..=PREFIX).contains(&slash).then(|| (&name[..slash], &name[slash + 1..]))
}

fn header(
    prefix: &str,
    name: &str,
    flag: u8,
    mode: u32,
    size: u64,
    modified: u64,
    target: &str,
) -> [u8; RECORD] {
    let mut header = [0; RECORD];
    put_text(&mut header[..NAME], name);
    put_number(&mut header[100..108], u64::from(mode & MODE_BITS));
    put_number(&mut header[108..116], 0);
    put_number(&mut header[116..124], 0);
    put_number(&mut header[124..136], size);
    put_number(&mut header[136..148], modified);
    header[156] = flag;
    put_text(&mut header[LINK_NAME], target);
    let is_gnu = matches!(flag, b'L' | b'K') || size > LARGEST_OCTAL || modified > LARGEST_OCTAL;
    header[257..265].copy_from_slice(if is_gnu { b"ustar  \0" } else { b"ustar\x0000" });
    put_text(&mut header[345..345 + PREFIX], prefix);
    // The sum counts its own field as spaces.
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

/// A text, cut where the field ends: then the whole of it stands in an entry before.
fn put_text(field: &mut [u8], text: &str) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}

/// A number in octal digits and a NUL, or, in a field of twelve bytes, in base 256 where it is too large for that.
fn put_number(field: &mut [u8], number: u64) {
    let digits = field.len() - 1;
    if digits == 11 && number > LARGEST_OCTAL {
        field.fill(0);
        field[0] = 0x80;
        field[4..].copy_from_slice(&number.to_be_bytes());
    } else {
        field.copy_from_slice(format!("{number:0digits$o}\0").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(path: &str, kind: Kind<'_>, modified: u64) -> Vec<u8> {
        let mut archive = Vec::new();
        append_header(&mut archive, path, kind, modified);
        assert_eq!(archive.len() % RECORD, 0);
        archive
    }

    #[test]
    fn long_paths_are_split_where_that_is_possible() {
        let split_lengths = |name: &str| split(name).map(|(prefix, rest)| (prefix.len(), rest.len()));
        let text = |length| "x".repeat(length);
        let cases = [
            (text(100), Some((0, 100))),
            (text(101), None),
            (text(155) + "/" + &text(100), Some((155, 100))),
            (text(156) + "/" + &text(100), None),
            (text(155) + "/" + &text(101), None),
            // As much as possible in the name, as little as needed in the prefix.
            (text(20) + "/" + &text(30) + "/" + &text(60), Some((20, 91))),
            // Directories keep the slash at their end.
            (text(99) + "/", Some((0, 100))),
            (text(100) + "/", None),
            (text(10) + "/" + &text(99) + "/", Some((10, 100))),
            (text(10) + "/" + &text(100) + "/", None),
        ];
        for (name, expected) in cases {
            assert_eq!(split_lengths(&name), expected, "{name}");
        }
    }

    #[test]
    fn a_header_is_that_of_ustar() {
        let header = appended("bin/app", Kind::File { mode: 0o100_755, size: 8 }, 1_700_000_000);
        let mut expected = vec![0; RECORD];
        expected[..7].copy_from_slice(b"bin/app");
        let numbers = b"0000755\x000000000\x000000000\x0000000000010\x0014524770400\x00007254\0 0";
        expected[100..157].copy_from_slice(numbers);
        expected[257..265].copy_from_slice(b"ustar\x0000");
        assert_eq!(header, expected);
    }

    #[test]
    fn what_does_not_fit_is_said_before() {
        let path = "é".repeat(51);
        let archive = appended(&path, Kind::Link { target: &path }, 0);
        assert_eq!(archive.len(), 5 * RECORD);
        let kinds: Vec<_> = archive.chunks(RECORD).map(|record| record[156]).collect();
        assert_eq!((kinds[0], kinds[2], kinds[4]), (b'K', b'L', b'2'));
        assert_eq!(archive[RECORD..][..103], *format!("{path}\0").as_bytes());
    }

    #[test]
    fn large_numbers_are_in_base_256() {
        let file = |size| Kind::File { mode: 0o644, size };
        assert_eq!(appended("a", file(LARGEST_OCTAL), 0)[124..136], *b"77777777777\0");
        let header = appended("a", file(LARGEST_OCTAL + 1), u64::MAX);
        assert_eq!(header[124..136], [0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
        assert_eq!(header[136..148], [0x80, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(header[257..265], *b"ustar  \0");
        // That dialect has no prefix.
        let long = "x".repeat(60) + "/" + &"x".repeat(60);
        assert_eq!(appended(&long, file(LARGEST_OCTAL + 1), 0).len(), 3 * RECORD);
        assert_eq!(appended(&long, file(1), 0).len(), RECORD);
    }
}
