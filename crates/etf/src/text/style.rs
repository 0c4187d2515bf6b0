//! What may differ in written text.

/// How text is written; the default is that of the newest OTP with an ordinary `erl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// Characters on a line; `~tp` has 80.
    pub line_length: usize,
    /// Which characters make a list a string: `io:printable_range/0`.
    pub printable: PrintableRange,
    /// Whether `maybe` and `else` are reserved words and have to be quoted (OTP 27 and newer).
    pub maybe_is_reserved: bool,
    /// Whether a binary is taken for text only if all characters up to the first invalid byte are printable (OTP 28 and
    /// newer), or whatever they are. It matters only for binaries that are not text at all.
    pub strict_binaries: bool,
}

/// Which characters count as printable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintableRange {
    /// Latin-1: `erl` by default.
    Latin1,
    /// All of Unicode: `erl +pc unicode`.
    Unicode,
}

impl Style {
    /// The style of this major release of OTP.
    pub fn for_otp(release: u32) -> Self {
        Self {
            line_length: 80,
            printable: PrintableRange::Latin1,
            maybe_is_reserved: release >= 27,
            strict_binaries: release >= 28,
        }
    }
}

impl Default for Style {
    fn default() -> Self {
        Self::for_otp(29)
    }
}

impl PrintableRange {
    /// Whether this code point is printable (`io_lib:printable_list/1`).
    pub(super) fn contains(self, code: u32) -> bool {
        match code {
            // \b \t \n \v \f \r \e and ASCII.
            0x08..=0x0d | 0x1b | 0x20..=0x7e | 0xa0..=0xff => true,
            0x100..=0xd7ff | 0xe000..=0xfffd | 0x1_0000..=0x10_ffff => self == Self::Unicode,
            _ => false,
        }
    }
}
