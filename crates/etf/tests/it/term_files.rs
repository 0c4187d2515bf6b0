//! Every term file that OTP and Elixir ship.

use crate::virtual_machine::{Answer, ask, elixir_directory, expression};
use beamship_etf::text::{Style, consult, plain_with, pretty_with};
use beamship_etf::{AtomEncoding, Term, decode, encode};
use std::sync::OnceLock;

/// One virtual machine for all tests here.
fn answer() -> &'static Answer {
    static ANSWER: OnceLock<Answer> = OnceLock::new();
    ANSWER.get_or_init(|| {
        ask(
            &expression(include_str!("term_files.erl")),
            &[elixir_directory().to_str().expect("a UTF-8 path")],
        )
    })
}

fn text(term: &Term) -> String {
    term.to_text().expect("text")
}

struct TermFile {
    name: String,
    bytes: &'static [u8],
    /// What OTP makes of its terms; `None` if it cannot read the file.
    answers: Option<&'static [Term]>,
}

fn files() -> Vec<TermFile> {
    let files = answer().term.as_tuple().and_then(|parts| parts[0].as_list()).expect("files");
    let file = |file: &'static Term| {
        let [name, bytes, answers] = file.as_tuple().expect("a file") else {
            panic!("a file has three parts")
        };
        TermFile { name: text(name), bytes: bytes.as_binary().expect("bytes"), answers: answers.as_list() }
    };
    files.iter().map(file).collect()
}

#[test]
fn consult_reads_what_otp_reads_and_encodes_to_the_same_bytes() {
    let files = files();
    assert!(files.len() > 50, "only {} files were found", files.len());
    for TermFile { name, bytes, answers } in files {
        let Some(answers) = answers else {
            assert!(consult(bytes).is_err(), "{name} cannot be read by OTP");
            continue;
        };
        let terms = consult(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(terms.len(), answers.len(), "{name}");
        for (term, expected) in terms.iter().zip(answers) {
            let [default, version_2, ..] = expected.as_tuple().expect("answers") else {
                panic!("no answers")
            };
            for (expected, atoms) in [(default, answer().atoms()), (version_2, AtomEncoding::Utf8)] {
                let expected = expected.as_binary().expect("bytes");
                let encoded = encode(term, atoms).expect("a term that can be encoded");
                // The order of map keys is OTP's secret.
                let same = encoded == expected
                    || decode(expected).is_ok_and(|expected| {
                        format!("{expected:?}").contains("Map(") && expected.compare_as_keys(term).is_eq()
                    });
                assert!(same, "{name}: {term:?}");
            }
        }
    }
}

#[test]
fn terms_are_printed_as_io_lib_prints_them() {
    let style = Style::for_otp(answer().otp);
    for TermFile { name, answers, .. } in files() {
        for term in answers.unwrap_or_default() {
            let [bytes, _, pretty, plain] = term.as_tuple().expect("answers") else { panic!("four answers") };
            let term = decode(bytes.as_binary().expect("bytes")).expect("a term");
            assert_eq!(pretty_with(&term, &style), text(pretty), "{name} with ~tp");
            assert_eq!(plain_with(&term, &style), text(plain), "{name} with ~tw");
        }
    }
}

#[test]
fn boot_files_decode_and_encode_to_the_same_bytes() {
    let boots = answer().term.as_tuple().and_then(|parts| parts[1].as_list()).expect("boot files");
    assert!(!boots.is_empty(), "OTP has boot files");
    for boot in boots {
        let [name, bytes] = boot.as_tuple().expect("a boot file") else {
            panic!("a boot file has two parts")
        };
        let bytes = bytes.as_binary().expect("bytes");
        let term = decode(bytes).unwrap_or_else(|error| panic!("{}: {error}", text(name)));
        assert_eq!(encode(&term, answer().atoms()).as_deref(), Ok(bytes), "{}", text(name));
    }
}
