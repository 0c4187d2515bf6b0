//! Values that are wrong whatever the project is, so that nothing is built before that is said.

use camino::Utf8PathBuf;
use image::document::Platform;

/// What is wrong with a value. Behind it stands which one it is of which argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ValueError {
    /// A path that names nothing.
    #[error("the path is empty")]
    EmptyPath,
    /// A version that is none.
    #[error("the version is empty")]
    EmptyVersion,
    /// A version that cannot be part of a path, or ends early in `start_erl.data`.
    #[error("it becomes the name of a directory, which has neither white space nor `/` in it")]
    Version,
    /// What is no platform.
    #[error("it has to be like `linux/amd64`")]
    Platform,
}

/// A path that names something.
pub(super) fn path(text: &str) -> Result<Utf8PathBuf, ValueError> {
    if text.is_empty() { Err(ValueError::EmptyPath) } else { Ok(text.into()) }
}

/// A version, by the rule that one of the project has to follow as well (`describe.ex`).
pub(super) fn version(text: &str) -> Result<String, ValueError> {
    if text.is_empty() {
        return Err(ValueError::EmptyVersion);
    }
    // White space as Elixir's expressions have it: of ASCII.
    let is_wrong = |character: char| matches!(character, '/' | '\0' | ' ' | '\t'..='\r');
    if matches!(text, "." | "..") || text.contains(is_wrong) {
        return Err(ValueError::Version);
    }
    Ok(text.to_owned())
}

/// Operating system, architecture, and a variant of it where there are some.
pub(super) fn platform(text: &str) -> Result<Platform, ValueError> {
    let parts: Vec<&str> = text.split('/').collect();
    let (os, architecture, variant) = match parts.as_slice() {
        [os, architecture] => (os, architecture, None),
        [os, architecture, variant] => (os, architecture, Some(variant)),
        _ => return Err(ValueError::Platform),
    };
    if parts.contains(&"") {
        return Err(ValueError::Platform);
    }
    let owned = |part: &str| part.to_owned();
    Ok(Platform {
        os: owned(os),
        architecture: owned(architecture),
        variant: variant.map(|part| owned(part)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_has_two_or_three_parts() {
        assert_eq!(platform("linux/arm64"), Ok(Platform::linux("arm64")));
        assert_eq!(platform("linux/arm/v7").unwrap().to_string(), "linux/arm/v7");
        for wrong in ["", "foo", "linux/", "/amd64", "linux/arm/", "linux/arm/v7/x"] {
            assert_eq!(platform(wrong), Err(ValueError::Platform), "{wrong}");
        }
    }

    #[test]
    fn a_version_is_the_name_of_a_directory() {
        for right in ["1.0.0", "1.0.0-rc.1+b", "nächste", "..."] {
            assert_eq!(version(right).as_deref(), Ok(right));
        }
        for wrong in ["a/b", ".", "..", "1 0", "1\n", "1\u{b}"] {
            assert_eq!(version(wrong), Err(ValueError::Version), "{wrong:?}");
        }
        assert_eq!(version(""), Err(ValueError::EmptyVersion));
    }
}
