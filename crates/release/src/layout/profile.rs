//! The record of a start, `rel/boot.profile`: which modules it uses, one per line.
//!
//! `beamship profile-boot` writes it, and it is committed with the project. One that is out of date costs time and nothing
//! else. One that says nothing at all about the project, because it is damaged or another project's, is not believed.

use std::collections::BTreeSet;

use super::start_modules::USUAL;

/// The name of the file, which `beamship profile-boot` writes.
pub const PROFILE: &str = "boot.profile";

/// Whether a start runs code of the project itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnCode {
    /// One of its applications has a callback module, which every start calls.
    Runs,
    /// None has: it may be a library.
    MayNotRun,
}

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

    /// Reads one. Any text can be read: a line that is not the name of a module names nothing.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self { names: lines.map(str::to_owned).collect() }
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether it is damaged or of another project: it names none of the modules of the project and its dependencies, although
    /// a start runs one of them, or although it does not name what every start uses of Erlang either.
    pub fn is_foreign<'m>(&self, mut modules: impl Iterator<Item = &'m str>, own_code: OwnCode) -> bool {
        let is_record = USUAL.lines().any(|module| self.names.contains(module));
        (own_code == OwnCode::Runs || !is_record) && !modules.any(|module| self.names.contains(module))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_another_project_is_known_by_what_it_does_not_name() {
        let is_foreign = |text: &str, own_code: OwnCode| {
            Profile::parse(text.as_bytes()).is_foreign(["Elixir.Demo", "demo"].into_iter(), own_code)
        };
        let others = "# comment\nElixir.Shop\napplication_controller\nlists\n";
        assert!(is_foreign(others, OwnCode::Runs));
        // A library of which nothing runs at the start.
        assert!(!is_foreign(others, OwnCode::MayNotRun));
        for damaged in ["", "\n# demo\n", "\u{fffd}\u{0}\n", "Elixir.Demo.Gone\n"] {
            for own_code in [OwnCode::Runs, OwnCode::MayNotRun] {
                assert!(is_foreign(damaged, own_code), "{damaged:?}");
            }
        }
        // What is left of one that is out of date.
        assert!(!is_foreign("Elixir.Demo.Gone\n  demo\r\n", OwnCode::Runs));
    }

    #[test]
    fn bytes_that_are_not_text_name_nothing() {
        assert_eq!(Profile::parse(b"\xff\xfe\n\nlists\n").names().last(), Some("\u{fffd}\u{fffd}"));
        assert_eq!(Profile::parse(b"#\n\n"), Profile::default());
    }
}
