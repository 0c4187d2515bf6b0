//! `Mix.Release.strip_beam/2` and `beam_lib` of the Elixir and Erlang in `PATH` say what is right, on every BEAM file of
//! that installation. One VM does all of it and leaves its results in one file.

// A test at the edge: it runs Elixir and reads files, which the crate itself never does.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use std::path::Path;
use std::process::Command;

use beamship_beam::{BeamFile, ChunkId, StripOptions, strip};

/// One record of the script: what it is and its bytes.
fn records(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut records = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        let (size, rest) = rest.split_first_chunk().expect("a size");
        let (data, rest) = rest.split_at(u32::from_be_bytes(*size) as usize);
        records.push((*kind, data));
        bytes = rest;
    }
    records
}

fn oracle() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("stripped");
    let script = Path::new("tests/strip_oracle.exs");
    let status = Command::new("elixir")
        .arg(script)
        .arg(&output)
        .status()
        .expect("this test needs `elixir` in PATH: install Elixir and Erlang/OTP");
    assert!(status.success(), "tests/strip_oracle.exs failed");
    std::fs::read(output).unwrap()
}

#[test]
fn every_beam_file_is_stripped_as_mix_does_it() {
    let results = oracle();
    let mut wanted: Vec<ChunkId> = Vec::new();
    let (mut path, mut bytes, mut plain) = (String::new(), Vec::new(), Vec::new());
    let mut compared = 0;
    for (kind, data) in records(&results) {
        let options = |compress| StripOptions { chunks: wanted.as_slice().into(), compress };
        match kind {
            b'W' => wanted.push(data.try_into().expect("four bytes")),
            b'P' => {
                path = String::from_utf8(data.to_vec()).unwrap();
                bytes = std::fs::read(&path).unwrap();
            }
            b'S' => {
                plain = strip(&bytes, &options(false)).unwrap_or_else(|error| panic!("{path}: {error}"));
                assert!(plain == data, "{path}: differs from `Mix.Release.strip_beam/2`");
                assert!(
                    strip(&plain, &options(false)).unwrap() == plain,
                    "{path}: stripped again, it differs"
                );
                compared += 1;
            }
            b'K' => {
                let chunks = [&wanted[..], &[*b"Docs", *b"Dbgi", *b"Line"]].concat();
                let kept = strip(&bytes, &StripOptions { chunks: chunks.into(), compress: false }).unwrap();
                assert!(kept == data, "{path}: with `keep` it differs");
            }
            b'C' => {
                // Both decompress to the same; the deflated bytes are the compressor's own business.
                let compressed = strip(&bytes, &options(true)).unwrap();
                assert_eq!(compressed[..10], data[..10], "{path}: the header of gzip differs");
                for compressed in [&compressed[..], data] {
                    assert!(
                        strip(compressed, &options(false)).unwrap() == plain,
                        "{path}: compressed, it differs"
                    );
                }
            }
            b'Z' => assert!(strip(data, &options(false)).unwrap() == plain, "{path}: from gzip, it differs"),
            b'A' => {
                let atoms = BeamFile::parse(&bytes).unwrap().atoms().unwrap();
                let expected = String::from_utf8(data.to_vec()).unwrap();
                assert_eq!(
                    atoms.iter().map(|atom| format!("{atom}\0")).collect::<String>(),
                    expected,
                    "{path}"
                );
            }
            b'M' => {
                assert_eq!(BeamFile::parse(&bytes).unwrap().module().unwrap().as_bytes(), data, "{path}");
            }
            other => panic!("unknown record {other}"),
        }
    }
    println!("{compared} files; the chunks that stay: {}", wanted.concat().escape_ascii());
    assert!(compared > 200, "only {compared} BEAM files were found");
    assert!(wanted.contains(b"Code") && wanted.contains(b"Attr"), "the probe of the wanted chunks failed");
}
