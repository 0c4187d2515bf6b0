//! Authentication at a registry: its challenge, the token service, or a password (RFC 9110 section 11; Docker's token
//! authentication).

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::Deserialize;
use ureq::http::Method;

use super::{Body, Call, Challenge, Registry, RegistryError, address};

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
    /// Answers one of the challenges: a token rather than a password. None when there is nothing to answer any with, or the
    /// answer has just been refused.
    pub(super) fn authenticate(
        &self,
        challenges: &[Challenge],
        refused: Option<&str>,
    ) -> Result<Option<String>, RegistryError> {
        let mut authorization = self.authorization();
        // Another thread has been given a new one meanwhile.
        if authorization.header.as_deref() != refused {
            return Ok(authorization.header());
        }
        let of_scheme = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        let header = if let Some(challenge) = of_scheme("bearer") {
            Some(format!("Bearer {}", self.token(&challenge.parameters, &authorization.sources)?))
        } else if of_scheme("basic").is_some() && refused.is_none() {
            let password = self.credentials.as_ref().and_then(super::Credentials::password);
            password.map(|(user, password)| basic(user, password))
        } else {
            None
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
        if !address::is_private(realm) {
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
        token_in(&answer).map_err(unexpected)
    }

    /// As [`Registry::ask`], without an answer to a challenge: this is the answer.
    fn ask_token_service(&self, call: &Call<'_>) -> Result<Vec<u8>, RegistryError> {
        self.retried(|| self.send(call, None))?.expect(&[200])?.bytes()
    }
}

/// The token in the answer of a token service.
pub(super) fn token_in(answer: &[u8]) -> Result<String, &'static str> {
    let answer: TokenAnswer =
        serde_json::from_slice(answer).map_err(|_| "the answer of its token service is not a token")?;
    answer.token.or(answer.access_token).ok_or("the answer of its token service holds no token")
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_escaped() {
        assert_eq!(
            encode(&[("scope", "repository:a/b:pull,push"), ("x", "ä &")]),
            "scope=repository%3Aa%2Fb%3Apull%2Cpush&x=%C3%A4%20%26"
        );
    }
}
