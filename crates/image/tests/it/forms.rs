//! What is written follows the OCI image specification, and is the same every time.

use beamship_image::document::media_type;
use beamship_image::layout::{Blobs, manifests, stored};
use beamship_image::{Images, Layout, Reference, archive};
use oci_spec::image::{ImageConfiguration, ImageIndex, ImageManifest, MediaType, OciLayout};

use crate::images::{image, images, temporary};

#[test]
fn a_layout_follows_the_specification() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let index = ImageIndex::from_file(directory.join("index.json")).unwrap();
    assert_eq!(index.manifests().len(), 1);
    OciLayout::from_file(directory.join("oci-layout")).unwrap();
    let blob = |digest: &str| directory.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
    let manifest = ImageManifest::from_file(blob(index.manifests()[0].digest().as_ref())).unwrap();
    assert_eq!(manifest.media_type(), &Some(MediaType::ImageManifest));
    assert_eq!(manifest.layers().len(), 3);
    let config = ImageConfiguration::from_file(blob(manifest.config().digest().as_ref())).unwrap();
    assert_eq!(config.rootfs().diff_ids().len(), 3);
    assert_eq!(config.config().as_ref().unwrap().user().as_deref(), Some("65534:65534"));
    assert_eq!(config.history().as_ref().unwrap().len(), 3);
    for (layer, diff_id) in manifest.layers().iter().zip(config.rootfs().diff_ids()) {
        let bytes = fs_err::read(blob(layer.digest().as_ref())).unwrap();
        assert_eq!(bytes.len() as u64, layer.size());
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut plain).unwrap();
        assert_eq!(beamship_image::Digest::of(&plain).as_str(), diff_id);
    }
    // Nothing else lies around, and a new image takes the place of the old one.
    let names =
        |directory: &camino::Utf8Path| directory.join("blobs/sha256").read_dir_utf8().unwrap().count();
    assert_eq!(names(&directory), 5);
    let other = Images::new(vec![image(&directory, "arm64")]).unwrap();
    assert_ne!(other.root().unwrap().descriptor.digest, images.root().unwrap().descriptor.digest);
    Layout::open(&directory).unwrap().publish(&other, None).unwrap();
    assert_eq!(names(&directory), 5);
}

/// A layout may be shared by many images: `skopeo copy … oci:DIRECTORY:NAME`.
#[test]
fn images_of_others_are_not_replaced() {
    let (_guard, directory) = temporary();
    let layout = directory.join("layout");
    images(&layout);
    let index = fs_err::read_to_string(layout.join("index.json")).unwrap();
    let one = index.split_once("[").unwrap().1.rsplit_once("]").unwrap().0;
    let refused = |what: &str| {
        let before = fs_err::read_to_string(layout.join("index.json")).unwrap();
        let error = Layout::open(&layout).unwrap_err().to_string();
        assert!(
            error.contains(what) && error.contains("\nhint: name an empty or a new directory"),
            "{error}"
        );
        assert_eq!(fs_err::read_to_string(layout.join("index.json")).unwrap(), before);
        assert_eq!(layout.join("blobs/sha256").read_dir_utf8().unwrap().count(), 5);
    };
    fs_err::write(layout.join("index.json"), index.replace(one, &format!("{one},{one}"))).unwrap();
    refused("holds several images");
    fs_err::write(layout.join("index.json"), &index).unwrap();
    fs_err::remove_file(layout.join("blobs/.lock")).unwrap();
    refused("holds something other than an image of beamship's");
}

#[test]
fn a_layout_that_was_hardly_begun_is_nobodys() {
    let (_guard, directory) = temporary();
    for begun in ["none", "one/blobs", "other/blobs/sha256"] {
        fs_err::create_dir_all(directory.join(begun)).unwrap();
        Layout::open(&directory.join(begun.split('/').next().unwrap())).unwrap();
    }
    fs_err::create_dir_all(directory.join("foreign/blobs/sha256/directory")).unwrap();
    assert!(Layout::open(&directory.join("foreign")).is_err());
}

#[test]
fn an_index_of_endless_length_is_not_followed() {
    let (_guard, directory) = temporary();
    images(&directory);
    let index = fs_err::read_to_string(directory.join("index.json")).unwrap();
    let one = index.split_once("[").unwrap().1.rsplit_once("]").unwrap().0;
    fs_err::write(directory.join("index.json"), index.replace(one, &vec![one; 101].join(","))).unwrap();
    let blobs = archive::StoredBlobs::open(&directory).unwrap().unwrap();
    assert!(manifests(&blobs).unwrap_err().to_string().contains("holds too many images"));
}

