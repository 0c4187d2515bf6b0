//! Any bytes are read as a boot script, or as none: what is made of it is a boot script again.
#![no_main]

use beamship_release::{Step, instrument_boot_script, recording_boot_script};
use libfuzzer_sys::fuzz_target;

/// Where the marks would be written.
const MARKS: &str = "/tmp/marks";

fuzz_target!(|bytes: &[u8]| {
    for is_interactive in [false, true] {
        if let Ok(Some(marked)) = instrument_boot_script(bytes, is_interactive, MARKS.into()) {
            // Marks stand between what is called and loaded, which has not become more.
            let again = instrument_boot_script(&marked.boot, is_interactive, MARKS.into()).unwrap().unwrap();
            let modules = |steps: &[Step]| steps.iter().map(|step| step.modules).sum::<usize>();
            assert_eq!(modules(&again.steps), modules(&marked.steps));
        }
    }
    if let Some(boot) = recording_boot_script(bytes) {
        assert!(beamship_etf::decode(&boot).is_ok());
    }
});
