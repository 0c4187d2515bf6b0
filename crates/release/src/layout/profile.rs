//! The record of a start, `rel/boot.profile`: which modules it uses, one in a line.
//!
//! `beamship profile-boot` writes it, and it is committed with the project. One that is out of date costs time and nothing
//! else. One that says nothing at all about the project, because it is damaged or another project's, is not believed.

use std::collections::BTreeSet;

use super::start_modules::USUAL;

/// Which modules a start uses, one in a line; `beamship profile-boot` writes it.
pub const PROFILE: &str = "boot.profile";

/// The names in a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    names: BTreeSet<String>,
}

impl Profile {
    /// What is wrong with one that is foreign, behind its path.
    pub const FOREIGN: &str =
        "names no module of this project or of its dependencies: which modules a start uses is guessed";

    /// What to do about it.
    pub const REMEDY: &str = "`beamship profile-boot` records it anew";

    /// Reads one. There is no text that is none: what is no name of a module names nothing.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self { names: lines.map(str::to_owned).collect() }
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether it is damaged or of another project: it names none of the modules of the project and its dependencies, though
    /// a start calls one of them (`calls_one`), or though it does not name what every start uses of Erlang either.
    pub fn is_foreign<'m>(&self, mut modules: impl Iterator<Item = &'m str>, calls_one: bool) -> bool {
        let is_record = USUAL.lines().any(|module| self.names.contains(module));
        (calls_one || !is_record) && !modules.any(|module| self.names.contains(module))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_another_project_is_known_by_what_it_does_not_name() {
        let is_foreign = |text: &str, calls_one: bool| {
            Profile::parse(text.as_bytes()).is_foreign(["Elixir.Demo", "demo"].into_iter(), calls_one)
        };
        let others = "# comment\nElixir.Shop\napplication_controller\nlists\n";
        assert!(is_foreign(others, true));
        // A library of which nothing runs at the start.
        assert!(!is_foreign(others, false));
        for damaged in ["", "\n# demo\n", "\u{fffd}\u{0}\n", "Elixir.Demo.Gone\n"] {
            assert!(is_foreign(damaged, true) && is_foreign(damaged, false), "{damaged:?}");
        }
        // What is left of one that is out of date.
        assert!(!is_foreign("Elixir.Demo.Gone\n  demo\r\n", true));
    }

    #[test]
    fn bytes_that_are_no_text_name_nothing() {
        assert_eq!(Profile::parse(b"\xff\xfe\n\nlists\n").names().last(), Some("\u{fffd}\u{fffd}"));
        assert_eq!(Profile::parse(b"#\n\n"), Profile::default());
    }
}
