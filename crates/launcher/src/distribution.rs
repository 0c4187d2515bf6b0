//! `RELEASE_DISTRIBUTION` and `RELEASE_MODE`: a wrong value is an error, never a start without what was asked for.

use crate::environment::Environment;
use crate::failure::Failure;
use crate::random::random;

/// The mode that a release with a boot profile has by default.
pub(crate) const FAST: &str = "fast";

/// How the node takes part in a distributed system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Distribution {
    /// It does not.
    None,
    /// `-sname NODE`: reachable by the short name of its host.
    Short(String),
    /// `-name NODE`: reachable by the full name of its host.
    Long(String),
}

impl Distribution {
    /// What the environment asks for.
    pub(crate) fn from_environment(environment: &Environment) -> Result<Self, Failure> {
        let node = || environment.text("RELEASE_NODE").map(str::to_owned);
        match environment.text("RELEASE_DISTRIBUTION")? {
            "none" => Ok(Self::None),
            "sname" => Ok(Self::Short(node()?)),
            "name" => Ok(Self::Long(node()?)),
            other => Err(Failure::new(format!("RELEASE_DISTRIBUTION is `{other}`"))
                .hint("it has to be `sname`, `name` or `none`")),
        }
    }

    /// The same for a node that talks to this one and goes again.
    pub(crate) fn temporary(self, prefix: &str) -> Result<Self, Failure> {
        let random = random()?;
        let name = |node: String| format!("{prefix}-{}-{node}", random.get(..4).unwrap_or_default());
        Ok(match self {
            Self::None => Self::None,
            Self::Short(node) => Self::Short(name(node)),
            Self::Long(node) => Self::Long(name(node)),
        })
    }

    /// The arguments of the virtual machine.
    pub(crate) fn arguments(&self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Short(node) => vec!["-sname".to_owned(), node.clone()],
            Self::Long(node) => vec!["-name".to_owned(), node.clone()],
        }
    }
}

/// When code is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All of it at the start.
    Embedded,
    /// When it is first called.
    Interactive,
    /// What a start uses at once, and the rest when the system runs (`start_fast.boot`).
    Fast,
}

impl Mode {
    /// The value of the virtual machine's `-mode`.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Interactive | Self::Fast => "interactive",
        }
    }
}

/// `RELEASE_MODE`.
pub(crate) fn mode(environment: &Environment) -> Result<Mode, Failure> {
    match environment.text("RELEASE_MODE")? {
        "embedded" => Ok(Mode::Embedded),
        "interactive" => Ok(Mode::Interactive),
        FAST => Ok(Mode::Fast),
        other => Err(Failure::new(format!("RELEASE_MODE is `{other}`")).hint(
            "it has to be `embedded` (all code is loaded at start), `interactive` (when it is first used) or `fast` (what a start uses at once, the rest when the system runs)",
        )),
    }
}
