//! Variables of the environment that a build depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Variables that are read without the bridge noticing, by programs that a build starts: shells, compilers, bundlers, the
/// virtual machine before it runs anything.
const ALWAYS: [&str; 15] = [
    "PATH",
    "HOME",
    "LANG",
    "TZ",
    "CC",
    "CXX",
    "AR",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "TARGET_ARCH",
    "SOURCE_DATE_EPOCH",
    "CI",
    "DEBUG",
];

/// Prefixes of the names of further variables of that kind.
const ALWAYS_WITH_PREFIX: [&str; 14] = [
    "MIX_",
    "HEX_",
    "REBAR",
    "ERL_",
    "ELIXIR_",
    "RELEASE_",
    "NODE_",
    "NPM_",
    "npm_",
    "LC_",
    "ASDF_",
    "MISE_",
    "BEAMSHIP_",
    "CARGO_",
];

/// Variables that differ from shell to shell and mean nothing to a build.
const NEVER: [&str; 4] = ["_", "PWD", "OLDPWD", "SHLVL"];

/// Which variables count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentScope {
    /// Those that the build has asked for.
    pub names: BTreeSet<String>,
    /// Whether it has asked for all of them.
    pub all: bool,
}

impl EnvironmentScope {
    fn contains(&self, name: &str) -> bool {
        !NEVER.contains(&name)
            && (self.all
                || self.names.contains(name)
                || ALWAYS.contains(&name)
                || ALWAYS_WITH_PREFIX.iter().any(|prefix| name.starts_with(prefix)))
    }
}

/// The variables that count, with digests of their values: they may be secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    scope: EnvironmentScope,
    digests: BTreeMap<String, String>,
}

impl Environment {
    /// Those of these variables that count.
    pub fn new(scope: EnvironmentScope, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let digests = variables
            .into_iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .filter(|(name, _)| scope.contains(name))
            .map(|(name, value)| {
                let digest = digest(&name, &value);
                (name, digest)
            })
            .collect();
        Self { scope, digests }
    }

    /// The first variable whose value differs there, or that is set on one side only.
    pub fn difference(&self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Option<String> {
        let now = Self::new(self.scope.clone(), variables);
        let names: BTreeSet<_> = self.digests.keys().chain(now.digests.keys()).collect();
        names.into_iter().find(|name| self.digests.get(*name) != now.digests.get(*name)).cloned()
    }
}

fn digest(name: &str, value: &OsStr) -> String {
    // With the name, so that the digests do not tell that two variables have the same value.
    let digest = Sha256::new().chain_update(name).chain_update([0]).chain_update(value.as_bytes()).finalize();
    HEXLOWER.encode(&digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn what_was_asked_for_counts_and_other_things_do_not() {
        let scope = EnvironmentScope { names: ["SHOP_THEME".to_owned()].into(), all: false };
        let before =
            Environment::new(scope, variables(&[("PATH", "/bin"), ("SHOP_THEME", "red"), ("EDITOR", "vi")]));
        let difference = |pairs: &[(&str, &str)]| before.difference(variables(pairs));
        assert_eq!(difference(&[("PATH", "/bin"), ("SHOP_THEME", "red"), ("EDITOR", "ed")]), None);
        assert_eq!(difference(&[("PATH", "/bin"), ("SHOP_THEME", "blue")]).as_deref(), Some("SHOP_THEME"));
        assert_eq!(difference(&[("PATH", "/bin")]).as_deref(), Some("SHOP_THEME"));
        assert_eq!(
            difference(&[("PATH", "/bin"), ("SHOP_THEME", "red"), ("MIX_TARGET", "rpi")]).as_deref(),
            Some("MIX_TARGET")
        );
    }

    #[test]
    fn everything_counts_where_everything_was_asked_for() {
        let scope = EnvironmentScope { names: BTreeSet::new(), all: true };
        let before = Environment::new(scope, variables(&[("EDITOR", "vi"), ("PWD", "/a")]));
        assert_eq!(before.difference(variables(&[("EDITOR", "ed")])).as_deref(), Some("EDITOR"));
        assert_eq!(before.difference(variables(&[("EDITOR", "vi"), ("PWD", "/b")])), None);
    }

    #[test]
    fn a_record_does_not_hold_the_values() {
        let environment =
            Environment::new(EnvironmentScope::default(), variables(&[("RELEASE_COOKIE", "a-secret")]));
        assert!(!serde_json::to_string(&environment).unwrap().contains("a-secret"));
    }
}
