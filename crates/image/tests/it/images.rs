//! An image to be sent around: small, with layers of several sizes.

use std::collections::BTreeMap;

use beamship_image::document::Platform;
use beamship_image::{Image, ImageOptions, Images, Layer, LayerKind, Layout};
use camino::{Utf8Path, Utf8PathBuf};
use tree::archive::Compression;
use tree::{Content, Node, Tree, TreePath};

pub(crate) fn temporary() -> (tempfile::TempDir, Utf8PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
    (directory, path)
}

pub(crate) fn options(architecture: &str) -> ImageOptions {
    ImageOptions {
        platform: Platform::linux(architecture),
        name: "shop".to_owned(),
        command: vec!["start".to_owned()],
        created: 1_700_000_000,
        environment: vec![("A".to_owned(), "b".to_owned())],
        ports: vec![4000],
        labels: BTreeMap::from([("org.opencontainers.image.version".to_owned(), "1.0.0".to_owned())]),
    }
}

/// Bytes that do not compress and are always the same.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// An image in a layout.
pub(crate) fn image(directory: &Utf8Path, architecture: &str) -> Image {
    let layout = Layout::open(directory).unwrap();
    let layer = |kind, path: &str, bytes: Vec<u8>| {
        let mut tree = Tree::new();
        let node = Node::File { mode: 0o644, content: Content::Bytes(bytes.into()) };
        tree.add(TreePath::new(path).unwrap(), node).unwrap();
        Layer::write(&tree, kind, layout.directory(), Compression::Gzip, &()).unwrap()
    };
    let layers = vec![
        layer(LayerKind::System, "etc/passwd", b"root".to_vec()),
        layer(LayerKind::Erlang, "app/erts/beam.smp", noise(300_000, 7)),
        layer(LayerKind::Application, "app/lib/shop/a.beam", architecture.as_bytes().to_vec()),
    ];
    Image::new(&options(architecture), None, layers).unwrap()
}

pub(crate) fn images(directory: &Utf8Path) -> Images {
    let images = Images::new(vec![image(directory, "amd64")]).unwrap();
    Layout::open(directory).unwrap().publish(&images, None).unwrap();
    images
}
