//! Any file is an archive of an image, or an error: what is in it is found by its digest or not at all.
#![no_main]

use beamship_image::archive::StoredBlobs;
use beamship_image::layout::Blobs;
use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let file = Utf8Path::from_path(directory.path()).unwrap().join("image.tar");
    std::fs::write(&file, bytes).unwrap();
    if let Ok(Some(blobs)) = StoredBlobs::open(&file)
        && let Ok((descriptor, root)) = blobs.root()
    {
        assert!(root.len() <= bytes.len());
        let _ = blobs.document(&descriptor);
    }
    // Looking at it leaves nothing behind.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
});