#[test]
fn several_platforms_are_one_image() {
    let (_guard, directory) = temporary();
    let images = Images::new(vec![image(&directory, "amd64"), image(&directory, "arm64")]).unwrap();
    let name = Reference::parse("ghcr.io/acme/shop:1.4").unwrap();
    Layout::open(&directory).unwrap().publish(&images, Some(&name)).unwrap();
    let index = ImageIndex::from_file(directory.join("index.json")).unwrap();
    assert_eq!(index.manifests()[0].media_type(), &MediaType::ImageIndex);
    let blobs = archive::StoredBlobs::open(&directory).unwrap().unwrap();
    let platforms: Vec<String> = manifests(&blobs)
        .unwrap()
        .iter()
        .map(|(descriptor, _)| descriptor.platform.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
}

#[test]
fn an_archive_holds_both_forms() {
    let (_guard, directory) = temporary();
    let images = images(&directory.join("layout"));
    let name = Reference::parse("acme/shop:1.4").unwrap();
    let (one, two) = (directory.join("one.tar"), directory.join("two.tar"));
    archive::write(&images, Some(&name), &one).unwrap();
    archive::write(&images, Some(&name), &two).unwrap();
    assert_eq!(fs_err::read(&one).unwrap(), fs_err::read(&two).unwrap());
    let mut names = Vec::new();
    for entry in tar::Archive::new(fs_err::File::open(&one).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        if path == "manifest.json" {
            let json: serde_json::Value = serde_json::from_reader(&mut entry).unwrap();
            assert_eq!(json[0]["RepoTags"][0], "acme/shop:1.4");
            assert_eq!(json[0]["Layers"].as_array().unwrap().len(), 3);
        }
        names.push(path);
    }
    assert_eq!(names[..3], ["oci-layout", "index.json", "manifest.json"]);
    let blobs = archive::StoredBlobs::open(&one).unwrap().unwrap();
    let (descriptor, bytes) = manifests(&blobs).unwrap().remove(0);
    assert_eq!(descriptor.media_type, media_type::MANIFEST);
    let stored = stored(&blobs, &descriptor, &bytes).unwrap();
    assert_eq!(stored.manifest.layers.len(), 3);
    // Somebody else's archive of the same layout.
    let other = directory.join("other.tar");
    let mut tar = std::process::Command::new("tar");
    let status = tar.args(["-C", directory.join("layout").as_str(), "-cf", other.as_str(), "."]).status();
    assert!(status.unwrap().success());
    let blobs = archive::StoredBlobs::open(&other).unwrap().unwrap();
    assert_eq!(manifests(&blobs).unwrap().len(), 1);
    // Damaged content is not taken for what it should be.
    let mut damaged = fs_err::read(&one).unwrap();
    let needle = b"\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest";
    let at = damaged.windows(needle.len()).position(|window| window == needle).unwrap();
    damaged[at + 16] = b'3';
    fs_err::write(&two, damaged).unwrap();
    let blobs = archive::StoredBlobs::open(&two).unwrap().unwrap();
    assert!(blobs.root().unwrap_err().to_string().contains("sent something other than"));
}

/// Adds a file under any name: `append_data` would refuse those that lead out.
fn add(archive: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    archive.append(&header, bytes).unwrap();
}

fn add_link(archive: &mut tar::Builder<Vec<u8>>, name: &str, kind: tar::EntryType, target: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_entry_type(kind);
    archive.append_link(&mut header, name, target).unwrap();
}

/// Members are found by the very name that they should have, links are not followed, and nothing is unpacked.
#[test]
fn members_that_lead_out_of_an_archive_are_not_followed() {
    use tar::EntryType::{Link, Symlink};
    let (_guard, directory) = temporary();
    images(&directory.join("layout"));
    let index = fs_err::read(directory.join("layout/index.json")).unwrap();
    let root = || {
        let file = directory.join("inner/image.tar");
        let blobs = archive::StoredBlobs::open(&file).unwrap();
        let found = blobs.map(|blobs| blobs.root().map_err(|error| error.to_string()));
        // Only the archive is there: nothing of it was written, inside or outside of its directory.
        assert_eq!(directory.read_dir_utf8().unwrap().count(), 2);
        assert_eq!(directory.join("inner").read_dir_utf8().unwrap().count(), 1);
        found
    };
    let write = |fill: &dyn Fn(&mut tar::Builder<Vec<u8>>)| {
        let mut archive = tar::Builder::new(Vec::new());
        fill(&mut archive);
        fs_err::create_dir_all(directory.join("inner")).unwrap();
        fs_err::write(directory.join("inner/image.tar"), archive.into_inner().unwrap()).unwrap();
    };
    for name in ["../index.json", "/index.json", "x/../index.json", "./../index.json"] {
        write(&|archive| add(archive, name, &index));
        assert_eq!(root(), None, "{name}");
    }
    let outside = directory.join("layout/index.json");
    for kind in [Symlink, Link] {
        for target in [outside.as_str(), "../layout/index.json"] {
            write(&|archive| add_link(archive, "index.json", kind, target));
            assert!(root().unwrap().unwrap_err().contains("the index"), "{target}");
        }
    }
    // The content of a digest is not what a link beside it leads to.
    let manifest = &ImageIndex::from_file(&outside).unwrap().manifests()[0].digest().to_string();
    let blob = format!("blobs/sha256/{}", manifest.trim_start_matches("sha256:"));
    for kind in [Symlink, Link] {
        write(&|archive| {
            add(archive, "index.json", &index);
            add_link(archive, &blob, kind, &format!("../layout/{blob}"));
        });
        assert!(root().unwrap().unwrap_err().contains("sent something other than"), "{kind:?}");
    }
}

#[test]
fn what_is_no_image_is_none() {
    let (_guard, directory) = temporary();
    fs_err::write(directory.join("file"), b"no archive at all").unwrap();
    assert!(archive::StoredBlobs::open(&directory).unwrap().is_none());
    assert!(archive::StoredBlobs::open(&directory.join("file")).unwrap().is_none());
    assert!(archive::StoredBlobs::open(&directory.join("missing")).unwrap().is_none());
    let error = Layout::open(&directory).unwrap_err().to_string();
    assert!(error.contains("holds something other than an image"), "{error}");
    fs_err::create_dir_all(directory.join("layout/blobs/sha256")).unwrap();
    fs_err::write(directory.join("layout/oci-layout"), b"{}").unwrap();
    for text in
        ["", "[]", "{}", r#"{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"../../x","size":1}]}"#]
    {
        fs_err::write(directory.join("layout/index.json"), text).unwrap();
        let blobs = archive::StoredBlobs::open(&directory.join("layout")).unwrap().unwrap();
        let error = manifests(&blobs).unwrap_err().to_string();
        assert!(error.contains("the index"), "{text}: {error}");
    }
}
