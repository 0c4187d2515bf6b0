//! Sending an image: what is there is not sent, what breaks is resumed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use camino::Utf8Path;
use ureq::http::Method;

use super::{Answer, Body, Call, Registry, RegistryError};
use crate::digest::Digest;
use crate::image::{Document, Images};
use crate::layer::Layer;
use crate::reference::{Reference, is_loopback};

/// Blobs that are sent at the same time.
const PARALLEL: usize = 3;

/// The size of a piece of a blob in bytes: what is sent again, at most, after a broken connection.
const PIECE: u64 = 16 * 1024 * 1024;

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
/// whoever is interrupted has published nothing.
///
/// # Errors
///
/// When the registry refuses something, or is out of reach for longer than there is patience.
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
                // The first failure is the one that is told.
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
struct Blob<'a> {
    /// For messages.
    title: String,
    digest: &'a Digest,
    size: u64,
    content: Content<'a>,
    /// Registry and repository that have it.
    origin: Option<&'a (String, String)>,
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

    fn piece(&self, offset: u64, length: u64) -> Body<'a> {
        match self.content {
            Content::File(file) => Body::Part { file, offset, length },
            Content::Bytes(bytes) => {
                let range = usize::try_from(offset).ok().zip(usize::try_from(offset + length).ok());
                Body::Bytes(range.and_then(|(start, end)| bytes.get(start..end)).unwrap_or_default())
            }
        }
    }
}

enum Outcome {
    Sent,
    Present,
    Mounted,
}

/// A place where the registry takes a blob.
struct Upload {
    url: String,
    piece: u64,
}

/// What to do after a piece.
enum Step {
    /// So much has arrived.
    Arrived(u64),
    /// The registry knows nothing of it any more.
    Lost,
}

impl Registry {
    fn push_blob(&self, blob: &Blob<'_>, arrived: &dyn Fn(u64)) -> Result<Outcome, RegistryError> {
        if self.has_blob(blob)? {
            arrived(blob.size);
            return Ok(Outcome::Present);
        }
        let mut failures = 0;
        let mut told = 0;
        let Some(mut upload) = self.start_upload(blob)? else {
            arrived(blob.size);
            return Ok(Outcome::Mounted);
        };
        let mut offset = 0;
        loop {
            let before = offset;
            let sent = if offset < blob.size {
                self.send_piece(blob, &mut upload, offset)
            } else {
                match self.finish_upload(blob, &upload) {
                    Ok(true) => {
                        arrived(blob.size - told);
                        return Ok(Outcome::Sent);
                    }
                    Ok(false) => Ok(Step::Lost),
                    Err(error) => Err(error),
                }
            };
            let failure = match sent {
                Ok(Step::Arrived(now)) if now > before => {
                    offset = now;
                    failures = 0;
                    if now > told {
                        arrived(now - told);
                        told = now;
                    }
                    continue;
                }
                Ok(_) => None,
                Err(error) if error.is_transient() => Some(error),
                Err(error) => return Err(error),
            };
            failures += 1;
            if failures >= self.patience.attempts {
                return Err(failure.unwrap_or_else(|| RegistryError::Nonsense {
                    registry: self.reference().registry().to_owned(),
                    action: format!("push {} to", blob.title),
                    reason: "is, again and again, that nothing of it has arrived".to_owned(),
                }));
            }
            self.pause(failures, None);
            // The last answer may have been lost, and not what was sent.
            if self.has_blob(blob)? {
                arrived(blob.size - told);
                return Ok(Outcome::Sent);
            }
            offset = match self.arrived(blob, &upload)? {
                Step::Arrived(now) if failure.is_some() && now <= blob.size => now,
                _ => match self.start_upload(blob)? {
                    Some(anew) => {
                        upload = anew;
                        0
                    }
                    None => return Ok(Outcome::Mounted),
                },
            };
        }
    }

    fn call<'a>(&self, blob: &Blob<'_>, method: Method, url: String, body: Body<'a>) -> Call<'a> {
        Call { action: format!("push {} to", blob.title), method, url, headers: Vec::new(), body }
    }

    fn has_blob(&self, blob: &Blob<'_>) -> Result<bool, RegistryError> {
        let url = self.url(&format!("blobs/{}", blob.digest));
        let answer = self.ask(&self.call(blob, Method::HEAD, url, Body::None))?;
        match answer.status() {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(answer.refusal()),
        }
    }

