//! `RELEASE_DISTRIBUTION` and `RELEASE_MODE`: a wrong value is an error, never a start with another one.

use contract::Mode;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::random::random;

/// The value of `RELEASE_DISTRIBUTION` for a system that takes no part in any.
const NONE: &str = "none";

/// The characters of an atom, which the whole name is.
const LONGEST_NAME: usize = 255;

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
        let node = |is_short| {
            let node = environment.text("RELEASE_NODE")?;
            check_name(node, is_short)?;
            Ok(node.to_owned())
        };
        match environment.text("RELEASE_DISTRIBUTION")? {
            NONE => Ok(Self::None),
            "sname" => Ok(Self::Short(node(true)?)),
            "name" => Ok(Self::Long(node(false)?)),
            other => Err(Failure::new(format!("RELEASE_DISTRIBUTION is `{other}`"))
                .hint("it has to be `sname`, `name` or `none`")),
        }
    }

    /// The same for a temporary node that connects to this one.
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

/// Whether the system has no name of its own: without distribution there may be any number of them.
pub(crate) fn is_none(environment: &Environment) -> bool {
    environment.get("RELEASE_DISTRIBUTION") == NONE
}

/// Whether kernel accepts a name (`net_kernel:create_name/3`); the system would end in a crash dump.
fn check_name(node: &str, is_short: bool) -> Result<(), Failure> {
    let wrong = |remedy: &str| Err(Failure::new(format!("RELEASE_NODE is `{node}`")).hint(remedy));
    let (name, host) = node.split_once('@').unwrap_or((node, ""));
    let is_named = !name.is_empty()
        && name.chars().all(|character| character.is_ascii_alphanumeric() || "_-".contains(character));
    if !is_named {
        return wrong("the name of a node has letters, digits, `_` and `-`; behind `@` its host may follow");
    }
    if is_short && host.contains('.') {
        return wrong("the host of a short name has no dots: set RELEASE_DISTRIBUTION=name for this one");
    }
    if !host.chars().all(|character| ('!'..='\u{ff}').contains(&character) && character != '@') {
        return wrong("the host part of a node name must be printable Latin-1 without `@`");
    }
    if node.chars().count() > LONGEST_NAME {
        return wrong("the name of a node has at most 255 characters");
    }
    Ok(())
}

/// `RELEASE_MODE`.
pub(crate) fn mode(environment: &Environment) -> Result<Mode, Failure> {
    let text = environment.text("RELEASE_MODE")?;
    Mode::parse(text).ok_or_else(|| {
        Failure::new(format!("RELEASE_MODE is `{text}`")).hint(format!("it has to be {}", Mode::CHOICES))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kernel() {
        for (node, is_short) in
            [("demo", true), ("a_b-1@host", true), ("demo@10.0.0.1", false), ("demo@fd00::1", false)]
        {
            assert_eq!(check_name(node, is_short), Ok(()), "{node}");
        }
        for (node, is_short) in [
            ("", true),
            ("de mo", true),
            ("démo", false),
            ("@host", true),
            ("a.b", true),
            ("demo@10.0.0.1", true),
            ("demo@a b", false),
            ("demo@a@b", false),
            (&"a".repeat(256), true),
        ] {
            assert!(check_name(node, is_short).is_err(), "{node}");
        }
    }
}
