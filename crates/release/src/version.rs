//! Versions, as far as the model has to compare them.

use std::cmp::Ordering;

/// Major and minor version of Elixir: all that behaviour depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ElixirVersion {
    major: u32,
    minor: u32,
}

impl ElixirVersion {
    /// Takes the first two numbers of a version; anything that is not a number counts as 0.
    pub(crate) fn parse(version: &str) -> Self {
        let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
        Self { major: numbers.next().unwrap_or(0), minor: numbers.next().unwrap_or(0) }
    }

    /// Whether it is this version or a newer one.
    pub(crate) fn at_least(self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }
}

/// Compares versions of OTP applications part by part, as numbers where both parts are numbers.
pub(crate) fn compare_versions(left: &str, right: &str) -> Ordering {
    let separators = ['.', '-', '_', '+'];
    let mut left = left.split(separators);
    let mut right = right.split(separators);
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(other)) => match (one.parse::<u64>(), other.parse::<u64>()) {
                (Ok(one), Ok(other)) => one.cmp(&other),
                _ => one.cmp(other),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers() {
        assert_eq!(compare_versions("10.0", "9.2"), Ordering::Greater);
        assert_eq!(compare_versions("4.2", "4.2.1"), Ordering::Less);
        assert_eq!(compare_versions("5.3.4.1", "5.3.4.1"), Ordering::Equal);
    }

    #[test]
    fn elixir_versions_compare_by_minor() {
        assert!(ElixirVersion::parse("1.18.3").at_least(1, 18));
        assert!(!ElixirVersion::parse("1.9.4").at_least(1, 16));
        assert!(ElixirVersion::parse("2.0.0-dev").at_least(1, 20));
    }
}
