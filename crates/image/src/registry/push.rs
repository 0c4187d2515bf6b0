//! Sending an image: its blobs first, several at a time and only those that the registry lacks, then its manifest.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use camino::Utf8Path;
use ureq::http::Method;

use super::upload::BlobUpload;
use super::{Body, Call, Registry, RegistryError};
use crate::digest::Digest;
use crate::image::{Document, Images};
use crate::layer::Layer;
use crate::reference::Reference;

/// Blobs that are sent at the same time.
const PARALLEL: usize = 3;

/// What has been sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// The digest by which the image can be pulled.
    pub digest: Option<Digest>,
    /// Bytes of layers, configurations and manifests that were sent.
    pub sent: u64,
    /// Bytes that the registry had already.
    pub present: u64,
    /// Bytes that the registry took over from another repository of its own.
    pub mounted: u64,
}

/// Hears how many bytes have arrived, of how many.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// Sends images to the repository that the registry was made for, and publishes them under its tag. The tag is set last:
/// a push that is interrupted has published nothing.
///
/// # Errors
///
/// When the registry refuses something, or fails more often than its [`RetryPolicy`](super::RetryPolicy) allows.
pub fn push(registry: &Registry, images: &Images, progress: Progress<'_>) -> Result<Pushed, RegistryError> {
    let mut blobs: Vec<Blob<'_>> = images.layers().into_iter().map(Blob::of_layer).collect();
    blobs.extend(images.images.iter().map(|image| Blob::of_config(&image.config)));
    let mut pushed = send_all(registry, &blobs, progress)?;
    let tag = registry.reference().clone();
    let mut root = None;
    for image in &images.images {
        let name = match &images.index {
            Some(_) => image.manifest.descriptor.digest.as_str(),
            None => tag.tag_or_digest(),
        };
        registry.put_manifest(&image.manifest, name)?;
        pushed.sent += image.manifest.descriptor.size;
        root = Some(image.manifest.descriptor.digest.clone());
    }
    if let Some(index) = &images.index {
        registry.put_manifest(index, tag.tag_or_digest())?;
        pushed.sent += index.descriptor.size;
        root = Some(index.descriptor.digest.clone());
    }
    pushed.digest = root;
    Ok(pushed)
}

/// Sends several blobs at a time; the first failure ends it.
fn send_all(
    registry: &Registry,
    blobs: &[Blob<'_>],
    progress: Progress<'_>,
) -> Result<Pushed, RegistryError> {
    let total = blobs.iter().map(|blob| blob.size).sum();
    let arrived = AtomicU64::new(0);
    let next = AtomicUsize::new(0);
    let has_failed = AtomicBool::new(false);
    let result = Mutex::new(Ok(Pushed::default()));
    let work = || {
        while !has_failed.load(Ordering::Relaxed) {
            let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            let sent = registry.push_blob(blob, &|bytes| {
                let before = arrived.fetch_add(bytes, Ordering::Relaxed);
                progress((before + bytes).min(total), total);
            });
            let mut result = result.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match (sent, &mut *result) {
                (Ok(Outcome::Sent), Ok(pushed)) => pushed.sent += blob.size,
                (Ok(Outcome::Present), Ok(pushed)) => pushed.present += blob.size,
                (Ok(Outcome::Mounted), Ok(pushed)) => pushed.mounted += blob.size,
                (Err(error), Ok(_)) => {
                    *result = Err(error);
                    has_failed.store(true, Ordering::Relaxed);
                }
                // The first failure is the one that is reported.
                (_, Err(_)) => {}
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..PARALLEL.min(blobs.len()) {
            scope.spawn(work);
        }
        work();
    });
    result.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A content to be sent.
pub(super) struct Blob<'a> {
    /// For messages.
    title: String,
    pub(super) digest: &'a Digest,
    pub(super) size: u64,
    content: Content<'a>,
    /// Registry and repository that have it.
    pub(super) origin: Option<&'a (String, String)>,
}

#[derive(Clone, Copy)]
enum Content<'a> {
    File(&'a Utf8Path),
    Bytes(&'a [u8]),
}

impl<'a> Blob<'a> {
    fn of_layer(layer: &'a Layer) -> Self {
        Self {
            title: format!("the layer `{}`", layer.title),
            digest: &layer.descriptor.digest,
            size: layer.descriptor.size,
            content: Content::File(&layer.file),
            origin: layer.origin.as_ref(),
        }
    }

    fn of_config(document: &'a Document) -> Self {
        Self {
            title: "the configuration".to_owned(),
            digest: &document.descriptor.digest,
            size: document.descriptor.size,
            content: Content::Bytes(&document.bytes),
            origin: None,
        }
    }

    /// What is done with it, for messages.
    fn action(&self) -> String {
        format!("push {} to", self.title)
    }

    /// A request that is about it.
    pub(super) fn call<'b>(&self, method: Method, url: String, body: Body<'b>) -> Call<'b> {
        Call { action: self.action(), method, url, headers: Vec::new(), body }
    }

    /// Its content. `progress` hears how many bytes of it have been sent.
    pub(super) fn body<'b>(&'b self, progress: &'b dyn Fn(u64)) -> Body<'b> {
        match self.content {
            Content::File(file) => Body::File { file, size: self.size, progress },
            Content::Bytes(bytes) => Body::Bytes(bytes),
        }
    }
}

/// How a blob has come into the repository.
pub(super) enum Outcome {
    /// It was sent.
    Sent,
    /// It was there before.
    Present,
    /// The registry has taken it from another repository of its own.
    Mounted,
}

impl Registry {
    fn push_blob(&self, blob: &Blob<'_>, progress: &dyn Fn(u64)) -> Result<Outcome, RegistryError> {
        if !self.has_blob(blob)? {
            return BlobUpload::new(self, blob, progress).run();
        }
        progress(blob.size);
        Ok(Outcome::Present)
    }

    pub(super) fn has_blob(&self, blob: &Blob<'_>) -> Result<bool, RegistryError> {
        let url = self.url(&format!("blobs/{}", blob.digest));
        let answer = self.ask(&blob.call(Method::HEAD, url, Body::None))?;
        match answer.status() {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(answer.refusal()),
        }
    }

    fn put_manifest(&self, document: &Document, name: &str) -> Result<(), RegistryError> {
        let call = Call {
            action: "publish the image in".to_owned(),
            method: Method::PUT,
            url: self.url(&format!("manifests/{name}")),
            headers: vec![("content-type", document.descriptor.media_type.clone())],
            body: Body::Bytes(&document.bytes),
        };
        let answer = self.ask(&call)?.expect(&[201])?;
        self.check_digest(&answer, &document.descriptor.digest)
    }
}

impl Reference {
    /// Whether it names a tag, as what is published has to: a digest follows from the content and cannot be chosen.
    pub fn is_tagged(&self) -> bool {
        self.digest().is_none()
    }
}
