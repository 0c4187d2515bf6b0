//! No case is missing: neither one of the numbers that there are of each letter, nor a folder in the list of tests.

use std::collections::BTreeSet;

use camino::Utf8Path;

use crate::cases::NAMES;
use crate::toolchain::case_directory;

/// How many cases of each letter there are.
const NUMBERS: [(char, u32); 6] = [('r', 58), ('t', 21), ('i', 3), ('p', 10), ('x', 13), ('g', 3)];

#[test]
fn every_folder_is_a_test_and_every_test_a_folder() {
    let folders: BTreeSet<String> = case_directory()
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .collect();
    let tests: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(folders, tests);
}

#[test]
fn no_number_is_missing() {
    let elsewhere = tests_of_other_executables();
    let names = NAMES.iter().copied().chain(elsewhere.iter().map(String::as_str));
    let shown: BTreeSet<String> = names.flat_map(numbers).collect();
    let missing: Vec<String> = NUMBERS
        .iter()
        .flat_map(|(letter, last)| (1..=*last).map(move |number| format!("{letter}{number:02}")))
        .filter(|number| !shown.contains(number))
        .collect();
    assert_eq!(missing, [""; 0], "these cases have no test");
}

/// Tests of other executables that show a case: they need a terminal, a system that runs for a while, or many cases in one
/// virtual machine.
fn tests_of_other_executables() -> Vec<String> {
    let sources = [
        "tests/digest/main.rs",
        "tests/launcher/control.rs",
        "tests/launcher/eval.rs",
        "tests/launcher/remote.rs",
        "../generate/tests/it/cases.rs",
        "../node/tests/it/calls.rs",
        "../release/tests/mix_boot_scripts.rs",
    ];
    let mut names = Vec::new();
    for source in sources {
        let text = std::fs::read_to_string(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(source)).unwrap();
        let tests = text.split("#[test]").skip(1).filter_map(|test| {
            let (_, rest) = test.split_once("fn ")?;
            Some(rest.split_once('(')?.0.to_owned())
        });
        names.extend(tests);
    }
    names
}

/// `r01_r02_plain_project` shows `r01` and `r02`.
fn numbers(name: &str) -> Vec<String> {
    let is_number = |part: &&str| {
        part.len() == 3
            && part.starts_with(|letter: char| NUMBERS.iter().any(|(known, _)| *known == letter))
            && part[1..].bytes().all(|byte| byte.is_ascii_digit())
    };
    name.split('_').take_while(is_number).map(str::to_owned).collect()
}
