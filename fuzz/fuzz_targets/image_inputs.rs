//! Names, scripts and documents of images: any text is understood, or an error.
#![no_main]

use beamship_image::document::{ImageConfig, Index, Manifest};
use beamship_contract::OverlayCommand;
use beamship_image::overlay_command::of_script;
use beamship_image::{Digest, Reference};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = serde_json::from_slice::<Index>(bytes);
    let _ = serde_json::from_slice::<ImageConfig>(bytes);
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) {
        // A digest is a name of a file: it leads nowhere else.
        for layer in &manifest.layers {
            assert!(layer.digest.blob_path().strip_prefix("blobs/sha256/").is_some_and(|hex| hex.len() == 64));
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Digest::parse(text);
    if let Ok(reference) = Reference::parse(text) {
        let again = Reference::parse(&reference.to_string()).expect("what is shown is a name");
        assert_eq!(again.tag_or_digest(), reference.tag_or_digest());
        assert_eq!((again.registry(), again.repository()), (reference.registry(), reference.repository()));
    }
    if let Some(command) = of_script(text, "shop") {
        let line = command.line("server");
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        assert!(!command.arguments.is_empty());
        assert_eq!(OverlayCommand::find(&line, "server"), Some(command), "{line:?}");
    }
});
