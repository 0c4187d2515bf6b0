//! What is kept of base images, from fetching one to reading a file of it.

use std::io::Read;
use std::time::Duration;

use abi::SystemRoot;
use beamship_image::archive::StoredBlobs;
use beamship_image::document::Platform;
use beamship_image::{Base, ImageRoot, Images, Layout};
use camino::{Utf8Path, Utf8PathBuf};

use crate::images::{image, images, noise, temporary};

/// The file of the second layer, by way of the cache.
fn content(layout: &Utf8Path, architecture: &str, cache: &Utf8Path) -> Vec<u8> {
    let blobs = StoredBlobs::open(layout).unwrap().unwrap();
    let base = Base::fetch(&blobs, &Platform::linux(architecture), cache).unwrap();
    let root = ImageRoot::new(&base, cache).unwrap();
    let mut content = Vec::new();
    root.open("/app/erts/beam.smp".into()).unwrap().read_to_end(&mut content).unwrap();
    content
}

/// The files of the cache.
fn kept(cache: &Utf8Path) -> Vec<(Utf8PathBuf, Vec<u8>)> {
    let entries = ["blobs/sha256", "plain"].map(|name| cache.join(name).read_dir_utf8().unwrap());
    let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().into_path());
    let mut kept: Vec<_> = paths.map(|path| (path.clone(), fs_err::read(path).unwrap())).collect();
    kept.sort();
    kept
}

/// What becomes of the bytes of a file; the number is the middle of them.
type Damage = fn(&[u8], usize) -> Vec<u8>;

/// A decompressed layer was believed as soon as a file had its name: with a damaged one libraries were missing in the image.
#[test]
fn what_is_damaged_is_made_again() {
    let (_guard, layout) = temporary();
    let (_guard, cache) = temporary();
    images(&layout);
    let content = || content(&layout, "amd64", &cache);
    let expected = content();
    assert_eq!(expected, noise(300_000, 7));
    let whole = kept(&cache);
    assert_eq!(whole.len(), 6);
    let damages: [Damage; 5] = [
        |_, _| Vec::new(),
        |bytes, middle| bytes[..middle].to_vec(),
        |bytes, _| vec![0; bytes.len()],
        |bytes, middle| [&bytes[..middle], &[!bytes[middle]], &bytes[middle + 1..]].concat(),
        |bytes, _| [bytes, b"more"].concat(),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let damage = |path: &Utf8Path, bytes: &[u8]| {
            fs_err::write(path, damage(bytes, bytes.len() / 2)).unwrap();
        };
        for (path, bytes) in &whole {
            damage(path, bytes);
            assert!(content() == expected && kept(&cache) == whole, "{number}: {path}");
        }
        whole.iter().for_each(|(path, bytes)| damage(path, bytes));
        assert!(content() == expected && kept(&cache) == whole, "{number}: all");
    }
}

/// Decompressed layers stayed for ever.
#[test]
fn what_nobody_uses_is_forgotten_in_both_forms() {
    let (_guard, layout) = temporary();
    let (_guard, cache) = temporary();
    images(&layout);
    let expected = content(&layout, "amd64", &cache);
    let own = kept(&cache);
    let let_a_month_pass = || {
        for (path, _) in kept(&cache) {
            let file = fs_err::File::open(path).unwrap();
            let used = file.metadata().unwrap().modified().unwrap();
            file.set_modified(used - Duration::from_secs(31 * 24 * 60 * 60)).unwrap();
        }
    };
    let_a_month_pass();
    // Two of three layers are those of the other image.
    let other = Images::new(vec![image(&layout, "arm64")]).unwrap();
    Layout::open(&layout).unwrap().publish(&other, None).unwrap();
    assert!(content(&layout, "arm64", &cache) == expected);
    assert_eq!(kept(&cache).len(), 8);
    let_a_month_pass();
    assert!(content(&layout, "arm64", &cache) == expected);
    let left = kept(&cache);
    assert_eq!(left.len(), 6);
    assert_eq!(own.iter().filter(|file| left.contains(file)).count(), 4);
}
