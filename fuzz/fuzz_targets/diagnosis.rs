//! Any text is a runtime configuration, and any text is a table of sockets: variables and listeners are found in it or not, in
//! no more time than it is long.
#![no_main]

use beamship_diagnosis::runtime_configuration::variables;
use beamship_diagnosis::sockets::listeners;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let all = variables(&text, "prod", &|name| name.len() % 2 == 0);
    for found in &all {
        assert!(!found.names.is_empty() && (1..=lines).contains(&found.line));
        assert!(found.names.iter().all(|name| text.contains(name.as_str())));
    }
    // The same are asked for in any environment.
    let others = variables(&text, "other", &|_| true);
    assert!(all.iter().map(|found| &found.names).eq(others.iter().map(|found| &found.names)));
    assert!(listeners(&text).len() <= lines);
});
