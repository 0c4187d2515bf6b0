//! A look at the native code of a planned release: is it all for one architecture?
//!
//! A NIF that was downloaded or compiled for another machine, or was left in `priv` by a build in a container, is not
//! noticed before the first start. Reading twenty bytes of each file notices it now. Libraries and symbol versions are
//! the business of `beamship check abi`.

use std::io::Read;

use abi::{HEADER_SIZE, Machine};
use camino::Utf8Path;
use tree::{Content, Node, Tree};

use crate::printer::Printer;

/// Warns of files for another architecture than that of the release's own programs.
pub(crate) fn warn_of_other_architectures(tree: &Tree, printer: &Printer) {
    for warning in other_architectures(tree) {
        printer.warn(&warning);
    }
}

fn other_architectures(tree: &Tree) -> Vec<String> {
    let files: Vec<_> = copied_files(tree).collect();
    let Some(own) = machine_of_release(&files, |path| path.starts_with("bin/")) else { return Vec::new() };
    let native = files.iter().filter(|(_, file)| !is_surely_not_native(file));
    let machines = native.filter_map(|(path, file)| Some((path, machine_of(file)?)));
    let others = machines.filter(|(_, machine)| *machine != own);
    let warning = |(path, machine): (&&str, Machine)| {
        format!(
            "`{path}` is for {machine}, the release is for {own}\nhint: build the dependency that it belongs to for {own}; `beamship check abi` looks closer"
        )
    };
    others.map(warning).collect()
}

/// The files of this machine that a tree has copies of, with their paths in the tree.
pub(crate) fn copied_files(tree: &Tree) -> impl Iterator<Item = (&str, &Utf8Path)> {
    tree.entries().filter_map(|entry| match entry.node {
        Node::File { content: Content::Copy(file), .. } => Some((entry.path.as_str(), file.as_path())),
        _ => None,
    })
}

/// The architecture of a release: that of its virtual machine, or of its launcher where it has none.
pub(crate) fn machine_of_release(
    files: &[(&str, &Utf8Path)],
    is_launcher: impl Fn(&str) -> bool,
) -> Option<Machine> {
    let first = |decides: &dyn Fn(&str) -> bool| {
        files.iter().filter(|(path, _)| decides(path)).find_map(|(_, file)| machine_of(file))
    };
    first(&|path| path.ends_with("/bin/beam.smp")).or_else(|| first(&is_launcher))
}

/// Modules and applications: most of a release, and never native code.
fn is_surely_not_native(file: &Utf8Path) -> bool {
    matches!(file.extension(), Some("beam" | "app" | "ex" | "erl" | "hrl" | "eex" | "heex"))
}

/// The architecture of a file; none when it is not an ELF file. One that cannot be read fails where it is copied.
pub(crate) fn machine_of(file: &Utf8Path) -> Option<Machine> {
    let mut header = Vec::with_capacity(HEADER_SIZE);
    fs_err::File::open(file).ok()?.take(HEADER_SIZE as u64).read_to_end(&mut header).ok()?;
    Machine::of_header(&header)
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use tree::TreePath;

    use super::*;

    #[test]
    fn the_virtual_machine_decides() {
        let directory = tempfile::tempdir().unwrap();
        let mut tree = Tree::new();
        let mut add = |path: &str, bytes: &[u8]| {
            let file = directory.path().join(path.replace('/', "-"));
            fs_err::write(&file, bytes).unwrap();
            let content = Content::Copy(Utf8PathBuf::from_path_buf(file).unwrap());
            tree.add(TreePath::new(path).unwrap(), Node::File { mode: 0o755, content }).unwrap();
        };
        let x86 = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0";
        let arm = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0";
        add("bin/demo", x86);
        add("erts-13.1/bin/beam.smp", arm);
        add("lib/demo-1/priv/nif.so", arm);
        add("lib/demo-1/priv/notes.txt", b"\x7fELF? no");
        add("lib/demo-1/priv/empty", b"");
        let warnings = other_architectures(&tree);
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].starts_with("`bin/demo` is for x86-64, the release is for aarch64\nhint: "),
            "{warnings:?}"
        );
    }
}
