//! A client of container registries (OCI distribution specification 1.1).
//!
//! Requests are answered, or fail with what to do: a registry that is busy (429, 503) or drops the connection is asked again,
//! later and later, as often as [`RetryPolicy`] says. Everything that comes back is checked against its digest.
//!
//! Plain HTTP is spoken with this machine only. Credentials come from Docker's and Podman's configuration, are sent to the
//! registry and the token service that it names, never to whom it redirects, and appear in no message.

mod address;
mod answer;
mod authentication;
mod challenge;
mod credentials;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod pull;
mod push;
mod retry;
mod upload;

use std::sync::Mutex;
use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::{Method, Request, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Proxy, SendBody};

use crate::reference::{Reference, is_loopback};
pub(crate) use answer::Answer;
use authentication::Authorization;
use challenge::Challenge;
pub use credentials::{Credentials, CredentialsError};
pub use error::RegistryError;
pub use pull::Remote;
pub use push::{Progress, Pushed, push};
use retry::Retry;
pub use retry::RetryPolicy;

/// How long to wait for a connection, for the begin of an answer, and for the next bytes of either side.
const CONNECT: Duration = Duration::from_secs(15);
const RESPONSE: Duration = Duration::from_secs(120);
const SILENCE: Duration = Duration::from_secs(60);

/// Bundles of certificates that a system trusts; the first that is there counts, before the built-in ones.
const SYSTEM_CERTIFICATES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What is to be done in a repository: what the token service is asked to allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Images are fetched.
    Pull,
    /// Images are sent, which needs reading too.
    Push,
}

impl Access {
    /// The actions of a scope, as token services know them.
    fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

/// A repository of a registry, and how it is talked to.
pub struct Registry {
    agent: Agent,
    reference: Reference,
    access: Access,
    retry_policy: RetryPolicy,
    credentials: Option<Credentials>,
    /// The header that the registry has accepted, and the repositories of which it allows blobs to be mounted.
    authorization: Mutex<Authorization>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Registry({})", self.reference)
    }
}

/// What a request carries.
#[derive(Clone, Copy)]
pub(crate) enum Body<'a> {
    None,
    Bytes(&'a [u8]),
    /// A file of so many bytes, and who hears how many of them have been read.
    File {
        file: &'a camino::Utf8Path,
        size: u64,
        progress: &'a dyn Fn(u64),
    },
}

/// A request, which can be sent several times.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    /// What is being done, for messages: `read the manifest of`.
    pub(crate) action: String,
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body<'a>,
}

impl Registry {
    /// The registry of an image. Credentials are looked up at once, so that a missing one is reported before anything is done.
    ///
    /// # Errors
    ///
    /// When the configuration of Docker or Podman cannot be read, or a credential helper fails.
    pub fn new(
        reference: &Reference,
        access: Access,
        retry_policy: RetryPolicy,
    ) -> Result<Self, RegistryError> {
        let credentials = credentials::find(reference)?;
        Ok(Self::with_credentials(reference, access, retry_policy, credentials))
    }

