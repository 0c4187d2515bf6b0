//! An image that would not run is not built.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use crate::built::Built;
use crate::sandbox::{Sandbox, fail, succeed};

/// A copy of the release with one more NIF; the message with which its image is refused.
fn refused(make: impl FnOnce(&Sandbox, &Utf8Path)) -> String {
    let built = Built::get();
    let sandbox = Sandbox::new();
    let release = sandbox.join("release");
    succeed(sandbox.command("cp").arg("-r").arg(built.release()).arg(&release));
    make(&sandbox, &release.join("lib/guestbook-0.1.0/priv/nif.so"));
    // It is part of the release now.
    let manifest = release.join("releases/MANIFEST");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}lib/guestbook-0.1.0/priv/nif.so\n")).unwrap();
    let output = sandbox.join("image");
    let arguments = ["image", "--release", release.as_str(), "--output", output.as_str()];
    let message = fail(&mut sandbox.beamship(sandbox.path(), &arguments));
    assert!(!output.exists(), "{message}");
    message
}

fn library(sandbox: &Sandbox, path: &Utf8Path, source: &str, arguments: &[&str]) {
    let file = sandbox.join("tmp/source.c");
    std::fs::write(&file, source).unwrap();
    let mut command = Command::new("gcc");
    command.args(["-shared", "-fPIC", "-nostdlib", "-o"]).arg(path).arg(&file).args(arguments);
    assert!(command.status().expect("gcc").success());
}

#[test]
fn a_nif_for_another_architecture_is_refused() {
    let message = refused(|_, path| {
        let mut header = vec![0; 64];
        header[..20].copy_from_slice(b"\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0\0\x03\0\x2b");
        std::fs::write(path, header).unwrap();
    });
    assert!(message.contains("`/app/lib/guestbook-0.1.0/priv/nif.so` is for machine 43"), "{message}");
    assert!(message.contains("hint: build the dependency"), "{message}");
}

fn has_compiler() -> bool {
    let is_there = Command::new("gcc").arg("--version").output().is_ok();
    if !is_there {
        testing::skip("there is no gcc");
    }
    is_there
}

#[test]
fn a_nif_without_its_library_is_refused() {
    if !has_compiler() {
        return;
    }
    let message = refused(|sandbox, path| {
        let gone = sandbox.join("tmp/libgone.so.1");
        library(sandbox, &gone, "int gone(void) { return 1; }", &["-Wl,-soname,libgone.so.1"]);
        library(sandbox, path, "int gone(void); int nif(void) { return gone(); }", &[gone.as_str()]);
    });
    assert!(message.contains("nif.so` needs the library `libgone.so.1`, which is not there"), "{message}");
    assert!(message.contains("hint: install the package that has `libgone.so.1`"), "{message}");
}

#[test]
fn a_nif_that_needs_a_newer_libc_is_refused() {
    if !has_compiler() {
        return;
    }
    let message = refused(|sandbox, path| {
        let libc = sandbox.join("tmp/libc.so.6");
        let versions: Utf8PathBuf = sandbox.join("tmp/versions");
        std::fs::write(&versions, "GLIBC_2.99 { global: newer; };\n").unwrap();
        let script = format!("-Wl,--version-script={versions}");
        library(sandbox, &libc, "int newer(void) { return 1; }", &["-Wl,-soname,libc.so.6", &script]);
        library(sandbox, path, "int newer(void); int nif(void) { return newer(); }", &[libc.as_str()]);
    });
    assert!(message.contains("nif.so` needs `GLIBC_2.99` of `libc.so.6` (for newer)"), "{message}");
    assert!(message.contains("has nothing newer than `GLIBC_"), "{message}");
    assert!(message.contains("hint: "), "{message}");
}

#[test]
fn an_image_is_a_target_of_the_check() {
    let built = Built::get();
    let layout = built.layout();
    let cache = Sandbox::new();
    let check = || {
        let arguments = ["check", "abi", "--target", layout.as_str()];
        let mut command = built.sandbox.beamship(&built.project, &arguments);
        succeed(command.env("XDG_CACHE_HOME", cache.path()))
    };
    let outcome = check();
    assert!(outcome.stdout.contains("libcrypto.so."), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("has all that they need"), "{}", outcome.stderr);
    // Layers in the cache that are damaged: the check said that the loader is missing, and `--base` refused the image.
    let release = built.release();
    let base = || {
        let output = cache.join("output");
        let arguments =
            ["--release", release.as_str(), "--base", layout.as_str(), "--output", output.as_str()];
        let mut command = built.sandbox.beamship(&built.project, &["image", "--json"]);
        command.args(arguments).env("XDG_CACHE_HOME", cache.path()).env("SOURCE_DATE_EPOCH", "1700000000");
        succeed(&mut command).stdout
    };
    let expected = base();
    for directory in ["blobs/sha256", "plain"] {
        let damage = || {
            let entries = cache.join("beamship/images").join(directory).read_dir_utf8().unwrap();
            let paths: Vec<_> = entries.map(|entry| entry.unwrap().into_path()).collect();
            assert_eq!(paths.len(), 6, "{directory}");
            for path in paths {
                let length = std::fs::metadata(&path).unwrap().len();
                std::fs::write(path, vec![0; length as usize]).unwrap();
            }
        };
        damage();
        assert_eq!(check().stdout, outcome.stdout, "{directory}");
        damage();
        assert_eq!(base(), expected, "{directory}");
    }
}
