//! An OCI image layout: a directory of blobs with an index (OCI image specification, "Image Layout").
//!
//! Blobs are named by their content, so they can be written before and in any order. An image is in the layout once
//! `index.json` names it, and that is replaced in one step: a build that is interrupted leaves the earlier image.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Write};

use camino::{Utf8Path, Utf8PathBuf};
use tree::file::{Draft, create_directories};

use crate::digest::{ALGORITHM, BLOBS, Digest};
use crate::document::{Descriptor, Index, Manifest, annotation, from_bytes, media_type, to_bytes};
use crate::error::{At, ImageError};
use crate::image::Images;
use crate::reference::Reference;

/// The lock file, which other writers wait for. A layout without one was made by another program.
const LOCK: &str = "blobs/.lock";

const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// The largest document that is read: registries have the same limit.
pub(crate) const LARGEST_DOCUMENT: u64 = 4 * 1024 * 1024;

/// How many indexes, and how many manifests below them, an image may have. Images for all platforms of Debian have a dozen.
const INDEXES: usize = 8;
const MANIFESTS: usize = 100;

/// A layout on disk, held by one process.
#[derive(Debug)]
pub struct Layout {
    directory: Utf8PathBuf,
    /// Other writers wait for it.
    _lock: File,
}

impl Layout {
    /// Opens a layout to write into it, and makes it where there is none. Waits for others that write.
    ///
    /// # Errors
    ///
    /// When the directory holds something else, or the operating system refuses something.
    pub fn open(directory: &Utf8Path) -> Result<Self, ImageError> {
        let marker = directory.join("oci-layout");
        check_is_ours(directory)?;
        let blobs = directory.join(BLOBS);
        create_directories(&blobs).at("create the directory", &blobs)?;
        let lock = directory.join(LOCK);
        let opened =
            File::options().create(true).truncate(false).write(true).open(&lock).at("open", &lock)?;
        opened.lock().at("lock", &lock)?;
        if !marker.is_file() {
            write_whole(&marker, VERSION)?;
        }
        Ok(Self { directory: directory.to_owned(), _lock: opened })
    }

    /// Where it is.
    pub fn directory(&self) -> &Utf8Path {
        &self.directory
    }

    /// Puts an image into the layout in place of the one that was there, and removes blobs that nothing refers to.
    ///
    /// # Errors
    ///
    /// When a blob cannot be written; then the layout has the earlier image.
    pub fn publish(&self, images: &Images, name: Option<&Reference>) -> Result<(), ImageError> {
        for layer in images.layers() {
            self.adopt(&layer.file, &layer.descriptor)?;
        }
        for document in images.documents() {
            document.write(&self.directory)?;
        }
        write_whole(&self.directory.join("index.json"), &index_of(images, name)?)?;
        self.prune(images)
    }

    /// Makes a blob of a file that is somewhere else. A copy: what the cache keeps is its user's alone, and a layout is as
    /// readable as its directory.
    fn adopt(&self, file: &Utf8Path, descriptor: &Descriptor) -> Result<(), ImageError> {
        let blob = self.directory.join(descriptor.digest.blob_path());
        let is_there = fs_err::metadata(&blob).is_ok_and(|metadata| metadata.len() == descriptor.size);
        if file == blob || is_there {
            return Ok(());
        }
        let mut source = fs_err::File::open(file).at("read", file)?.into_file();
        let mut draft = Draft::create(&blob).at("create", &blob)?;
        std::io::copy(&mut source, draft.file()).at("create", &blob)?;
        draft.publish(0o644).at("create", &blob)
    }

