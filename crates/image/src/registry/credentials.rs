//! Credentials for a registry, where `docker login` and `podman login` leave them.
//!
//! Docker's `config.json` and Podman's `auth.json` have one form: user and password in base 64, or the name of a program
//! that keeps them (`docker-credential-NAME`), for all registries or for one.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use data_encoding::BASE64;
use serde::Deserialize;

use crate::reference::Reference;

/// What Docker calls its own registry.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// The name under which helpers give a token instead of a password.
const TOKEN_USER: &str = "<token>";

/// The credentials of a user. The debug form does not show them.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user and a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token that the token service exchanges for another one.
    IdentityToken(String),
}

impl Credentials {
    pub(super) fn password(&self) -> Option<(&str, &str)> {
        match self {
            Self::Password { user, password } => Some((user, password)),
            Self::IdentityToken(_) => None,
        }
    }

    pub(super) fn identity_token(&self) -> Option<&str> {
        match self {
            Self::IdentityToken(token) => Some(token),
            Self::Password { .. } => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}

/// Credentials are there, and cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read the credentials for `{registry}` from {from}: {reason}\nhint: `docker login {registry}` writes them again"
)]
pub struct CredentialsError {
    /// The registry.
    pub registry: String,
    /// The file or the program.
    pub from: String,
    /// What is wrong, never the content.
    pub reason: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Configuration {
    auths: BTreeMap<String, Login>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// The answer of a helper.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: String,
}

/// The credentials for the registry of an image; none where nobody has logged in.
#[allow(clippy::disallowed_methods, reason = "CredentialsError names the path")]
pub(super) fn find(reference: &Reference) -> Result<Option<Credentials>, CredentialsError> {
    for file in files() {
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            Err(error) => {
                return Err(CredentialsError {
                    registry: reference.registry().to_owned(),
                    from: format!("`{file}`"),
                    reason: error.to_string(),
                });
            }
        };
        if let Some(credentials) = of_file(&bytes, &file, reference)? {
            return Ok(Some(credentials));
        }
    }
    Ok(None)
}

/// Where credentials may be: the file that somebody has named for this, Docker's own, and then those of `podman`.
fn files() -> Vec<Utf8PathBuf> {
    let variable =
        |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty()).map(Utf8PathBuf::from);
    let home = variable("HOME");
    let docker = variable("DOCKER_CONFIG").or_else(|| home.as_ref().map(|home| home.join(".docker")));
    let mut files: Vec<Utf8PathBuf> = variable("REGISTRY_AUTH_FILE").into_iter().collect();
    files.extend(docker.map(|directory| directory.join("config.json")));
    let runtime = variable("XDG_RUNTIME_DIR").map(|directory| directory.join("containers/auth.json"));
    let user = rustix::process::getuid().as_raw();
    files.push(runtime.unwrap_or_else(|| format!("/run/containers/{user}/auth.json").into()));
    files.extend(home.map(|home| home.join(".config/containers/auth.json")));
    files
}

fn of_file(
    bytes: &[u8],
    file: &Utf8Path,
    reference: &Reference,
) -> Result<Option<Credentials>, CredentialsError> {
    let registry = reference.registry();
    let error = |reason: &str| CredentialsError {
        registry: registry.to_owned(),
        from: format!("`{file}`"),
        reason: reason.to_owned(),
    };
    let configuration: Configuration = serde_json::from_slice(bytes).map_err(|_| error("it is damaged"))?;
    let helper = keys(reference).iter().find_map(|key| configuration.cred_helpers.get(key));
    if let Some(helper) = helper.or(configuration.creds_store.as_ref()) {
        // Helpers know registries only, and gcloud's fails when it is asked for more.
        let server = if registry == "docker.io" { DOCKER_HUB_KEY } else { registry };
        if let Some(credentials) = of_helper(helper, server, registry)? {
            return Ok(Some(credentials));
        }
    }
    login(&configuration, reference).map_err(error)
}

/// What a configuration itself has for a registry.
///
/// # Errors
///
/// What is wrong with its entry.
pub(super) fn login(
    configuration: &Configuration,
    reference: &Reference,
) -> Result<Option<Credentials>, &'static str> {
    let login = keys(reference).iter().find_map(|key| {
        let same = |(known, _): &(&String, &Login)| normal(known) == normal(key);
        configuration.auths.iter().find(same).map(|(_, login)| login)
    });
    let Some(login) = login else { return Ok(None) };
    if let Some(token) = login.identitytoken.as_ref().filter(|token| !token.is_empty()) {
        return Ok(Some(Credentials::IdentityToken(token.clone())));
    }
    if let (Some(user), Some(password)) = (&login.username, &login.password) {
        return Ok(Some(Credentials::Password { user: user.clone(), password: password.clone() }));
    }
    let Some(auth) = login.auth.as_ref().filter(|auth| !auth.is_empty()) else { return Ok(None) };
    let decoded = BASE64.decode(auth.trim().as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    let (user, password) = pair.ok_or("the entry is damaged")?;
    let password = password.trim_end_matches('\0');
    Ok(Some(Credentials::Password { user: user.to_owned(), password: password.to_owned() }))
}

