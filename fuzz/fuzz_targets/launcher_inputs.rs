//! What the launcher of a release reads from files and variables that others have written: never a panic or a hang, and a
//! state file that is understood is written as it is read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| beamship_launcher::fuzzing::read(bytes));