    fn prune(&self, images: &Images) -> Result<(), ImageError> {
        let layers = images.layers();
        let used: BTreeSet<&str> = layers
            .iter()
            .map(|layer| layer.descriptor.digest.hex())
            .chain(images.documents().map(|document| document.descriptor.digest.hex()))
            .collect();
        let blobs = self.directory.join(BLOBS);
        for entry in fs_err::read_dir(&blobs).at("list", &blobs)? {
            let entry = entry.at("list", &blobs)?;
            if entry.file_name().to_str().is_none_or(|name| !used.contains(name)) {
                // Whatever cannot be removed only takes space.
                let _ = fs_err::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// An image replaces the one that was written here before, with its blobs. Anything else in a directory belongs to somebody
/// else, and is not touched.
fn check_is_ours(directory: &Utf8Path) -> Result<(), ImageError> {
    let refuse = |reason: &str| {
        Err(ImageError::Document {
            what: "the directory",
            from: directory.to_string(),
            reason: format!("{reason}\nhint: name an empty or a new directory"),
        })
    };
    let holds_more = |directory: &Utf8Path, name: &str| {
        fs_err::read_dir(directory)
            .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != name)))
    };
    let blobs = directory.join("blobs");
    // A build that was killed right at the beginning has left directories, and no lock yet.
    let is_used = holds_more(directory, "blobs")
        || holds_more(&blobs, ALGORITHM)
        || holds_more(&blobs.join(ALGORITHM), "");
    if is_used && !directory.join(LOCK).is_file() {
        return refuse("holds something other than an image of beamship's");
    }
    let file = directory.join("index.json");
    match fs_err::read(&file) {
        Ok(bytes) => {
            let index: Index = from_bytes(&bytes, "the index", directory.as_str())?;
            if index.manifests.len() > 1 {
                refuse("holds several images, and one would be left")
            } else {
                Ok(())
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).at("read", &file),
    }
}

/// `index.json` for one image under its name.
pub(crate) fn index_of(images: &Images, name: Option<&Reference>) -> Result<Vec<u8>, ImageError> {
    let mut descriptor = images.root()?.descriptor.clone();
    if let Some(name) = name {
        let annotations = &mut descriptor.annotations;
        annotations.insert(annotation::REF_NAME.to_owned(), name.tag_or_digest().to_owned());
        annotations.insert(annotation::CONTAINERD_NAME.to_owned(), full_name(name));
    }
    to_bytes(&Index::new(vec![descriptor]), "the index")
}

/// The name with its registry, as containerd wants it.
fn full_name(name: &Reference) -> String {
    format!("{}/{}:{}", name.registry(), name.repository(), name.tag_or_digest())
}

/// `oci-layout`.
pub(crate) fn version_file() -> &'static [u8] {
    VERSION
}

/// Writes a file so that it is never there in part.
pub(crate) fn write_whole(path: &Utf8Path, bytes: &[u8]) -> Result<(), ImageError> {
    tree::file::write(path, bytes, 0o644).at("write", path)
}

/// The documents of an image that exists already: read, not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The digest of its manifest.
    pub digest: Digest,
    /// Its manifest.
    pub manifest: Manifest,
    /// The configuration, as it is stored.
    pub config: Vec<u8>,
}

/// Something that gives the content for a digest.
pub trait Blobs {
    /// What it is called in messages.
    fn name(&self) -> String;

    /// The whole of a small content, checked against its digest.
    ///
    /// # Errors
    ///
    /// When it is not there, too large, or something else.
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError>;

    /// The descriptor and the bytes of what is asked for: an index or a manifest.
    ///
    /// # Errors
    ///
    /// When it is not there.
    fn root(&self) -> Result<(Descriptor, Vec<u8>), ImageError>;

    /// Copies a content of any size into a file that is called `target` in messages, checked against its digest.
    ///
    /// # Errors
    ///
    /// When it is not there, or something else.
    fn copy(
        &self,
        descriptor: &Descriptor,
        file: &mut dyn Write,
        target: &Utf8Path,
    ) -> Result<(), ImageError>;

    /// The registry and the repository that have it, where it is in one.
    fn origin(&self) -> Option<(String, String)> {
        None
    }
}

/// The manifests below an index, the index itself left out; a manifest alone is all there is.
///
/// # Errors
///
/// When a document is missing or damaged.
pub fn manifests(blobs: &dyn Blobs) -> Result<Vec<(Descriptor, Vec<u8>)>, ImageError> {
    let mut left = vec![blobs.root()?];
    let mut found = Vec::new();
    let mut indexes = 0;
    while let Some((descriptor, bytes)) = left.pop() {
        let is_index = matches!(descriptor.media_type.as_str(), media_type::INDEX | media_type::DOCKER_LIST);
        if !is_index {
            found.push((descriptor, bytes));
            continue;
        }
        let too_many = |what: &str| ImageError::Document {
            what: "the index",
            from: blobs.name(),
            reason: format!("holds too many {what}"),
        };
        indexes += 1;
        if indexes > INDEXES {
            return Err(too_many("indexes"));
        }
        let index: Index = from_bytes(&bytes, "the index", &blobs.name())?;
        // Statements about an image are in the index too, for a platform that no machine has.
        let is_for_machines = |descriptor: &Descriptor| {
            descriptor.platform.as_ref().is_none_or(|platform| platform.os != "unknown")
        };
        let below: Vec<_> = index.manifests.into_iter().rev().filter(is_for_machines).collect();
        if below.len() + left.len() + found.len() > MANIFESTS {
            return Err(too_many("images"));
        }
        for descriptor in below {
            let bytes = blobs.document(&descriptor)?;
            left.push((descriptor, bytes));
        }
    }
    Ok(found)
}

/// Reads what is stored under a manifest's descriptor.
///
/// # Errors
///
/// When a document is missing or damaged.
pub fn stored(blobs: &dyn Blobs, descriptor: &Descriptor, bytes: &[u8]) -> Result<Stored, ImageError> {
    let manifest: Manifest = from_bytes(bytes, "the manifest", &blobs.name())?;
    let config = blobs.document(&manifest.config)?;
    Ok(Stored { digest: descriptor.digest.clone(), manifest, config })
}

/// Checks a content against the digest that it was asked for by.
pub(crate) fn check(bytes: &[u8], digest: &Digest, from: &str) -> Result<(), ImageError> {
    let found = Digest::of(bytes);
    if found == *digest {
        return Ok(());
    }
    Err(ImageError::WrongDigest {
        from: from.to_owned(),
        expected: digest.to_string(),
        found: found.to_string(),
    })
}
