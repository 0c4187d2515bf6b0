//! Running Erlang.

use beamship_etf::{AtomEncoding, DecodeLimits, Term, decode_with};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The major release of the OTP in PATH, and what a script answered.
pub(crate) struct Answer {
    pub(crate) otp: u32,
    pub(crate) term: Term,
}

impl Answer {
    /// How this release writes atoms.
    pub(crate) fn atoms(&self) -> AtomEncoding {
        if self.otp < 26 { AtomEncoding::Latin1 } else { AtomEncoding::Utf8 }
    }
}

/// Runs Erlang expressions that leave a term in `Answer`. They find the arguments in `Arguments`, as strings.
pub(crate) fn ask(script: &str, arguments: &[&str]) -> Answer {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = directory.path().join("answer");
    let program = format!(
        "[Output | Arguments] = init:get_plain_arguments(), {script}, \
         Release = list_to_integer(erlang:system_info(otp_release)), \
         ok = file:write_file(Output, term_to_binary({{Release, Answer}})), halt(0)."
    );
    let ran = Command::new("erl")
        .args(["-noshell", "-noinput", "-eval", &program, "-extra"])
        .arg(&output)
        .args(arguments)
        .output()
        .expect("cannot run erl: this test needs Erlang/OTP in PATH");
    assert!(
        ran.status.success(),
        "erl failed: {}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    let bytes = fs_err::read(&output).expect("the answer");
    let limits = DecodeLimits { elements: usize::MAX, ..DecodeLimits::default() };
    let answer = decode_with(&bytes, &limits).expect("the answer is a term");
    match answer.as_tuple() {
        Some([Term::Integer(otp), term]) => {
            Answer { otp: u32::try_from(*otp).expect("a release number"), term: term.clone() }
        }
        _ => panic!("not an answer: {answer:?}"),
    }
}

/// A script without its comments, which `-eval` does not know.
pub(crate) fn expression(script: &str) -> String {
    script.lines().filter(|line| !line.starts_with("%%")).collect::<Vec<_>>().join("\n")
}

/// Where the Elixir in PATH is installed.
pub(crate) fn elixir_directory() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&path)
        .map(|directory| directory.join("elixir"))
        .find(|program| program.exists())
        .expect("this test needs elixir in PATH");
    let program = fs_err::canonicalize(program).expect("the path of elixir");
    program.parent().and_then(Path::parent).expect("elixir is in a bin directory").to_owned()
}
