//! Any bytes are a layer of a base image, or an error. Its entries are looked into where they are: nothing is written under a
//! name that the layer has chosen, and no file of it reaches beyond the layer.
#![no_main]

use std::fs;
use std::io::{Read, Seek, SeekFrom};

use beamship_abi::{RootEntry, SystemRoot};
use beamship_image::document::{Descriptor, ImageConfig};
use beamship_image::{Base, Digest, ImageRoot, Layer};
use camino::{Utf8Path, Utf8PathBuf};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let directory = Utf8Path::from_path(directory.path()).unwrap();
    // The first byte says how it is packed; the first layer is a link and a directory that the second may lead out by.
    let (media_type, bytes) = match bytes.split_first() {
        Some((0, rest)) => ("application/vnd.oci.image.layer.v1.tar+gzip", rest),
        Some((1, rest)) => ("application/vnd.oci.image.layer.v1.tar+zstd", rest),
        _ => ("application/vnd.oci.image.layer.v1.tar", bytes),
    };
    let file = directory.join("layer");
    fs::write(&file, bytes).unwrap();
    let digest = Digest::of(bytes);
    let descriptor = Descriptor {
        media_type: media_type.to_owned(),
        digest: digest.clone(),
        size: bytes.len() as u64,
        platform: None,
        annotations: Default::default(),
    };
    let layer = Layer { descriptor, diff_id: digest.clone(), title: String::new(), file, origin: None };
    let config = r#"{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}"#;
    let config: ImageConfig = serde_json::from_str(config).unwrap();
    let base = Base { name: "base".to_owned(), digest, config, layers: vec![layer.clone(), layer] };
    let cache = directory.join("cache");
    if let Ok(root) = ImageRoot::new(&base, &cache) {
        look(&root, "/".into(), bytes.len() as u64, 4);
    }
    // What was given, and one file named by its digest.
    assert_eq!(names(directory), ["cache", "layer"]);
    if cache.join("plain").exists() {
        assert_eq!(names(&cache), ["plain"]);
        assert!(names(&cache.join("plain")).len() <= 1);
    }
});

fn look(root: &ImageRoot, directory: Utf8PathBuf, most: u64, depth: usize) {
    for name in root.names(&directory).unwrap() {
        let path = directory.join(&name);
        match root.entry(&path).unwrap() {
            Some(RootEntry::Directory) if depth > 0 => look(root, path, most, depth - 1),
            Some(RootEntry::File) => {
                let mut file = root.open(&path).unwrap();
                let mut content = Vec::new();
                let _ = file.read_to_end(&mut content);
                assert!(content.len() as u64 <= most);
                for position in [SeekFrom::Start(u64::MAX), SeekFrom::End(-1), SeekFrom::Current(i64::MAX)] {
                    let _ = file.seek(position).and_then(|_| file.read(&mut [0; 8]));
                }
            }
            _ => {}
        }
    }
}

fn names(directory: &Utf8Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