    /// Asks for a place; none when the registry has taken the blob from where it has it already.
    fn start_upload(&self, blob: &Blob<'_>) -> Result<Option<Upload>, RegistryError> {
        let mut url = self.url("blobs/uploads/");
        if let Some((registry, repository)) = blob.origin
            && registry == self.reference().registry()
            && repository != self.reference().repository()
        {
            self.authorization().add_source(repository);
            url.push_str(&format!("?mount={}&from={repository}", blob.digest));
        }
        let mut call = self.call(blob, Method::POST, url, Body::Bytes(b""));
        call.headers.push(("content-type", "application/octet-stream".to_owned()));
        let answer = self.ask(&call)?.expect(&[201, 202])?;
        if answer.status() == 201 {
            return Ok(None);
        }
        let least = answer.header("oci-chunk-min-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let url = self.location(&answer)?;
        Ok(Some(Upload { url, piece: PIECE.max(least) }))
    }

    fn send_piece(&self, blob: &Blob<'_>, upload: &mut Upload, offset: u64) -> Result<Step, RegistryError> {
        let length = upload.piece.min(blob.size - offset);
        let end = offset + length;
        let mut call = self.call(blob, Method::PATCH, upload.url.clone(), blob.piece(offset, length));
        call.headers.push(("content-type", "application/octet-stream".to_owned()));
        // Not every registry knows pieces: what goes as a whole says nothing of them.
        if length < blob.size {
            call.headers.push(("content-range", format!("{offset}-{}", end - 1)));
        }
        let answer = self.ask_once(&call)?;
        match answer.status() {
            201 | 202 | 204 => {
                let arrived = range_end(&answer).filter(|arrived| (1..=end).contains(arrived));
                upload.url = self.location(&answer)?;
                Ok(Step::Arrived(arrived.unwrap_or(end)))
            }
            404 | 410 | 416 => Ok(Step::Lost),
            _ if answer.is_transient() => Err(self.busy(blob, answer)),
            _ => Err(answer.refusal()),
        }
    }

    /// How much the registry has got.
    fn arrived(&self, blob: &Blob<'_>, upload: &Upload) -> Result<Step, RegistryError> {
        let answer = self.ask(&self.call(blob, Method::GET, upload.url.clone(), Body::None))?;
        Ok(match answer.status() {
            // `0-0` is one byte or none, and so counts as none.
            200 | 204 => Step::Arrived(range_end(&answer).filter(|end| *end > 1).unwrap_or(0)),
            _ => Step::Lost,
        })
    }

    /// Says that this was all; whether the registry agrees.
    fn finish_upload(&self, blob: &Blob<'_>, upload: &Upload) -> Result<bool, RegistryError> {
        let separator = if upload.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}digest={}", upload.url, blob.digest);
        let mut call = self.call(blob, Method::PUT, url, Body::Bytes(b""));
        call.headers.push(("content-type", "application/octet-stream".to_owned()));
        let answer = self.ask_once(&call)?;
        match answer.status() {
            201 | 204 => {
                self.check_digest(&answer, blob.digest)?;
                Ok(true)
            }
            // The pieces were not what they should have been, or the place is gone.
            400 | 404 | 410 | 416 => Ok(false),
            _ if answer.is_transient() => Err(self.busy(blob, answer)),
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

    fn check_digest(&self, answer: &Answer, expected: &Digest) -> Result<(), RegistryError> {
        match answer.header("docker-content-digest") {
            Some(found) if found != expected.as_str() => Err(RegistryError::WrongDigest {
                registry: self.reference().registry().to_owned(),
                expected: expected.to_string(),
                found: found.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// A registry that is busy is as good as one that does not answer, once it has had its pause.
    fn busy(&self, blob: &Blob<'_>, answer: Answer) -> RegistryError {
        if let Some(pause) = answer.retry_after() {
            self.pause(1, Some(pause));
        }
        RegistryError::Unreachable {
            registry: self.reference().registry().to_owned(),
            action: format!("push {} to", blob.title),
            reason: answer.refusal().to_string(),
        }
    }

    /// The address in an answer, whole. What was sent in confidence goes nowhere in the clear.
    fn location(&self, answer: &Answer) -> Result<String, RegistryError> {
        let location = answer.header("location").unwrap_or_default();
        if location.starts_with('/') {
            return Ok(format!("{}{location}", self.reference().base_url()));
        }
        let host = location.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        let is_good = location.starts_with("https://") || host.is_some_and(is_loopback);
        if is_good { Ok(location.to_owned()) } else { Err(answer.nonsense("names no place to send to")) }
    }
}

/// The number of bytes that `Range: 0-END` tells of.
fn range_end(answer: &Answer) -> Option<u64> {
    let range = answer.header("range")?;
    let (_, end) = range.trim_start_matches("bytes=").split_once('-')?;
    end.trim().parse::<u64>().ok()?.checked_add(1)
}

impl Reference {
    /// What `--push` publishes has a tag: a digest alone is no name to give.
    pub fn is_tagged(&self) -> bool {
        self.digest().is_none()
    }
}
