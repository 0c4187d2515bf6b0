//! The list of a release's own files.
//!
//! A release directory also collects what is not part of the release: run-time files in `tmp/`, logs, a database. The
//! manifest says which is which when the release is replaced. It is a text file with one path per line, sorted in the
//! order of the tree, directories included. A backslash is written as `\\` and a line break as `\n`.

use std::collections::HashSet;

use crate::Tree;

/// The manifest of a tree. The caller adds it to the tree as a file of its own; it need not list itself.
pub fn manifest_text(tree: &Tree) -> String {
    let mut text = String::new();
    for entry in tree.entries() {
        for character in entry.path.as_str().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('\n');
    }
    text
}

/// The paths of a manifest. A line that is damaged names no file, which then counts as somebody else's and is kept.
pub(crate) fn manifest_paths(bytes: &[u8]) -> HashSet<String> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .filter(|line| !line.is_empty())
        .filter_map(unescape)
        .collect()
}

fn unescape(line: &str) -> Option<String> {
    let mut path = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        path.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                _ => return None,
            },
            other => other,
        });
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, Node, TreePath};

    #[test]
    fn every_path_is_read_back() {
        let mut tree = Tree::new();
        for path in ["lib/a-1/ebin/a.beam", "bin/app", "odd/line\nbreak", "odd/back\\nslash"] {
            let content = Content::Bytes((*b"").into());
            tree.add(TreePath::new(path).unwrap(), Node::File { mode: 0o644, content }).unwrap();
        }
        let text = manifest_text(&tree);
        assert_eq!(
            text,
            "bin\nbin/app\nlib\nlib/a-1\nlib/a-1/ebin\nlib/a-1/ebin/a.beam\nodd\nodd/back\\\\nslash\nodd/line\\nbreak\n"
        );
        let paths: HashSet<String> = tree.entries().map(|entry| entry.path.to_string()).collect();
        assert_eq!(manifest_paths(text.as_bytes()), paths);
    }

    #[test]
    fn damaged_lines_name_nothing() {
        assert_eq!(
            manifest_paths(b"good\n\xff\nbad\\x\nbad\\\n\nlast"),
            HashSet::from(["good".into(), "last".into()])
        );
    }
}
