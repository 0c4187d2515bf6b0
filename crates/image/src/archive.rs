//! An image as one file: an OCI layout in a tar file that `docker load` reads too.
//!
//! Docker before version 25 knows only its own form of archive: `manifest.json` beside the blobs. Both are in the file, and
//! refer to the same blobs.

use std::io::{self, Read, Seek, SeekFrom, Write};

use camino::Utf8Path;
use serde::Serialize;
use tree::file::{Draft, create_directories};

use crate::digest::Digest;
use crate::document::{Descriptor, Index, from_bytes};
use crate::error::{At, ImageError};
use crate::image::{Images, open};
use crate::layout::{self, Blobs, LARGEST_DOCUMENT};
use crate::reference::Reference;

/// An entry of Docker's `manifest.json`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// Writes an archive to a file, all or nothing.
///
/// # Errors
///
/// When the file cannot be written; then the earlier one is still there.
pub fn write(images: &Images, name: Option<&Reference>, target: &Utf8Path) -> Result<u64, ImageError> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    };
    create_directories(directory).at("create the directory", directory)?;
    let mut draft = Draft::create(target).at("create", target)?;
    write_to(images, name, &mut io::BufWriter::new(&mut draft), target)?;
    let size = draft.file().metadata().at("look at", target)?.len();
    draft.publish(0o644).at("create", target)?;
    Ok(size)
}

/// Writes an archive to a stream, which is called `target` in messages.
///
/// # Errors
///
/// When the reader is gone, or a layer cannot be read.
pub fn write_to(
    images: &Images,
    name: Option<&Reference>,
    writer: &mut dyn Write,
    target: &Utf8Path,
) -> Result<(), ImageError> {
    let mut archive = tar::Builder::new(writer);
    let mut small = |path: &str, bytes: &[u8]| {
        let mut header = header(bytes.len() as u64);
        archive.append_data(&mut header, path, bytes).at("write", target)
    };
    small("oci-layout", layout::version_file())?;
    small("index.json", &layout::index_of(images, name)?)?;
    small("manifest.json", &docker_manifest(images, name)?)?;
    for document in images.documents() {
        small(&document.descriptor.digest.blob_path(), &document.bytes)?;
    }
    for layer in images.layers() {
        let mut header = header(layer.descriptor.size);
        let file = open(layer)?;
        archive.append_data(&mut header, layer.descriptor.digest.blob_path(), file).at("write", target)?;
    }
    archive.finish().at("write", target)?;
    let writer = archive.into_inner().at("write", target)?;
    writer.flush().at("write", target)
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(tar::EntryType::Regular);
    header
}

/// Docker's form has no platforms: it describes the first image.
fn docker_manifest(images: &Images, name: Option<&Reference>) -> Result<Vec<u8>, ImageError> {
    let entry = |image: &crate::Image| DockerImage {
        config: image.config.descriptor.digest.blob_path(),
        repo_tags: name.map(Reference::familiar).into_iter().collect(),
        layers: image.layers.iter().map(|layer| layer.descriptor.digest.blob_path()).collect(),
    };
    let entries: Vec<_> = images.images.iter().take(1).map(entry).collect();
    crate::document::to_bytes(&entries, "the manifest for Docker")
}

/// The blobs of an archive or of a layout on disk.
#[derive(Debug)]
pub struct StoredBlobs {
    name: String,
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Directory(camino::Utf8PathBuf),
    /// The file, and where each member is in it.
    Archive(fs_err::File, std::collections::BTreeMap<String, (u64, u64)>),
}

impl StoredBlobs {
    /// Opens a layout or an archive of one; none when it is neither.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn open(path: &Utf8Path) -> Result<Option<Self>, ImageError> {
        let name = path.to_string();
        if path.is_dir() {
            let is_layout = path.join("oci-layout").is_file();
            return Ok(is_layout.then(|| Self { name, storage: Storage::Directory(path.to_owned()) }));
        }
        if !path.is_file() {
            return Ok(None);
        }
        let file = fs_err::File::open(path).at("read", path)?;
        let mut members = std::collections::BTreeMap::new();
        let mut archive = tar::Archive::new(&file);
        for entry in archive.entries_with_seek().at("read", path)? {
            let Ok(entry) = entry else { return Ok(None) };
            if let Ok(member) = entry.path()
                && let Some(member) = member.to_str()
            {
                // `tar -C layout -c .` begins all names with a dot.
                let member = member.strip_prefix("./").unwrap_or(member);
                members.insert(member.to_owned(), (entry.raw_file_position(), entry.size()));
            }
        }
        let is_layout = members.contains_key("index.json");
        Ok(is_layout.then(|| Self { name, storage: Storage::Archive(file, members) }))
    }

    /// Opens a content to read it.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub fn blob(&self, digest: &Digest) -> Result<Box<dyn Read + '_>, ImageError> {
        self.member(&digest.blob_path())
    }

    fn member(&self, path: &str) -> Result<Box<dyn Read + '_>, ImageError> {
        match &self.storage {
            Storage::Directory(directory) => {
                let path = directory.join(path);
                Ok(Box::new(fs_err::File::open(&path).at("read", &path)?))
            }
            Storage::Archive(file, members) => {
                let missing = || io::Error::from(io::ErrorKind::NotFound);
                let (position, size) = members
                    .get(path)
                    .copied()
                    .ok_or_else(missing)
                    .at("read", format!("{}/{path}", self.name))?;
                let mut file = file.file();
                file.seek(SeekFrom::Start(position)).at("read", &self.name)?;
                Ok(Box::new(file.take(size)))
            }
        }
    }

    fn small(&self, path: &str) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        self.member(path)?.take(LARGEST_DOCUMENT).read_to_end(&mut bytes).at("read", &self.name)?;
        Ok(bytes)
    }
}

impl Blobs for StoredBlobs {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        let bytes = self.small(&descriptor.digest.blob_path())?;
        layout::check(&bytes, &descriptor.digest, &self.name)?;
        Ok(bytes)
    }

    fn root(&self) -> Result<(Descriptor, Vec<u8>), ImageError> {
        let bytes = self.small("index.json")?;
        let index: Index = from_bytes(&bytes, "the index", &self.name)?;
        match index.manifests.as_slice() {
            // One image under one name, as we write it.
            [only] => Ok((only.clone(), self.document(only)?)),
            _ => Ok((Descriptor::of(crate::document::media_type::INDEX, &bytes), bytes)),
        }
    }

    fn copy(
        &self,
        descriptor: &Descriptor,
        file: &mut dyn Write,
        target: &Utf8Path,
    ) -> Result<(), ImageError> {
        let mut writer = crate::digest::Hashing::new(file);
        io::copy(&mut self.blob(&descriptor.digest)?, &mut writer).at("write", target)?;
        let (_, found, _) = writer.finish();
        if found == descriptor.digest {
            return Ok(());
        }
        Err(ImageError::WrongDigest {
            from: self.name.clone(),
            expected: descriptor.digest.to_string(),
            found: found.to_string(),
        })
    }
}
