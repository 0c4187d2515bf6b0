//! The module that the script of a fast start brings along is what its source says, and every OTP loads it.

#![allow(clippy::disallowed_methods, reason = "this test asks the real machine")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::path::Path;
use std::process::Command;

/// The OTP that compiles it: the oldest one that is supported.
const COMPILED_BY: &str = "25";

fn erl(directory: &Path, expression: &str) -> String {
    let mut command = Command::new("erl");
    command.args(["-noshell", "-boot", "no_dot_erlang", "-eval", expression]).current_dir(directory);
    let output = command.output().expect("erl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `BEAMSHIP_UPDATE_START_MODULE=1 cargo test -p beamship-release --test start_module` writes the compiled module anew.
#[test]
fn it_is_compiled_from_its_source() {
    let boot = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/boot");
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(boot.join("beamship_start.erl"), directory.path().join("beamship_start.erl")).unwrap();
    let release = erl(
        directory.path(),
        "{ok, _} = compile:file(beamship_start, [deterministic, no_debug_info, warnings_as_errors]),
         io:put_chars(erlang:system_info(otp_release)), halt().",
    );
    let compiled = std::fs::read(directory.path().join("beamship_start.beam")).unwrap();
    let chunks = [b"AtU8", b"Code", b"StrT", b"ImpT", b"ExpT", b"FunT", b"LitT"].map(|id| *id);
    let options = beam::StripOptions { chunks: chunks.into(), compress: false };
    let compiled = beam::strip(&compiled, &options).unwrap();
    let kept = boot.join("beamship_start.beam");
    if release == COMPILED_BY {
        if std::env::var_os("BEAMSHIP_UPDATE_START_MODULE").is_some() {
            std::fs::write(&kept, &compiled).unwrap();
        }
        assert!(std::fs::read(&kept).unwrap() == compiled, "beamship_start.beam is out of date");
    }

    // A later OTP loads what the oldest one has compiled, and finds the same functions in it.
    let exports = "io:format(\"~p\", [lists:sort(beamship_start:module_info(exports))]), halt().";
    let of_source = erl(directory.path(), exports);
    std::fs::copy(&kept, directory.path().join("beamship_start.beam")).unwrap();
    assert_eq!(erl(directory.path(), exports), of_source);
}
