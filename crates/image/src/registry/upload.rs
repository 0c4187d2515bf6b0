//! A blob on its way to a registry.
//!
//! A session is opened and takes the whole blob in one request (OCI distribution specification, "POST then PUT"), as
//! containerd sends it: the form that every registry knows. Pieces (`PATCH` with `Content-Range`) it cannot be, though they
//! could be resumed: GitHub's registry refuses those of more than 4 MiB, Google's has none, and Amazon's never says that the
//! second one has arrived. So a blob whose connection breaks is sent again from its beginning, unless only the answer was lost.

use std::cell::Cell;
use std::time::Duration;

use ureq::http::Method;

use super::push::{Blob, Outcome};
use super::retry::Retry;
use super::{Answer, Body, Registry, RegistryError, address};
use crate::digest::Digest;

/// From so many bytes on a registry is asked, before any of them is sent, whether it will take them: one that refuses ends
/// the connection, and what it says would be lost. (The same limit as curl's.)
const ASKS_BEFORE: u64 = 1024 * 1024;

/// A blob that is being sent.
pub(super) struct BlobUpload<'a> {
    registry: &'a Registry,
    blob: &'a Blob<'a>,
    progress: &'a dyn Fn(u64),
    /// How much of it has been reported as progress, which never goes back.
    reported: Cell<u64>,
}

/// Why a blob has not arrived, and the pause that the registry asks for.
struct Failure {
    error: RegistryError,
    asked_for: Option<Duration>,
}

impl<'a> BlobUpload<'a> {
    /// `progress` hears of each number of bytes that have been sent.
    pub(super) fn new(registry: &'a Registry, blob: &'a Blob<'a>, progress: &'a dyn Fn(u64)) -> Self {
        Self { registry, blob, progress, reported: Cell::new(0) }
    }

    /// Sends the whole blob, as often as it takes.
    ///
    /// # Errors
    ///
    /// When the registry refuses it, or fails more often than the policy allows: the last failure.
    pub(super) fn run(self) -> Result<Outcome, RegistryError> {
        let mut retry = Retry::new(self.registry.retry_policy);
        let outcome = loop {
            let Some(session) = self.registry.open_session(self.blob)? else { break Outcome::Mounted };
            let Some(failure) = self.send(&session)? else { break Outcome::Sent };
            if !retry.again(failure.asked_for) {
                return Err(failure.error);
            }
            // The answer may have been lost, and not what was sent.
            if self.registry.has_blob(self.blob)? {
                break Outcome::Sent;
            }
        };
        self.report(self.blob.size);
        Ok(outcome)
    }

    /// Sends the blob to where a session takes it. None when it has arrived; a failure that another attempt may not meet.
    fn send(&self, session: &str) -> Result<Option<Failure>, RegistryError> {
        let separator = if session.contains('?') { '&' } else { '?' };
        let url = format!("{session}{separator}digest={}", self.blob.digest);
        let report = |sent| self.report(sent);
        let mut call = self.blob.call(Method::PUT, url, self.blob.body(&report));
        call.headers.push(("content-type", "application/octet-stream".to_owned()));
        if self.blob.size >= ASKS_BEFORE {
            call.headers.push(("expect", "100-continue".to_owned()));
        }
        let answer = match self.registry.ask_once(&call) {
            Ok(answer) => answer,
            Err(error) if error.is_transient() => return Ok(Some(Failure { error, asked_for: None })),
            Err(error) => return Err(error),
        };
        match answer.status() {
            201 | 204 => {
                self.registry.check_digest(&answer, self.blob.digest)?;
                Ok(None)
            }
            // The session is gone. (A registry of several machines that know nothing of each other.)
            404 | 410 => Ok(Some(Failure { error: answer.refusal(), asked_for: None })),
            _ if answer.is_transient() => {
                let asked_for = answer.retry_after();
                Ok(Some(Failure { error: answer.refusal(), asked_for }))
            }
            _ => Err(answer.refusal()),
        }
    }

    fn report(&self, sent: u64) {
        let reported = self.reported.get();
        if sent > reported {
            (self.progress)(sent - reported);
            self.reported.set(sent);
        }
    }
}

impl Registry {
    /// Opens an upload session: the address that takes the blob. None when the registry has taken it from another
    /// repository of its own.
    fn open_session(&self, blob: &Blob<'_>) -> Result<Option<String>, RegistryError> {
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
        let location = answer.header("location").unwrap_or_default();
        let address = address::resolve(answer.address(), location).filter(|url| address::is_private(url));
        address.map(Some).ok_or_else(|| answer.unexpected("names no address to send to"))
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
