//! The modules of Erlang that beamship brings along compiled are what their sources say, and every OTP loads them.

use std::path::Path;
use std::process::Command;

/// The OTP that compiles them: the oldest one that is supported. It does so for the one before (`r24`), which then lives to say
/// that it is too old.
const COMPILED_BY: &str = "25";

fn erl(directory: &Path, expression: &str) -> String {
    let mut command = Command::new("erl");
    command.args(["-noshell", "-boot", "no_dot_erlang", "-eval", expression]).current_dir(directory);
    let output = command.output().expect("erl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `BEAMSHIP_UPDATE_ERLANG_MODULES=1 cargo test -p beamship --test it erlang_modules` writes the compiled module anew.
fn is_compiled_from_its_source(place: &str, name: &str) {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(place);
    let (source, kept) = (format!("{name}.erl"), place.join(format!("{name}.beam")));
    let directory = tempfile::tempdir().unwrap();
    let compiled = directory.path().join(format!("{name}.beam"));
    std::fs::copy(place.join(&source), directory.path().join(&source)).unwrap();
    let compile = format!(
        "Release = erlang:system_info(otp_release),
         Options = [r24 || Release =:= \"{COMPILED_BY}\"] ++ [deterministic, no_debug_info, warnings_as_errors],
         {{ok, _}} = compile:file({name}, Options),
         io:put_chars(Release), halt()."
    );
    let release = erl(directory.path(), &compile);
    let chunks = [b"AtU8", b"Code", b"StrT", b"ImpT", b"ExpT", b"FunT", b"LitT"].map(|id| *id);
    let options = beam::StripOptions { chunks: chunks.into(), compress: false };
    let stripped = beam::strip(&std::fs::read(&compiled).unwrap(), &options).unwrap();
    if release == COMPILED_BY {
        if std::env::var_os("BEAMSHIP_UPDATE_ERLANG_MODULES").is_some() {
            std::fs::write(&kept, &stripped).unwrap();
        }
        assert!(std::fs::read(&kept).unwrap() == stripped, "{name}.beam is out of date");
    }

    // A later OTP loads what the oldest one has compiled, and finds the same functions in it.
    let exports = format!("io:format(\"~p\", [lists:sort({name}:module_info(exports))]), halt().");
    let of_source = erl(directory.path(), &exports);
    std::fs::copy(&kept, &compiled).unwrap();
    assert_eq!(erl(directory.path(), &exports), of_source);
}

#[test]
fn the_module_of_a_fast_start_is_compiled_from_its_source() {
    is_compiled_from_its_source("release/src/boot", "beamship_start");
}

#[test]
fn the_module_that_loads_what_a_build_uses_is_compiled_from_its_source() {
    is_compiled_from_its_source("project/src/elixir", "beamship_preload");
}
