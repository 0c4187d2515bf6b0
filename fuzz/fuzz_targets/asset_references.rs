//! References in stylesheets, scripts, source maps and pages, and manifests: any bytes in, ranges in order out, nothing
//! changed but what is replaced, and no more time than the input is long.

#![no_main]

use beamship_assets::manifest::Manifest;
use beamship_assets::references::{self, Reference, rewrite};
use libfuzzer_sys::fuzz_target;

const SCANNERS: [fn(&[u8]) -> Vec<Reference>; 7] = [
    references::css::references,
    references::javascript::references,
    references::source_map::references,
    references::import_map::references,
    references::phoenix::css,
    references::phoenix::javascript,
    references::phoenix::source_map,
];

fuzz_target!(|bytes: &[u8]| {
    for scan in SCANNERS {
        let found = scan(bytes);
        let mut end = 0;
        for reference in &found {
            assert!(reference.range.start >= end && reference.range.end > reference.range.start);
            end = reference.range.end;
        }
        assert!(end <= bytes.len());
        assert_eq!(&*rewrite(bytes, &found, |_, _| None), bytes);
        let replaced = rewrite(bytes, &found, |_, text| Some(format!("{text}x")));
        assert!(replaced.len() <= bytes.len() + found.len());
    }
    if let Ok(manifest) = Manifest::parse(bytes) {
        assert_eq!(Manifest::parse(manifest.text().as_bytes()).ok(), Some(manifest));
    }
});
