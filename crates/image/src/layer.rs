//! A layer: a part of the root file system as one compressed tar file, known by its digest.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};
use tree::archive::{self, ArchiveOptions, Compression};
use tree::{Content, Node, Progress, Tree};

use crate::contents::LayerKind;
use crate::digest::{BLOBS, Digest};
use crate::document::{Descriptor, annotation, media_type};
use crate::error::{At, ImageError};

/// A layer whose content is in a file of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its descriptor.
    pub descriptor: Descriptor,
    /// Its digest before it was compressed.
    pub diff_id: Digest,
    /// What is in it, for people.
    pub title: String,
    /// The file.
    pub file: Utf8PathBuf,
    /// The repository of the same registry that has it already, for one of a base image.
    pub origin: Option<(String, String)>,
}

impl Layer {
    /// Writes a layer into the directory of a layout.
    ///
    /// # Errors
    ///
    /// When a file of it cannot be read, or the layer not be written.
    pub fn write(
        tree: &Tree,
        kind: LayerKind,
        layout: &Utf8Path,
        compression: Compression,
        progress: &dyn Progress,
    ) -> Result<Self, ImageError> {
        let modified = if kind.has_assets() { modification_time(tree)? } else { EPOCH };
        let options = ArchiveOptions { modified, compression, mode: 0o644 };
        let name = |digest: &[u8; 32]| Digest::from_sha256(*digest).hex().to_owned();
        let hashed = archive::write_hashed(tree, &layout.join(BLOBS), name, &options, progress)?;
        let digest = Digest::from_sha256(hashed.digest);
        let media_type = match compression {
            Compression::Gzip => media_type::LAYER_GZIP,
            Compression::Zstd => media_type::LAYER_ZSTD,
        };
        let annotations = BTreeMap::from([(annotation::LAYER.to_owned(), kind.name().to_owned())]);
        let descriptor = Descriptor {
            media_type: media_type.to_owned(),
            digest,
            size: hashed.archived.bytes,
            platform: None,
            annotations,
        };
        let diff_id = Digest::from_sha256(hashed.uncompressed_digest);
        Ok(Self {
            descriptor,
            diff_id,
            title: kind.name().to_owned(),
            file: hashed.archived.path,
            origin: None,
        })
    }
}

/// The time of modification of all files in a layer: 1980-01-01, which every program takes for a time. A layer does not
/// change because it was made again.
const EPOCH: u64 = 315_532_800;

/// Web servers tell browsers whether a file is still the same by its size and its time of modification. So files that are
/// served have a time that follows from the content of their layer: another content, another time, and the same content,
/// the same one.
fn modification_time(tree: &Tree) -> Result<u64, ImageError> {
    let mut hash = Sha256::new();
    for entry in tree.entries() {
        hash.update(entry.path.as_str());
        match entry.node {
            Node::Directory { .. } => {}
            Node::Link { target } => hash.update(target),
            Node::File { content, .. } => match content {
                Content::Bytes(bytes) => hash.update(bytes),
                Content::Copy(file) | Content::StrippedBeam(file, _) => {
                    let mut opened = fs_err::File::open(file).at("read", file)?;
                    let mut bytes = crate::digest::Hashing::new(std::io::sink());
                    std::io::copy(&mut opened, &mut bytes).at("read", file)?;
                    hash.update(bytes.finish().1.as_str());
                }
            },
        }
    }
    let digest = hash.finalize();
    let number = digest.iter().take(4).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    // Between 1980 and 2014: in the past, for programs that compare it with the clock.
    Ok(EPOCH + number / 4)
}

#[cfg(test)]
mod tests {
    use tree::TreePath;

    use super::*;

    fn layer(directory: &Utf8Path, kind: LayerKind, text: &str) -> Layer {
        let mut tree = Tree::new();
        let node = Node::File { mode: 0o644, content: Content::Bytes(text.as_bytes().into()) };
        tree.add(TreePath::new("app/robots.txt").unwrap(), node).unwrap();
        Layer::write(&tree, kind, directory, Compression::Gzip, &()).unwrap()
    }

    fn modified(layer: &Layer) -> u64 {
        let file = flate2::read::GzDecoder::new(fs_err::File::open(&layer.file).unwrap());
        let mut archive = tar::Archive::new(file);
        let entry = archive.entries().unwrap().last().unwrap().unwrap();
        entry.header().mtime().unwrap()
    }

    #[test]
    fn the_time_of_what_is_served_follows_its_content() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        let one = layer(directory, LayerKind::Release, "one");
        let two = layer(directory, LayerKind::Release, "two");
        assert_ne!(modified(&one), modified(&two));
        assert_eq!(one, layer(directory, LayerKind::Release, "one"));
        assert_eq!(modified(&layer(directory, LayerKind::Elixir, "one")), EPOCH);
    }
}
