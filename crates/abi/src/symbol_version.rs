//! Symbol versions: `GLIBC_2.34`, `GLIBCXX_3.4.30`, `OPENSSL_3.0.0`.

use std::cmp::Ordering;
use std::fmt;

use serde::{Serialize, Serializer};

/// The name of a symbol version. Names of one family that end in numbers have an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SymbolVersion(String);

impl SymbolVersion {
    /// A version with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is in front of the numbers: `GLIBC` of `GLIBC_2.34`; the whole name where no numbers follow.
    pub fn family(&self) -> &str {
        self.split().map_or(&self.0, |(family, _)| family)
    }

    /// The numbers: `[2, 34]` of `GLIBC_2.34`.
    fn numbers(&self) -> Option<Vec<u64>> {
        self.split()?.1.split('.').map(|number| number.parse().ok()).collect()
    }

    fn split(&self) -> Option<(&str, &str)> {
        let (family, numbers) = self.0.rsplit_once('_')?;
        let is_number = |number: &str| {
            !number.is_empty() && number.len() < 10 && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        numbers.split('.').all(is_number).then_some((family, numbers))
    }

    /// Whether this one of the same family came later.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        match (self.numbers(), other.numbers()) {
            (Some(own), Some(others)) => self.family() == other.family() && own > others,
            _ => false,
        }
    }
}

impl Ord for SymbolVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        // Names without numbers, whose family is the whole name, come first among equals.
        (self.family(), self.numbers(), &self.0).cmp(&(other.family(), other.numbers(), &other.0))
    }
}

impl PartialOrd for SymbolVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SymbolVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for SymbolVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The newest version of each family, in the order of the families. Families without an order are left out.
pub(crate) fn newest<'a>(versions: impl IntoIterator<Item = &'a SymbolVersion>) -> Vec<SymbolVersion> {
    let mut sorted: Vec<_> = versions.into_iter().filter(|version| version.split().is_some()).collect();
    sorted.sort();
    let mut newest: Vec<SymbolVersion> = Vec::new();
    for version in sorted {
        match newest.last_mut() {
            Some(last) if last.family() == version.family() => *last = version.clone(),
            _ => newest.push(version.clone()),
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let version = SymbolVersion::new;
        assert!(version("GLIBC_2.34").is_newer_than(&version("GLIBC_2.4")));
        assert!(version("GLIBC_2.2.5").is_newer_than(&version("GLIBC_2.2")));
        assert!(!version("GLIBC_2.34").is_newer_than(&version("GLIBC_2.34")));
        assert!(!version("GLIBCXX_3.4").is_newer_than(&version("GLIBC_2.34")));
        assert!(!version("GLIBC_PRIVATE").is_newer_than(&version("GLIBC_2.34")));
        assert_eq!(version("GLIBC_ABI_DT_RELR").family(), "GLIBC_ABI_DT_RELR");
        assert_eq!(version("OPENSSL_3.0.0").family(), "OPENSSL");
        assert_eq!(version("GLIBC_2.99999999999999999999").family(), "GLIBC_2.99999999999999999999");
    }

    #[test]
    fn the_newest_of_each_family_is_found() {
        let names =
            ["GLIBC_2.4", "GLIBC_2.34", "GLIBC_PRIVATE", "GLIBC_2.2.5", "GCC_3.0", "GLIBC_ABI_DT_RELR"];
        let versions: Vec<_> = names.into_iter().map(SymbolVersion::new).collect();
        let found: Vec<_> = newest(&versions).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["GCC_3.0", "GLIBC_2.34"]);
    }

    proptest! {
        #[test]
        fn the_order_is_one(a in "[A-C_]{0,4}[0-9.]{0,4}", b in "[A-C_]{0,4}[0-9.]{0,4}", c in "[A-C_]{0,4}[0-9.]{0,4}") {
            let (a, b, c) = (SymbolVersion::new(a), SymbolVersion::new(b), SymbolVersion::new(c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
