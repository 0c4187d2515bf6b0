//! How an application takes part in a boot.

use std::fmt;

use etf::Atom;

/// The mode of an application in a boot list; see `Mix.Release.mode/0` and `application:start/2`.
///
/// The order is the order of strength: an application that is reached in several ways gets the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Only its code is part of the release.
    None,
    /// It is loaded, not started.
    Load,
    /// It is started; its end is reported and nothing else.
    Temporary,
    /// It is started; its abnormal end stops the system.
    Transient,
    /// It is started; its end stops the system.
    Permanent,
}

impl Mode {
    /// All modes in the order in which messages list them.
    pub const ALL: [Self; 5] = [Self::Permanent, Self::Temporary, Self::Transient, Self::Load, Self::None];

    /// The mode with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Its name, as Erlang writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Load => "load",
            Self::Temporary => "temporary",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
        }
    }

    /// Its name as an atom.
    pub fn atom(self) -> Atom {
        Atom::new(self.name())
    }

    /// Whether the application is started.
    pub fn starts(self) -> bool {
        self >= Self::Temporary
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
