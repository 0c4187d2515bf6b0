//! Paths inside a tree.

use std::fmt;

/// A path inside a tree: relative, UTF-8, `/` between components, without `.`, `..`, empty components or NUL.
///
/// Its order is the order of the tree: component by component, so that a directory comes right before what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TreePath(String);

/// Why a text is not a valid path inside a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path inside a release: {reason}")]
pub struct PathError {
    /// The offending text.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl TreePath {
    /// Checks and takes a path.
    ///
    /// # Errors
    ///
    /// When it is empty, absolute, or has a component that is empty, `.`, `..` or holds a NUL byte.
    pub fn new(path: impl Into<String>) -> Result<Self, PathError> {
        let path = path.into();
        let reason = if path.is_empty() {
            "it is empty"
        } else if path.starts_with('/') {
            "it is absolute"
        } else if path.contains('\0') {
            "it holds a NUL byte"
        } else if path.split('/').any(str::is_empty) {
            "it has an empty component"
        } else if path.split('/').any(|component| component == "." || component == "..") {
            "it has a component `.` or `..`"
        } else {
            return Ok(Self(path));
        };
        Err(PathError { path, reason })
    }

    /// The text of the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory that holds it; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The components, outermost first.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TreePath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Component by component is the same as byte by byte with `/` before all others. Planning a release compares paths some
        // ten thousand times.
        let (left, right) = (self.0.as_bytes(), other.0.as_bytes());
        let common = left.iter().zip(right).take_while(|(left, right)| left == right).count();
        let rank = |bytes: &[u8]| bytes.get(common).map(|byte| if *byte == b'/' { 0 } else { *byte });
        rank(left).cmp(&rank(right))
    }
}

#[cfg(test)]
mod tests {
    use super::TreePath;

    #[test]
    fn the_order_is_that_of_the_components() {
        let texts = ["a", "a/b", "a.b", "a-b/c", "a/b/c", "a/b.c", "a\u{1}b", "ab", "b", "a/é", "a/é/b", "é"];
        let paths: Vec<TreePath> = texts.iter().map(|text| TreePath::new(*text).unwrap()).collect();
        for left in &paths {
            for right in &paths {
                assert_eq!(left.cmp(right), left.components().cmp(right.components()), "{left} {right}");
            }
        }
    }
}
