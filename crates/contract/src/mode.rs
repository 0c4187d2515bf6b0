//! `RELEASE_MODE`: when a system loads its code.

/// When code is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All of it at the start.
    Embedded,
    /// When it is first called.
    Interactive,
    /// What a start uses at once, and the rest when the system runs ([`crate::FAST_BOOT_FILE`]).
    Fast,
}

impl Mode {
    /// All of them, for people.
    pub const CHOICES: &str = "`embedded` (all code is loaded at start), `interactive` (when it is first used) or `fast` (what a start uses at once, the rest when the system runs)";

    /// Where nobody has set it.
    pub fn unset(has_fast_boot: bool) -> Self {
        if has_fast_boot { Self::Fast } else { Self::Embedded }
    }

    /// From the value of `RELEASE_MODE`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Embedded, Self::Interactive, Self::Fast].into_iter().find(|mode| mode.as_str() == text)
    }

    /// The value of `RELEASE_MODE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Interactive => "interactive",
            Self::Fast => "fast",
        }
    }

    /// The value of the virtual machine's `-mode`, which knows no fast start: that is a boot script of its own.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Embedded => Self::Embedded.as_str(),
            Self::Interactive | Self::Fast => Self::Interactive.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_has_a_name_and_one_that_the_virtual_machine_knows() {
        for (name, flag) in
            [("embedded", "embedded"), ("interactive", "interactive"), ("fast", "interactive")]
        {
            let mode = Mode::parse(name).unwrap();
            assert_eq!((mode.as_str(), mode.flag()), (name, flag));
            assert!(Mode::CHOICES.contains(&format!("`{name}`")));
        }
        assert_eq!(Mode::parse("Fast"), None);
        assert_eq!((Mode::unset(true), Mode::unset(false)), (Mode::Fast, Mode::Embedded));
    }
}
