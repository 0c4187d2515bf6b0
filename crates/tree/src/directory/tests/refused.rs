//! Targets that are left alone, and systems that refuse.

use std::process::Command;

use super::*;

fn release() -> Tree {
    tree(&[("bin/app", "1"), ("releases/start_erl.data", "1 1")])
}

fn refusal(target: &Utf8Path) -> DirectoryError {
    write(&release(), target, &options(), &()).unwrap_err()
}

#[test]
fn a_directory_with_something_else_in_it() {
    let place = place();
    fs::create_dir(&place.target).unwrap();
    // An empty one is fine.
    write(&Tree::new(), &place.target, &options(), &()).unwrap();
    fs::write(place.target.join("thesis.txt"), "years of work").unwrap();
    let error = refusal(&place.target);
    assert!(matches!(&error, DirectoryError::NotARelease { target } if *target == place.target), "{error}");
    assert!(error.to_string().contains("--path"), "{error}");
    assert_eq!(snapshot(&place.target).len(), 1);
    assert_eq!(place.beside(), [""; 0]);
}

#[test]
fn a_file() {
    let place = place();
    fs::write(&place.target, "a file").unwrap();
    let error = refusal(&place.target);
    assert!(matches!(&error, DirectoryError::NotADirectory { target } if *target == place.target), "{error}");
    assert_eq!(fs::read_to_string(&place.target).unwrap(), "a file");
    assert_eq!(place.beside(), [""; 0]);
}

#[test]
fn a_link_that_leads_nowhere() {
    let place = place();
    fs::os::unix::fs::symlink("nowhere", &place.target).unwrap();
    let error = refusal(&place.target);
    assert!(matches!(&error, DirectoryError::DanglingLink { target } if *target == place.target), "{error}");
}

#[test]
fn a_parent_that_is_a_file() {
    let place = place();
    fs::write(place.root.join("file"), "").unwrap();
    let error = refusal(&place.root.join("file/app"));
    assert!(error.to_string().contains("Not a directory"), "{error}");
}

#[test]
fn the_current_directory_and_what_holds_it() {
    if let Ok(target) = std::env::var("BEAMSHIP_TEST_CURRENT") {
        for target in [".", "..", &target] {
            let error = refusal(Utf8Path::new(target));
            assert!(matches!(error, DirectoryError::CurrentDirectory { .. }), "{target}: {error}");
        }
        // A name without a directory is beside the current one.
        write(&release(), Utf8Path::new("relative"), &options(), &()).unwrap();
        return;
    }
    let place = place();
    write(&release(), &place.target, &options(), &()).unwrap();
    let inside = place.target.join("bin");
    let shell = format!("cd '{inside}';");
    let status = child(
        "refused::the_current_directory_and_what_holds_it",
        "BEAMSHIP_TEST_CURRENT",
        place.target.as_str(),
        &shell,
    )
    .status()
    .unwrap();
    assert!(status.success());
    assert!(inside.join("relative/bin/app").exists());
}

#[test]
fn the_root_directory_and_mount_points() {
    for target in ["/", "/proc"] {
        let error = refusal(Utf8Path::new(target));
        assert!(matches!(&error, DirectoryError::MountPoint { target: found } if found == target), "{error}");
    }
}

/// Something mounted for the time of a test.
struct Mounted(Utf8PathBuf);

impl Mounted {
    /// `None`, with the reason printed, where this process may not mount.
    fn new(arguments: &[&str], at: &Utf8Path) -> Option<Self> {
        match Command::new("mount").args(arguments).arg(at).output() {
            Ok(output) if output.status.success() => Some(Self(at.to_owned())),
            Ok(output) => {
                testing::skip(&format!("cannot mount: {}", String::from_utf8_lossy(&output.stderr).trim()));
                None
            }
            Err(error) => {
                testing::skip(&format!("cannot run `mount`: {error}"));
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn something_mounted_in_the_release() {
    let place = place();
    write(&release(), &place.target, &options(), &()).unwrap();
    let (volume, data) = (place.root.join("volume"), place.target.join("data"));
    fs::create_dir(&volume).unwrap();
    fs::write(volume.join("database"), "rows").unwrap();
    fs::create_dir(&data).unwrap();
    // The same file system: the device number does not show it.
    let Some(_mounted) = Mounted::new(&["--bind", volume.as_str()], &data) else { return };
    let error = refusal(&place.target);
    assert!(matches!(&error, DirectoryError::MountInside { path } if *path == data), "{error}");
    assert_eq!(fs::read_to_string(volume.join("database")).unwrap(), "rows");
    assert_eq!(place.beside(), ["volume"]);
}

#[test]
fn a_full_disk() {
    let place = place();
    let disk = place.root.join("disk");
    fs::create_dir(&disk).unwrap();
    let Some(_mounted) = Mounted::new(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], &disk) else { return };
    let target = disk.join("app");
    let half = "x".repeat(100_000);
    let small = tree(&[("bin/app", "1"), ("lib/a", &half), ("lib/b", &half), ("lib/c", &half)]);
    write(&small, &target, &options(), &()).unwrap();
    fs::create_dir(target.join("tmp")).unwrap();
    fs::write(target.join("tmp/kept"), "kept").unwrap();
    let before = snapshot(&target);

    let source = place.root.join("large");
    fs::write(&source, vec![1; 2_000_000]).unwrap();
    for content in [bytes(&"y".repeat(2_000_000)), Content::Copy(source)] {
        let mut large = small.clone();
        large.add(path("lib/large"), Node::File { mode: 0o644, content }).unwrap();
        let error = write(&large, &target, &options(), &()).unwrap_err().to_string();
        // Whichever of the files written at the same time meets the end of the disk first.
        assert!(error.contains("/new/") && error.contains("`: No space left on device"), "{error}");
        assert!(error.contains("hint: free space there"), "{error}");
        assert_eq!(snapshot(&target), before);
        assert_eq!(fs::read_dir(&disk).unwrap().count(), 1, "something stayed beside the target");
    }
    // There is room for this one again.
    write(&small, &target, &options(), &()).unwrap();
    assert_eq!(snapshot(&target), before);
}

#[test]
fn too_few_open_files() {
    if let Ok(root) = std::env::var("BEAMSHIP_TEST_FILES") {
        let root = Utf8PathBuf::from(root);
        // Eats what the shell's limit has left.
        let mut open = Vec::new();
        while let Ok(file) = fs::File::open("/dev/null") {
            open.push(file);
        }
        // Two: enough for the lock and a file, not for a file that is copied.
        open.truncate(open.len() - 2);
        let mut tree = release();
        tree.add(path("copy"), Node::File { mode: 0o644, content: Content::Copy("/etc/passwd".into()) })
            .unwrap();
        let error = write(&tree, &root.join("app"), &options(), &()).unwrap_err().to_string();
        assert!(error.contains("Too many open files") && error.contains("ulimit -n"), "{error}");
        return;
    }
    let place = place();
    let status =
        child("refused::too_few_open_files", "BEAMSHIP_TEST_FILES", place.root.as_str(), "ulimit -n 64;")
            .status()
            .unwrap();
    assert!(status.success());
    assert_eq!(place.beside(), [""; 0]);
}