/// What the registry may be called in a configuration, the closest name first. Podman's has parts of repositories too.
fn keys(reference: &Reference) -> Vec<String> {
    let registry = reference.registry();
    let mut keys = Vec::new();
    let whole = format!("{registry}/{}", reference.repository());
    let mut path = whole.as_str();
    loop {
        keys.push(path.to_owned());
        match path.rsplit_once('/') {
            Some((shorter, _)) => path = shorter,
            None => break,
        }
    }
    if registry == "docker.io" {
        keys.push(DOCKER_HUB_KEY.to_owned());
    }
    keys
}

/// The name of a registry, without the scheme and the path that some tools add to it.
fn normal(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    key.strip_suffix("/v1/").or_else(|| key.strip_suffix("/v2/")).unwrap_or(key).trim_end_matches('/')
}

fn of_helper(helper: &str, key: &str, registry: &str) -> Result<Option<Credentials>, CredentialsError> {
    let program = format!("docker-credential-{helper}");
    let error = |reason: String| CredentialsError {
        registry: registry.to_owned(),
        from: format!("`{program}`"),
        reason,
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !helper.bytes().all(is_name) {
        return Err(error("that is not a valid program name".to_owned()));
    }
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|reason| error(reason.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read it says why by its exit status.
        let _ = stdin.write_all(key.as_bytes());
    }
    let output = child.wait_with_output().map_err(|reason| error(reason.to_string()))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
        let is_unknown = printed.contains("not found") || printed.contains("no credentials");
        if is_unknown {
            return Ok(None);
        }
        // What it prints may be a secret.
        let status = output.status;
        return Err(error(format!("it failed with {status} (`echo {key} | {program} get` shows why)")));
    }
    let answer: HelperAnswer =
        serde_json::from_slice(&output.stdout).map_err(|_| error("its answer is damaged".to_owned()))?;
    Ok(match answer.username.as_str() {
        "" => None,
        TOKEN_USER => Some(Credentials::IdentityToken(answer.secret)),
        user => Some(Credentials::Password { user: user.to_owned(), password: answer.secret }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str, reference: &str) -> Option<Credentials> {
        of_file(json.as_bytes(), "config.json".into(), &Reference::parse(reference).unwrap()).unwrap()
    }

    fn password(user: &str, password: &str) -> Option<Credentials> {
        Some(Credentials::Password { user: user.to_owned(), password: password.to_owned() })
    }

    #[test]
    fn logins_of_docker_and_podman_are_found() {
        let json = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "YTpi"}, "ghcr.io/acme": {"auth": "Yzpk"},
            "ghcr.io": {"auth": "ZTpm"}, "https://r.example.com/v2/": {"username": "g", "password": "h"},
            "token.example.com": {"identitytoken": "t"}, "empty.example.com": {}}}"#;
        assert_eq!(found(json, "shop"), password("a", "b"));
        assert_eq!(found(json, "ghcr.io/acme/shop"), password("c", "d"));
        assert_eq!(found(json, "ghcr.io/other/shop"), password("e", "f"));
        assert_eq!(found(json, "r.example.com/x"), password("g", "h"));
        assert_eq!(found(json, "token.example.com/x"), Some(Credentials::IdentityToken("t".to_owned())));
        assert_eq!(found(json, "empty.example.com/x"), None);
        assert_eq!(found(json, "unknown.example.com/x"), None);
        assert_eq!(found("{}", "shop"), None);
    }

    #[test]
    fn damaged_logins_are_reported_without_their_content() {
        let reference = Reference::parse("r.example.com/x").unwrap();
        for json in ["{", r#"{"auths": {"r.example.com": {"auth": "geheim!"}}}"#] {
            let error = of_file(json.as_bytes(), "config.json".into(), &reference).unwrap_err();
            assert!(error.to_string().starts_with("cannot read the credentials for `r.example.com`"));
            assert!(!error.to_string().contains("geheim"));
        }
        let secret = Credentials::IdentityToken("geheim".to_owned());
        assert_eq!(format!("{secret:?}"), "Credentials(…)");
    }
}
