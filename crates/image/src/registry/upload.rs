//! A blob on its way to a registry: sent in pieces, and resumed where a broken connection has left it.
//!
//! A session is opened, takes the pieces one after the other, and is closed with the digest of the whole (OCI distribution
//! specification, "Pushing a blob in chunks"). After a failure three things may be true: the blob is there and only the answer
//! was lost, the session has a part of it, or the session is gone and everything is sent again.

use ureq::http::Method;

use super::push::{Blob, Outcome};
use super::retry::{Retry, pause};
use super::{Answer, Body, Registry, RegistryError};
use crate::digest::Digest;
use crate::reference::is_loopback;

/// The size of a piece of a blob in bytes: what is sent again, at most, after a broken connection.
const PIECE: u64 = 16 * 1024 * 1024;

/// A blob that is being sent.
pub(super) struct BlobUpload<'a> {
    registry: &'a Registry,
    blob: &'a Blob<'a>,
    session: Session,
    /// How much of the blob the registry has received, as far as is known.
    offset: u64,
    /// How much of it has been reported as progress, which never goes back.
    reported: u64,
    retry: Retry,
    progress: &'a dyn Fn(u64),
}

/// Where the registry takes the next piece of a blob.
struct Session {
    url: String,
    piece_size: u64,
}

/// What one step of an upload has achieved.
enum Step {
    /// The registry has received more than before.
    Advanced,
    /// It has the whole blob.
    Complete,
    /// It does not know the session any more, or receives nothing.
    Lost,
}

impl<'a> BlobUpload<'a> {
    /// Opens a session; none when the registry has taken the blob from another repository of its own. `progress` is called
    /// with the number of bytes that have arrived since the last call.
    pub(super) fn start(
        registry: &'a Registry,
        blob: &'a Blob<'a>,
        progress: &'a dyn Fn(u64),
    ) -> Result<Option<Self>, RegistryError> {
        let Some(session) = registry.open_session(blob)? else { return Ok(None) };
        let retry = Retry::new(registry.retry_policy);
        Ok(Some(Self { registry, blob, session, offset: 0, reported: 0, retry, progress }))
    }

    /// Sends the whole blob.
    ///
    /// # Errors
    ///
    /// When the registry refuses it, or fails more often than the policy allows.
    pub(super) fn run(mut self) -> Result<Outcome, RegistryError> {
        loop {
            let failure = match self.step() {
                Ok(Step::Advanced) => continue,
                Ok(Step::Complete) => break self.complete(Outcome::Sent),
                Ok(Step::Lost) => None,
                Err(error) if error.is_transient() => Some(error),
                Err(error) => break Err(error),
            };
            let is_session_lost = failure.is_none();
            if !self.retry.again(None) {
                break Err(failure.unwrap_or_else(|| self.nothing_received()));
            }
            if let Some(outcome) = self.resume(is_session_lost)? {
                break self.complete(outcome);
            }
        }
    }

    /// Sends the next piece, or closes the session after the last one.
    fn step(&mut self) -> Result<Step, RegistryError> {
        if self.offset >= self.blob.size {
            return Ok(if self.close()? { Step::Complete } else { Step::Lost });
        }
        match self.send_piece()? {
            Some(received) if received > self.offset => {
                self.offset = received;
                self.retry.reset();
                self.report(received);
                Ok(Step::Advanced)
            }
            _ => Ok(Step::Lost),
        }
    }

    /// Finds out where to go on after a failure; returns the outcome when there is nothing left to do.
    fn resume(&mut self, is_session_lost: bool) -> Result<Option<Outcome>, RegistryError> {
        // The last answer may have been lost, and not what was sent.
        if self.registry.has_blob(self.blob)? {
            return Ok(Some(Outcome::Sent));
        }
        let received = if is_session_lost { None } else { self.received()? };
        if let Some(received) = received.filter(|received| *received <= self.blob.size) {
            self.offset = received;
            return Ok(None);
        }
        match self.registry.open_session(self.blob)? {
            Some(session) => {
                self.session = session;
                self.offset = 0;
                Ok(None)
            }
            None => Ok(Some(Outcome::Mounted)),
        }
    }

    fn complete(&mut self, outcome: Outcome) -> Result<Outcome, RegistryError> {
        self.report(self.blob.size);
        Ok(outcome)
    }

    fn report(&mut self, received: u64) {
        if received > self.reported {
            (self.progress)(received - self.reported);
            self.reported = received;
        }
    }

