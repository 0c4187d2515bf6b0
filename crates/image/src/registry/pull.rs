//! Fetching images: documents and layers, each checked against its digest.

use std::io::{Read, Write};

use camino::Utf8Path;
use sha2::{Digest as _, Sha256};
use ureq::http::Method;

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
            return Err(answer.nonsense(&format!("is of a kind that is not known: `{kind}`")));
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
        let name = self.name();
        let mut hash = Sha256::new();
        let mut done = 0_u64;
        let mut failures = 0;
        while done < descriptor.size {
            let mut call = self.get("fetch a layer from", &format!("blobs/{}", descriptor.digest));
            if done > 0 {
                call.headers.push(("range", format!("bytes={done}-")));
            }
            let answer = self.registry.ask(&call)?.expect(&[200, 206])?;
            let skip = if answer.status() == 200 { done } else { 0 };
            let mut reader = answer.into_reader();
            // Who does not know parts sends the whole again.
            let skipped = std::io::copy(&mut (&mut reader).take(skip), &mut std::io::sink());
            let before = done;
            let reason = loop {
                let mut buffer = [0; 64 * 1024];
                match skipped
                    .as_ref()
                    .map_err(ToString::to_string)
                    .and_then(|_| reader.read(&mut buffer).map_err(|error| error.to_string()))
                {
                    Ok(0) => break "the connection ended too early".to_owned(),
                    Ok(read) => {
                        let read = &buffer[..read];
                        hash.update(read);
                        file.write_all(read).at("write", target)?;
                        done += read.len() as u64;
                        if done >= descriptor.size {
                            break String::new();
                        }
                    }
                    Err(error) => break error,
                }
            };
            failures = if done > before { 0 } else { failures + 1 };
            if failures >= self.registry.patience.attempts {
                return Err(RegistryError::Unreachable {
                    registry: self.registry.reference().registry().to_owned(),
                    action: call.action,
                    reason,
                }
                .into());
            }
            if done < descriptor.size {
                self.registry.pause(failures + 1, None);
            }
        }
        let found = Digest::from_sha256(hash.finalize().into());
        if done == descriptor.size && found == descriptor.digest {
            return Ok(());
        }
        Err(ImageError::WrongDigest {
            from: name,
            expected: descriptor.digest.to_string(),
            found: found.to_string(),
        })
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
