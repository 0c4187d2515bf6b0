//! `beamship check abi` on releases that hold the Erlang of this machine, and on what somebody has put into them.

#![allow(clippy::disallowed_methods, reason = "these tests look at the real machine")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory that looks like a release: the virtual machine and `crypto` of the Erlang in PATH.
struct Release {
    directory: tempfile::TempDir,
}

impl Release {
    fn new() -> Self {
        let release = Self { directory: tempfile::tempdir().unwrap() };
        release.put("releases/start_erl.data", b"14 0.1.0\n");
        let erlang = erlang();
        let mut found = 0;
        for entry in walk(&erlang) {
            let name = entry.file_name().unwrap().to_str().unwrap();
            if ["beam.smp", "erlexec", "inet_gethost", "crypto.so"].contains(&name) {
                let path = entry.strip_prefix(&erlang).unwrap().to_str().unwrap();
                release.put(path, &fs::read(&entry).unwrap());
                found += 1;
            }
        }
        assert_eq!(found, 4, "in {}", erlang.display());
        release
    }

    fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn check(&self, arguments: &[&str]) -> Output {
        let mut command = beamship();
        command.args(["check", "abi", "--release"]).arg(self.path()).args(arguments);
        command.output().unwrap()
    }
}

fn beamship() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamship"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command
}

/// The directory of the Erlang in PATH.
fn erlang() -> PathBuf {
    let arguments = ["-noshell", "-eval", "io:put_chars(code:root_dir()), halt()."];
    let output = Command::new("erl").args(arguments).output().expect("erl");
    PathBuf::from(String::from_utf8(output.stdout).unwrap())
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files.extend(walk(&entry.path())),
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn erlang_runs_where_it_is() {
    let output = Release::new().check(&[]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.starts_with("library ") && stdout.contains("libcrypto.so."), "{stdout}");
    assert!(stderr.contains("4 ELF files for ") && stderr.contains("this machine has all"), "{stderr}");
}

#[test]
fn json_has_files_libraries_and_findings() {
    let release = Release::new();
    release.put("lib/demo-0.1.0/priv/broken.so", b"\x7fELF");
    let output = release.check(&["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["findings"][0]["kind"], "damaged");
    assert_eq!(json["target"], "this machine");
    assert_eq!(json["files"].as_array().unwrap().len(), 4);
    let message = json["messages"][0]["message"].as_str().unwrap();
    assert!(text(&output.stderr).contains(message), "{message}");
    assert!(text(&output.stderr).contains("1 of 5 ELF files"), "{}", text(&output.stderr));
}

#[test]
fn a_nif_for_another_machine_is_named_and_can_be_ignored() {
    let release = Release::new();
    // A header of a shared library for SPARC, which nobody runs this on.
    let mut header = vec![0; 64];
    header[..20].copy_from_slice(b"\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0\0\x03\0\x2b");
    release.put("lib/demo-0.1.0/priv/nif.so", &header);
    let output = release.check(&[]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("1 of 5 ELF files do not run on this machine"), "{stderr}");
    assert!(
        stderr.contains("nif.so` is for machine 43 (64 bit, big-endian), the release is for "),
        "{stderr}"
    );
    assert!(stderr.contains("hint: build the dependency"), "{stderr}");
    let output = release.check(&["--ignore", "lib/demo-0.1.0/priv"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = release.check(&["--ignore", "lib/demo-0.1.0/priv", "--ignore", "lib/none"]);
    assert!(text(&output.stderr).contains("warning: --ignore lib/none"), "{}", text(&output.stderr));
}

#[test]
fn an_empty_target_lacks_the_loader() {
    let release = Release::new();
    let empty = tempfile::tempdir().unwrap();
    let output = release.check(&["--target", empty.path().to_str().unwrap()]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("is started by `/lib"), "{stderr}");
    // One finding for all of them.
    assert!(stderr.contains("error: 4 of 4 ELF files do not run on `"), "{stderr}");
    assert!(stderr.contains("hint: it was built on a system with glibc"), "{stderr}");
}

/// A newer Erlang than this machine's is refused here, an older one passes there.
#[test]
fn releases_of_other_suites() {
    let toolchains = std::env::var("BEAMSHIP_TOOLCHAINS").unwrap_or("/opt/beamship-toolchains".to_owned());
    let forky = Path::new(&toolchains).join("forky");
    let is_newer = Path::new("/etc/debian_version").exists()
        && fs::read_to_string("/etc/os-release").unwrap_or_default().contains("bookworm");
    if !is_newer {
        // Somewhere else there is nothing newer, or no telling.
        return;
    }
    if !forky.join("usr/lib/erlang").is_dir() {
        testing::skip("there is no root of forky");
        return;
    }
    let output = Release::new().check(&["--target", forky.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let release = Release::new();
    let crypto = walk(&forky.join("usr/lib/erlang/lib"));
    let crypto = crypto.iter().find(|path| path.ends_with("priv/lib/crypto.so")).unwrap();
    release.put("lib/crypto-new/priv/lib/crypto.so", &fs::read(crypto).unwrap());
    let output = release.check(&[]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("lib/crypto-new/priv/lib/crypto.so` needs `OPENSSL_"), "{stderr}");
    assert!(stderr.contains("has nothing newer than `OPENSSL_3.0."), "{stderr}");
}

#[test]
fn what_is_not_there_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = beamship().current_dir(directory.path()).args(["check", "abi"]).args(arguments).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    assert!(run(&[]).contains("error: there is no release in `"));
    assert!(run(&["demo"]).contains("there is no release `demo` in `"));
    assert!(run(&["--release", "."]).contains("`.` is not a release"));
    assert!(run(&["--release", "gone"]).contains("cannot use `gone`"));
    for name in ["a", "b"] {
        let releases = directory.path().join("_build/prod/rel").join(name).join("releases");
        fs::create_dir_all(&releases).unwrap();
        fs::write(releases.join("start_erl.data"), "14 1\n").unwrap();
    }
    assert!(run(&[]).contains("there are several releases in `"));
    assert!(run(&["a", "--target", "gone"]).contains("`gone`, which --target names, is not there"));
}
