//! Authentication at a registry: its challenge, the token service, or a password (RFC 9110 section 11; Docker's token
//! authentication).

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::Deserialize;
use ureq::http::Method;

use super::{Body, Call, Registry, RegistryError};
use crate::reference::is_loopback;

/// What the registry has accepted.
#[derive(Default)]
pub(super) struct Authorization {
    header: Option<String>,
    /// Further repositories that the token has to be good for.
    sources: Vec<String>,
}

impl Authorization {
    pub(super) fn header(&self) -> Option<String> {
        self.header.clone()
    }

    /// Asks for blobs of another repository to be mountable; the next token is good for it.
    pub(super) fn add_source(&mut self, repository: &str) {
        if !self.sources.iter().any(|known| known == repository) {
            self.sources.push(repository.to_owned());
        }
    }
}

/// What a token service answers.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registry {
    /// Answers a challenge. None when there is nothing to answer it with, or the answer has just been refused.
    pub(super) fn authenticate(
        &self,
        challenge: &str,
        refused: Option<&str>,
    ) -> Result<Option<String>, RegistryError> {
        let mut authorization = self.authorization();
        // Another thread has been given a new one meanwhile.
        if authorization.header.as_deref() != refused {
            return Ok(authorization.header());
        }
        let (scheme, parameters) = parse_challenge(challenge);
        let header = match scheme.as_str() {
            "basic" => match &self.credentials {
                Some(credentials) if refused.is_none() => {
                    credentials.password().map(|(user, password)| basic(user, password))
                }
                _ => None,
            },
            "bearer" => Some(format!("Bearer {}", self.token(&parameters, &authorization.sources)?)),
            _ => None,
        };
        if header.as_deref() == refused {
            return Ok(None);
        }
        authorization.header.clone_from(&header);
        Ok(header)
    }

    fn token(
        &self,
        parameters: &BTreeMap<String, String>,
        sources: &[String],
    ) -> Result<String, RegistryError> {
        let registry = self.reference.registry();
        let action = "log in to".to_owned();
        let unexpected = |reason: &str| RegistryError::UnexpectedAnswer {
            registry: registry.to_owned(),
            action: "log in to".to_owned(),
            reason: reason.to_owned(),
        };
        let realm = parameters.get("realm").ok_or_else(|| unexpected("its answer names no token service"))?;
        if !may_have_credentials(realm) {
            return Err(unexpected(
                "its answer names a token service without encryption, to which no password is sent",
            ));
        }
        let mut scopes =
            vec![format!("repository:{}:{}", self.reference.repository(), self.access.actions())];
        scopes.extend(sources.iter().map(|source| format!("repository:{source}:pull")));
        let mut fields: Vec<(&str, &str)> = Vec::new();
        if let Some(service) = parameters.get("service") {
            fields.push(("service", service));
        }
        let mut headers = Vec::new();
        let identity = self.credentials.as_ref().and_then(super::Credentials::identity_token);
        let answer = if let Some(identity) = identity {
            // OAuth 2 knows one list of scopes.
            let scope = scopes.join(" ");
            fields.extend([
                ("grant_type", "refresh_token"),
                ("client_id", "beamship"),
                ("scope", scope.as_str()),
                ("refresh_token", identity),
            ]);
            let form = encode(&fields);
            headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
            self.ask_token_service(&Call {
                action,
                method: Method::POST,
                url: realm.clone(),
                headers,
                body: Body::Bytes(form.as_bytes()),
            })?
        } else {
            fields.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
            let separator = if realm.contains('?') { '&' } else { '?' };
            let url = format!("{realm}{separator}{}", encode(&fields));
            if let Some((user, password)) = self.credentials.as_ref().and_then(super::Credentials::password) {
                headers.push(("authorization", basic(user, password)));
            }
            self.ask_token_service(&Call { action, method: Method::GET, url, headers, body: Body::None })?
        };
        let answer: TokenAnswer = serde_json::from_slice(&answer)
            .map_err(|_| unexpected("the answer of its token service is not a token"))?;
        answer
            .token
            .or(answer.access_token)
            .ok_or_else(|| unexpected("the answer of its token service holds no token"))
    }

    /// As [`Registry::ask`], without an answer to a challenge: this is the answer.
    fn ask_token_service(&self, call: &Call<'_>) -> Result<Vec<u8>, RegistryError> {
        self.retried(|| self.send(call, None))?.expect(&[200])?.bytes()
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()))
}

/// Whether what is sent to this address can be read by nobody else.
fn may_have_credentials(url: &str) -> bool {
    url.starts_with("https://")
        || url
            .strip_prefix("http://")
            .and_then(|rest| rest.split(['/', '?', '#']).next())
            .is_some_and(|host| !host.contains('@') && is_loopback(host))
}

/// Fields as a form or a query writes them.
fn encode(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

/// The scheme of a challenge, in lower case, and its parameters.
fn parse_challenge(challenge: &str) -> (String, BTreeMap<String, String>) {
    let (scheme, mut rest) = challenge.trim().split_once(' ').unwrap_or((challenge.trim(), ""));
    let mut parameters = BTreeMap::new();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        let value;
        if let Some(quoted) = after.strip_prefix('"') {
            let mut text = String::new();
            let mut characters = quoted.char_indices();
            let mut end = quoted.len();
            while let Some((index, character)) = characters.next() {
                match character {
                    '"' => {
                        end = index + 1;
                        break;
                    }
                    '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                    other => text.push(other),
                }
            }
            value = text;
            rest = &quoted[end..];
        } else {
            let (plain, after) = after.split_once(',').unwrap_or((after, ""));
            value = plain.trim().to_owned();
            rest = after;
        }
        parameters.insert(name, value);
    }
    (scheme.to_ascii_lowercase(), parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_understood() {
        let text =
            r#"Bearer realm="https://auth.docker.io/token",service="registry, \"x\"" , scope=a:b:pull"#;
        let (scheme, parameters) = parse_challenge(text);
        assert_eq!(scheme, "bearer");
        assert_eq!(parameters["realm"], "https://auth.docker.io/token");
        assert_eq!(parameters["service"], "registry, \"x\"");
        assert_eq!(parameters["scope"], "a:b:pull");
        for odd in ["", "Basic", "Bearer =", "Bearer a=\"b", "Bearer a=\"b\\", "Bearer \u{e4}=\u{e4}\",=\""] {
            let _ = parse_challenge(odd);
        }
    }

    #[test]
    fn passwords_are_not_sent_in_the_clear() {
        for good in ["https://auth.example.com/token", "http://localhost:5001/token", "http://127.0.0.1/t?x"]
        {
            assert!(may_have_credentials(good), "{good}");
        }
        for bad in [
            "http://auth.example.com/",
            "ftp://localhost",
            "http://localhost@evil.com/",
            "http://localhost.evil.com",
        ] {
            assert!(!may_have_credentials(bad), "{bad}");
        }
    }

    #[test]
    fn fields_are_escaped() {
        assert_eq!(
            encode(&[("scope", "repository:a/b:pull,push"), ("x", "ä &")]),
            "scope=repository%3Aa%2Fb%3Apull%2Cpush&x=%C3%A4%20%26"
        );
    }
}
