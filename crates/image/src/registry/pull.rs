//! Fetching images: documents and layers, each checked against its digest.

use std::io::{Read, Write};

use camino::Utf8Path;
use sha2::{Digest as _, Sha256};
use ureq::http::Method;

use super::retry::Retry;
use super::{Body, Call, Registry, RegistryError};
use crate::digest::Digest;
use crate::document::{Descriptor, media_type};
use crate::error::{At, ImageError};
use crate::layout::{self, Blobs};

/// An image in a registry.
#[derive(Debug)]
pub struct Remote {
    registry: Registry,
}

impl Remote {
    /// The image that a registry was made for.
    pub fn new(registry: Registry) -> Self {
        Self { registry }
    }

    fn get(&self, action: &str, path: &str) -> Call<'static> {
        Call {
            action: action.to_owned(),
            method: Method::GET,
            url: self.registry.url(path),
            headers: Vec::new(),
            body: Body::None,
        }
    }

    fn manifest(&self, name: &str) -> Result<(String, Vec<u8>), RegistryError> {
        let mut call = self.get("read the manifest from", &format!("manifests/{name}"));
        let accepted =
            [media_type::INDEX, media_type::MANIFEST, media_type::DOCKER_LIST, media_type::DOCKER_MANIFEST];
        call.headers.push(("accept", accepted.join(", ")));
        let answer = self.registry.ask(&call)?.expect(&[200])?;
        let kind = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        if !accepted.contains(&kind) {
            return Err(answer.unexpected(&format!("has the unknown media type `{kind}`")));
        }
        let kind = kind.to_owned();
        Ok((kind, answer.bytes()?))
    }

    /// Fetches a layer into a file, and goes on where a broken connection has left it.
    fn fetch(
        &self,
        descriptor: &Descriptor,
        file: &mut dyn Write,
        target: &Utf8Path,
    ) -> Result<(), ImageError> {
        let mut download =
            LayerDownload { size: descriptor.size, file, target, hash: Sha256::new(), received: 0 };
        let mut retry = Retry::new(self.registry.retry_policy);
        while download.received < descriptor.size {
            let before = download.received;
            let mut call = self.get("fetch a layer from", &format!("blobs/{}", descriptor.digest));
            if before > 0 {
                call.headers.push(("range", format!("bytes={before}-")));
            }
            let answer = self.registry.ask(&call)?.expect(&[200, 206])?;
            // A registry that does not know ranges sends the whole layer again.
            let skipped = if answer.status() == 200 { before } else { 0 };
            let reading = download.read_until_broken(answer.into_reader(), skipped)?;
            let Reading::Broken(reason) = reading else { break };
            if download.received > before {
                retry.reset();
                retry.pause(None);
            } else if !retry.again(None) {
                let registry = self.registry.reference().registry().to_owned();
                return Err(RegistryError::Unreachable { registry, action: call.action, reason }.into());
            }
        }
        let LayerDownload { hash, received, .. } = download;
        let found = Digest::from_sha256(hash.finalize().into());
        if received == descriptor.size && found == descriptor.digest {
            return Ok(());
        }
        Err(ImageError::WrongDigest {
            from: self.name(),
            expected: descriptor.digest.to_string(),
            found: found.to_string(),
        })
    }
}

/// A layer that is being fetched into a file.
struct LayerDownload<'a> {
    size: u64,
    file: &'a mut dyn Write,
    target: &'a Utf8Path,
    /// The digest of what has been received.
    hash: Sha256,
    received: u64,
}

/// How the body of an answer ended.
enum Reading {
    /// The layer is complete.
    Done,
    /// The connection broke, for this reason.
    Broken(String),
}

impl LayerDownload<'_> {
    /// Reads a body, its beginning left out, until the layer is complete or the connection breaks.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    fn read_until_broken(&mut self, mut body: impl Read, skipped: u64) -> Result<Reading, ImageError> {
        if let Err(error) = std::io::copy(&mut (&mut body).take(skipped), &mut std::io::sink()) {
            return Ok(Reading::Broken(error.to_string()));
        }
        let mut buffer = [0; 64 * 1024];
        while self.received < self.size {
            let length = match body.read(&mut buffer) {
                Ok(0) => return Ok(Reading::Broken("the connection ended too early".to_owned())),
                Ok(length) => length,
                Err(error) => return Ok(Reading::Broken(error.to_string())),
            };
            self.hash.update(&buffer[..length]);
            self.file.write_all(&buffer[..length]).at("write", self.target)?;
            self.received += length as u64;
        }
        Ok(Reading::Done)
    }
}

impl Blobs for Remote {
    fn name(&self) -> String {
        self.registry.reference().to_string()
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        let is_manifest = matches!(
            descriptor.media_type.as_str(),
            media_type::INDEX | media_type::MANIFEST | media_type::DOCKER_LIST | media_type::DOCKER_MANIFEST
        );
        let bytes = if is_manifest {
            self.manifest(descriptor.digest.as_str())?.1
        } else {
            let call = self.get("read the configuration from", &format!("blobs/{}", descriptor.digest));
            self.registry.ask(&call)?.expect(&[200])?.bytes()?
        };
        layout::check(&bytes, &descriptor.digest, &self.name())?;
        Ok(bytes)
    }

    fn root(&self) -> Result<(Descriptor, Vec<u8>), ImageError> {
        let reference = self.registry.reference();
        let (kind, bytes) = self.manifest(reference.tag_or_digest())?;
        if let Some(digest) = reference.digest() {
            layout::check(&bytes, digest, &self.name())?;
        }
        Ok((Descriptor::of(&kind, &bytes), bytes))
    }

    fn copy(
        &self,
        descriptor: &Descriptor,
        file: &mut dyn Write,
        target: &Utf8Path,
    ) -> Result<(), ImageError> {
        self.fetch(descriptor, file, target)
    }

    fn origin(&self) -> Option<(String, String)> {
        let reference = self.registry.reference();
        Some((reference.registry().to_owned(), reference.repository().to_owned()))
    }
}
