//! The name of an image, as Docker's users write it (`distribution/reference`).
//!
//! `shop`, `ghcr.io/acme/shop:1.4`, `localhost:5000/shop@sha256:…`: a registry where the first part looks like a host, a
//! repository, a tag or a digest. Without a registry it is Docker Hub's, where a single word is below `library/`.

use std::fmt;

use crate::digest::{Digest, DigestError};

const DOCKER_HUB: &str = "docker.io";

/// The longest name that registries accept.
const LONGEST: usize = 255;

/// A reference to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// A text is not a valid reference to an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the name of an image: {reason}\nhint: a name looks like `registry.example.com/team/shop:1.4`"
)]
pub struct ReferenceError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Reference {
    /// Reads a reference.
    ///
    /// # Errors
    ///
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        Self::parse_parts(text).map_err(|reason| ReferenceError { text: text.to_owned(), reason })
    }

    fn parse_parts(text: &str) -> Result<Self, String> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (
                name,
                Some(Digest::parse(digest).map_err(|DigestError(text)| format!("`{text}` is not a digest"))?),
            ),
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(format!("`{tag}` is not a valid tag"));
        }
        let (registry, path) = match name.split_once('/') {
            Some((first, rest)) if looks_like_host(first) => (first, rest.to_owned()),
            _ => (DOCKER_HUB, name.to_owned()),
        };
        let registry = if registry == "index.docker.io" { DOCKER_HUB } else { registry };
        let is_short = registry == DOCKER_HUB && !path.contains('/');
        let repository = if is_short { format!("library/{path}") } else { path };
        if !is_host(registry) {
            return Err(format!("`{registry}` is not a valid host name"));
        }
        if name.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} characters"));
        }
        if let Some(wrong) = repository.split('/').find(|component| !is_component(component)) {
            return Err(match wrong {
                "" => "a part of it is empty".to_owned(),
                _ if wrong.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                    format!("`{wrong}` has capital letters, which repositories cannot have")
                }
                _ => format!("`{wrong}` cannot be part of the name of a repository"),
            });
        }
        Ok(Self { registry: registry.to_owned(), repository, tag: tag.map(str::to_owned), digest })
    }

    /// The registry's host, with its port where one was given.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository, without its registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// What a registry is asked for: the digest, else the tag, else `latest`.
    pub fn tag_or_digest(&self) -> &str {
        match &self.digest {
            Some(digest) => digest.as_str(),
            None => self.tag.as_deref().unwrap_or("latest"),
        }
    }

    /// The digest, where one was given.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same image by its digest.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// The name with a tag, as engines know it: `shop:latest`, `ghcr.io/acme/shop:1.4`.
    pub fn familiar(&self) -> String {
        format!("{}:{}", self.familiar_name(), self.tag.as_deref().unwrap_or("latest"))
    }

    fn familiar_name(&self) -> String {
        if self.registry != DOCKER_HUB {
            return format!("{}/{}", self.registry, self.repository);
        }
        // Only a single word is completed when it is read again.
        let short = self.repository.strip_prefix("library/").filter(|rest| !rest.contains('/'));
        short.unwrap_or(&self.repository).to_owned()
    }

    /// Where the registry answers. Plain HTTP is for this machine only.
    pub(crate) fn base_url(&self) -> String {
        let host = if self.registry == DOCKER_HUB { "registry-1.docker.io" } else { &self.registry };
        let scheme = if is_loopback(host) { "http" } else { "https" };
        format!("{scheme}://{host}")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.digest {
            Some(digest) => write!(formatter, "{}@{digest}", self.familiar_name()),
            None => formatter.write_str(&self.familiar()),
        }
    }
}

/// Docker's rule: a dot or a port makes a host, and so does `localhost`.
fn looks_like_host(text: &str) -> bool {
    text.contains(['.', ':']) || text == "localhost"
}

fn is_host(text: &str) -> bool {
    let (host, port) = split_port(text);
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_named = host.split('.').all(is_label);
    let is_address = host.starts_with('[')
        && host.ends_with(']')
        && host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_ok();
    (is_named || is_address) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// Whether a host, with or without a port, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let (host, _) = split_port(host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = text.bytes();
    text.len() <= 128
        && bytes.next().is_some_and(is_word)
        && bytes.all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

/// Lower-case words and digits, with one `.`, one or two `_`, or any number of `-` between them.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends_well =
        bytes.first().is_some_and(|byte| is_word(*byte)) && bytes.last().is_some_and(|byte| is_word(*byte));
    let separators = text.split(|character: char| u8::try_from(character).is_ok_and(is_word));
    ends_well
        && separators.filter(|separator| !separator.is_empty()).all(|separator| {
            matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_docker_does() {
        let cases = [
            ("shop", "docker.io", "library/shop", "latest", "shop:latest"),
            ("acme/shop:1.4", "docker.io", "acme/shop", "1.4", "acme/shop:1.4"),
            ("ghcr.io/acme/a_b/c--d:v1-x", "ghcr.io", "acme/a_b/c--d", "v1-x", "ghcr.io/acme/a_b/c--d:v1-x"),
            // Found by fuzzing: `a/b` would be another repository.
            ("library/a/b", "docker.io", "library/a/b", "latest", "library/a/b:latest"),
            ("localhost/shop", "localhost", "shop", "latest", "localhost/shop:latest"),
            ("[::1]:5000/shop", "[::1]:5000", "shop", "latest", "[::1]:5000/shop:latest"),
            ("127.0.0.1:5000/shop:2", "127.0.0.1:5000", "shop", "2", "127.0.0.1:5000/shop:2"),
        ];
        for (text, registry, repository, tag, shown) in cases {
            let reference = Reference::parse(text).unwrap();
            let found = (reference.registry(), reference.repository(), reference.tag_or_digest());
            assert_eq!(found, (registry, repository, tag), "{text}");
            assert_eq!(reference.to_string(), shown);
        }
        let digest = Digest::of(b"");
        let reference = Reference::parse(&format!("debian:12@{digest}")).unwrap();
        assert_eq!(reference.tag_or_digest(), digest.as_str());
        assert_eq!(reference.to_string(), format!("debian@{digest}"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in [
            "",
            "/",
            "a//b",
            "Shop",
            "shop:",
            "shop:a b",
            "shop:-x",
            "-shop",
            "a___b",
            "a..b",
            "shop@sha256:00",
            "host:99999/shop",
            "[::g]:1/shop",
            "ho st.com/shop",
            "../shop",
            "registry.example.com/",
            "sh\u{e4}p",
        ] {
            assert!(Reference::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Reference::parse(&"a".repeat(300)).is_err());
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for (text, url) in [
            ("localhost:5000/a", "http://localhost:5000"),
            ("127.0.0.2:1/a", "http://127.0.0.2:1"),
            ("[::1]:5000/a", "http://[::1]:5000"),
            ("ghcr.io/a/b", "https://ghcr.io"),
            ("localhost.example.com/a", "https://localhost.example.com"),
            ("debian", "https://registry-1.docker.io"),
        ] {
            assert_eq!(Reference::parse(text).unwrap().base_url(), url);
        }
    }
}
