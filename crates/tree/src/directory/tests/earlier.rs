//! Files of the earlier release that need not be made again.

use std::os::unix::fs::MetadataExt;

use super::*;

/// Says of some paths that they are the same.
struct Knows(&'static [&'static str]);

impl Earlier for Knows {
    fn size_if_same(&self, path: &TreePath, _mode: u32, _content: &Content) -> Option<u64> {
        self.0.contains(&path.as_str()).then_some(1)
    }
}

fn inode(place: &Place, name: &str) -> u64 {
    fs::metadata(place.target.join(name)).unwrap().ino()
}

#[test]
fn they_are_linked_and_the_others_are_written() {
    let place = place();
    write(&tree(&[("a.beam", "1"), ("b.beam", "1")]), &place.target, &options(), &()).unwrap();
    let before = (inode(&place, "a.beam"), inode(&place, "b.beam"));
    let earlier = Knows(&["a.beam", "new.beam"]);
    let options = DirectoryOptions { earlier: Some(&earlier), ..options() };
    // What is said to be the same and is not there is written.
    let new = tree(&[("a.beam", "1"), ("b.beam", "2"), ("new.beam", "new")]);
    let written = write(&new, &place.target, &options, &()).unwrap();
    assert_eq!(inode(&place, "a.beam"), before.0);
    assert_ne!(inode(&place, "b.beam"), before.1);
    assert_eq!(fs::read_to_string(place.target.join("new.beam")).unwrap(), "new");
    assert_eq!(fs::metadata(place.target.join("a.beam")).unwrap().nlink(), 1);
    assert_eq!(written.files, new.entries().filter(|entry| matches!(entry.node, Node::File { .. })).count());
    assert_eq!(place.beside(), [] as [&str; 0]);
}

#[test]
fn steps_get_files_of_their_own() {
    let place = place();
    write(&tree(&[("a.beam", "1")]), &place.target, &options(), &()).unwrap();
    let before = inode(&place, "a.beam");
    let earlier = Knows(&["a.beam"]);
    let options = DirectoryOptions { earlier: Some(&earlier), ..options() };
    let steps = |_: &Published<'_>| Ok::<(), DirectoryError>(());
    write_then(&tree(&[("a.beam", "1")]), &place.target, &options, &(), steps).unwrap();
    assert_ne!(inode(&place, "a.beam"), before);
}
