//! What proves that the search finds what is there: everything is written, and packed, by somebody else's program.

use std::collections::BTreeSet;
use std::process::Command;

use crate::canaries::{ALL, COMPILED, CONFIGURED, PASSWORD, USER, forms};
use crate::files::write;
use crate::sandbox::{Sandbox, succeed};
use crate::search::{found_in, search};

fn only(canary: &'static str) -> BTreeSet<&'static str> {
    BTreeSet::from([canary])
}

#[test]
fn every_form_of_every_canary_is_found() {
    for canary in ALL {
        for form in forms(canary) {
            let text = [b"before ", form.as_slice(), b" after"].concat();
            assert_eq!(found_in(&text), only(canary), "{}", String::from_utf8_lossy(&text));
        }
    }
    // As registries get them.
    let credentials = data_encoding::BASE64.encode(format!("{USER}:{PASSWORD}").as_bytes());
    assert_eq!(found_in(credentials.as_bytes()), BTreeSet::from([USER, PASSWORD]));
    assert_eq!(found_in(b"canary-of-nobody"), BTreeSet::new());
}

#[test]
fn what_is_packed_is_found() {
    let sandbox = Sandbox::new();
    let place = sandbox.join("place");
    write(&place.join("deep/plain"), CONFIGURED);
    // Compressible, so that nobody stores it as it is.
    let text = format!("{} {CONFIGURED}", "once and again ".repeat(100));
    write(&place.join("text"), &text);
    let mut shell = sandbox.command("/bin/sh");
    let script = "gzip -k text; zstd -q text; tar -cf text.tar text; tar -czf text.tar.gz text.gz text.zst
        gzip -c text.tar.gz >twice";
    succeed(shell.args(["-euc", script]).current_dir(&place));
    let code = format!(
        "{{ok, Text}} = file:read_file(\"text\"),
        {{ok, _}} = zip:create(\"text.zip\", [\"text\"]),
        {{ok, _}} = zip:create(\"stored.zip\", [\"text\"], [{{compress, []}}]),
        ok = file:write_file(\"term\", term_to_binary({{some, Text}}, [compressed])),
        ok = file:write_file(\"written\", io_lib:format(\"~w\", [<<\"{CONFIGURED}\">>])),
        halt()."
    );
    let mut erlang = sandbox.command("erl");
    succeed(erlang.args(["-noshell", "-eval", &code]).current_dir(&place));
    std::fs::rename(place.join("text"), sandbox.join("text")).unwrap();
    let found = search(&place);
    let names: Vec<&str> = found.keys().map(|path| path.as_str()).collect();
    let expected = [
        "deep/plain",
        "stored.zip",
        "term",
        "text.gz",
        "text.tar",
        "text.tar.gz",
        "text.zip",
        "text.zst",
        "twice",
        "written",
    ];
    assert_eq!(names, expected);
    assert!(found.values().all(|canaries| *canaries == only(CONFIGURED)), "{found:?}");
    for name in ["text.gz", "text.tar.gz", "twice", "text.zip", "term"] {
        let bytes = std::fs::read(place.join(name)).unwrap();
        assert!(memchr::memmem::find(&bytes, CONFIGURED.as_bytes()).is_none(), "{name} is not compressed");
    }
}

/// The names of files and the targets of links are searched, too.
#[test]
fn what_a_name_says_is_found() {
    let sandbox = Sandbox::new();
    let place = sandbox.join("place");
    write(&place.join(CONFIGURED), "");
    std::os::unix::fs::symlink(COMPILED, place.join("link")).unwrap();
    let found = search(&place);
    assert_eq!((&found[camino::Utf8Path::new("link")], found.len()), (&only(COMPILED), 2));
}

/// Literals of compiled code, which are compressed by OTP up to 27, in a file that may be compressed again.
#[test]
fn what_code_was_compiled_with_is_found() {
    let sandbox = Sandbox::new();
    write(
        &sandbox.join("one.erl"),
        &format!("-module(one).\n-export([f/0]).\nf() -> {{a, <<\"{COMPILED}\">>}}.\n"),
    );
    let compile = |options: &[&str]| {
        let mut compiler: Command = sandbox.command("erlc");
        succeed(compiler.args(options).arg("one.erl"));
        found_in(&std::fs::read(sandbox.join("one.beam")).unwrap())
    };
    assert_eq!(compile(&[]), only(COMPILED));
    assert_eq!(compile(&["+compressed"]), only(COMPILED));
    assert_eq!(compile(&["+debug_info"]), only(COMPILED));
}