    /// Sends the piece at the offset; returns how much the registry has received then, or none when the session is gone.
    fn send_piece(&mut self) -> Result<Option<u64>, RegistryError> {
        let length = self.session.piece_size.min(self.blob.size - self.offset);
        let end = self.offset + length;
        let body = self.blob.piece(self.offset, length);
        let mut call = self.blob.call(Method::PATCH, self.session.url.clone(), body);
        call.headers.push(("content-type", "application/octet-stream".to_owned()));
        // Not every registry supports pieces: a blob that is sent whole does not mention them.
        if length < self.blob.size {
            call.headers.push(("content-range", format!("{}-{}", self.offset, end - 1)));
        }
        let answer = self.registry.ask_once(&call)?;
        match answer.status() {
            201 | 202 | 204 => {
                let received = range_end(&answer).filter(|received| (1..=end).contains(received));
                self.session.url = self.registry.location(&answer)?;
                Ok(Some(received.unwrap_or(end)))
            }
            404 | 410 | 416 => Ok(None),
            _ if answer.is_transient() => Err(self.busy(answer)),
            _ => Err(answer.refusal()),
        }
    }

    /// How much the registry has received; none when the session is gone.
    fn received(&self) -> Result<Option<u64>, RegistryError> {
        let call = self.blob.call(Method::GET, self.session.url.clone(), Body::None);
        let answer = self.registry.ask(&call)?;
        Ok(match answer.status() {
            // `0-0` is one byte or none, and so counts as none.
            200 | 204 => Some(range_end(&answer).filter(|end| *end > 1).unwrap_or(0)),
            _ => None,
        })
    }

    /// Says that this was all; whether the registry agrees.
    fn close(&self) -> Result<bool, RegistryError> {
        let separator = if self.session.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}digest={}", self.session.url, self.blob.digest);
        let mut call = self.blob.call(Method::PUT, url, Body::Bytes(b""));
        call.headers.push(("content-type", "application/octet-stream".to_owned()));
        let answer = self.registry.ask_once(&call)?;
        match answer.status() {
            201 | 204 => {
                self.registry.check_digest(&answer, self.blob.digest)?;
                Ok(true)
            }
            // The pieces were not what they should have been, or the session is gone.
            400 | 404 | 410 | 416 => Ok(false),
            _ if answer.is_transient() => Err(self.busy(answer)),
            _ => Err(answer.refusal()),
        }
    }

    /// A registry that is busy is as good as one that does not answer, once it has had its pause.
    fn busy(&self, answer: Answer) -> RegistryError {
        if let Some(asked_for) = answer.retry_after() {
            pause(asked_for);
        }
        RegistryError::Unreachable {
            registry: self.registry.reference().registry().to_owned(),
            action: self.blob.action(),
            reason: answer.refusal().to_string(),
        }
    }

    fn nothing_received(&self) -> RegistryError {
        RegistryError::UnexpectedAnswer {
            registry: self.registry.reference().registry().to_owned(),
            action: self.blob.action(),
            reason: "it keeps answering that it received nothing".to_owned(),
        }
    }
}

impl Registry {
    /// Opens an upload session; none when the registry has taken the blob from where it has it already.
    fn open_session(&self, blob: &Blob<'_>) -> Result<Option<Session>, RegistryError> {
        let mut url = self.url("blobs/uploads/");
        if let Some((registry, repository)) = blob.origin
            && registry == self.reference().registry()
            && repository != self.reference().repository()
        {
            self.authorization().add_source(repository);
            url.push_str(&format!("?mount={}&from={repository}", blob.digest));
        }
        let mut call = blob.call(Method::POST, url, Body::Bytes(b""));
        call.headers.push(("content-type", "application/octet-stream".to_owned()));
        let answer = self.ask(&call)?.expect(&[201, 202])?;
        if answer.status() == 201 {
            return Ok(None);
        }
        let least = answer.header("oci-chunk-min-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(Some(Session { url: self.location(&answer)?, piece_size: PIECE.max(least) }))
    }

    /// The address in an answer, whole. What was sent over an encrypted connection is not sent over one without encryption.
    fn location(&self, answer: &Answer) -> Result<String, RegistryError> {
        let location = answer.header("location").unwrap_or_default();
        if location.starts_with('/') {
            return Ok(format!("{}{location}", self.reference().base_url()));
        }
        let host = location.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        let is_good = location.starts_with("https://") || host.is_some_and(is_loopback);
        if is_good { Ok(location.to_owned()) } else { Err(answer.unexpected("names no address to send to")) }
    }

    pub(super) fn check_digest(&self, answer: &Answer, expected: &Digest) -> Result<(), RegistryError> {
        match answer.header("docker-content-digest") {
            Some(found) if found != expected.as_str() => Err(RegistryError::WrongDigest {
                registry: self.reference().registry().to_owned(),
                expected: expected.to_string(),
                found: found.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// The number of bytes that `Range: 0-END` stands for.
fn range_end(answer: &Answer) -> Option<u64> {
    let range = answer.header("range")?;
    let (_, end) = range.trim_start_matches("bytes=").split_once('-')?;
    end.trim().parse::<u64>().ok()?.checked_add(1)
}