    /// The registry of an image, with these credentials.
    pub fn with_credentials(
        reference: &Reference,
        access: Access,
        retry_policy: RetryPolicy,
        credentials: Option<Credentials>,
    ) -> Self {
        let tls = TlsConfig::builder().root_certs(root_certificates()).build();
        // What is said on this machine is said to nobody else: there is no encryption.
        let proxy = if is_loopback(reference.registry()) { None } else { Proxy::try_from_env() };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(proxy)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .tls_config(tls)
            .user_agent(concat!("beamship/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(RESPONSE))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .build();
        Self {
            agent: config.new_agent(),
            reference: reference.clone(),
            access,
            retry_policy,
            credentials,
            authorization: Mutex::default(),
        }
    }

    /// The image that it was made for.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v2/{}/{path}", self.reference.base_url(), self.reference.repository())
    }

    /// Sends a request until it is answered, as often as the policy allows.
    pub(crate) fn ask(&self, call: &Call<'_>) -> Result<Answer, RegistryError> {
        self.retried(|| self.ask_once(call))
    }

    /// Sends something again while what comes back is transient, and an attempt is left.
    fn retried(&self, send: impl Fn() -> Result<Answer, RegistryError>) -> Result<Answer, RegistryError> {
        let mut retry = Retry::new(self.retry_policy);
        loop {
            let result = send();
            let (is_transient, asked_for) = match &result {
                Ok(answer) => (answer.is_transient(), answer.retry_after()),
                Err(error) => (error.is_transient(), None),
            };
            if !is_transient || !retry.again(asked_for) {
                return result;
            }
        }
    }

    /// Sends a request, and once more with credentials when the registry asks for them.
    pub(crate) fn ask_once(&self, call: &Call<'_>) -> Result<Answer, RegistryError> {
        let header = self.authorization().header();
        let answer = self.send(call, header.as_deref())?;
        // Whom the registry has redirected to is not to be shown its credentials.
        if answer.status() != 401 || !self.is_own(answer.address()) {
            return Ok(answer);
        }
        let challenges: Vec<Challenge> =
            answer.headers("www-authenticate").flat_map(Challenge::parse).collect();
        match self.authenticate(&challenges, header.as_deref())? {
            Some(header) => self.send(call, Some(&header)),
            None => Ok(answer),
        }
    }

    fn authorization(&self) -> std::sync::MutexGuard<'_, Authorization> {
        // Nothing panics while it is held, and what it holds is never half written.
        self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn send(&self, call: &Call<'_>, authorization: Option<&str>) -> Result<Answer, RegistryError> {
        let unreachable = |reason: &dyn std::fmt::Display| RegistryError::Unreachable {
            registry: self.reference.registry().to_owned(),
            action: call.action.clone(),
            reason: reason.to_string(),
        };
        let mut request = Request::builder().method(call.method.clone()).uri(&call.url);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        // The address to send a blob to may be on another host, which the credentials are not for.
        let is_own = || call.url.parse().is_ok_and(|url| self.is_own(&url));
        if let Some(authorization) = authorization.filter(|_| is_own()) {
            request = request.header("authorization", authorization);
        }
        let mut part = match call.body {
            Body::None => Part::None,
            Body::Bytes(bytes) => {
                request = request.header("content-length", bytes.len());
                Part::Bytes(bytes)
            }
            Body::File { file, size, progress } => {
                request = request.header("content-length", size);
                let opened = fs_err::File::open(file).map_err(|reason| RegistryError::File {
                    action: call.action.clone(),
                    path: file.to_owned(),
                    reason,
                })?;
                Part::File { file: opened, read: 0, progress }
            }
        };
        let response = if matches!(part, Part::None) {
            self.agent.run(request.body(()).map_err(|error| unreachable(&error))?)
        } else {
            let body = SendBody::from_reader(&mut part);
            self.agent.run(request.body(body).map_err(|error| unreachable(&error))?)
        };
        let response = response.map_err(|error| unreachable(&error))?;
        Ok(Answer::new(response, self.reference.registry(), &call.action))
    }

    fn is_own(&self, url: &Uri) -> bool {
        let base: Option<Uri> = self.reference.base_url().parse().ok();
        base.as_ref().and_then(address::origin).is_some_and(|own| address::origin(url) == Some(own))
    }
}

/// The certificates of the machine, where they are found: companies have their own.
fn root_certificates() -> RootCerts {
    let given = std::env::var("SSL_CERT_FILE").ok().filter(|path| !path.is_empty());
    let files = given.as_deref().into_iter().chain(SYSTEM_CERTIFICATES);
    let Some(bytes) = files.filter_map(|file| fs_err::read(file).ok()).next() else {
        return RootCerts::WebPki;
    };
    let certificates: Vec<Certificate<'static>> = parse_pem(&bytes)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certificates) }
}

/// The bytes of a body.
enum Part<'a> {
    None,
    Bytes(&'a [u8]),
    File { file: fs_err::File, read: u64, progress: &'a dyn Fn(u64) },
}

impl std::io::Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::None => Ok(0),
            Self::Bytes(bytes) => bytes.read(buffer),
            Self::File { file, read, progress } => {
                let length = file.read(buffer)?;
                *read += length as u64;
                progress(*read);
                Ok(length)
            }
        }
    }
}
