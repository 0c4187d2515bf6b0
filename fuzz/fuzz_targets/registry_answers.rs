//! What a container registry and its token service answer, and the logins in a configuration of Docker's: never a panic, and
//! nothing that a terminal would take for a command.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| beamship_image::registry::fuzzing::read(bytes));
