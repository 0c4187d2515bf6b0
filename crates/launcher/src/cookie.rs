//! The cookie: what nodes prove to know when they connect.
//!
//! It never becomes an argument of a process, where everybody on the machine could read it: the virtual machine is
//! started with a throw-away one, and its boot script sets the real one from `RELEASE_COOKIE` as soon as kernel runs
//! (`docs/security.md`).

use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use crate::distribution::Distribution;
use crate::environment::{Environment, env_var};
use crate::failure::Failure;
use crate::private_file;
use crate::random::random;
use crate::release::Release;
use crate::state::{is_trusted, path_of};

/// Gives a system that has no cookie of its own one for this start. A release in a container image has none: it would be
/// the same in every container of it. Control commands find it in `RELEASE_TMP`.
pub(crate) fn provide(release: &Release, environment: &Environment) -> Result<(), Failure> {
    if !is_missing(release) || Distribution::from_environment(environment)? == Distribution::None {
        return Ok(());
    }
    let path = of_this_start(environment);
    let cookie = format!("{}{}{}", random()?, random()?, random()?);
    private_file::write(&path, cookie.as_bytes()).map_err(|error| {
        Failure::cannot("write", path.display(), error).hint(
            "the release has no cookie, and none can be stored: set RELEASE_COOKIE, or RELEASE_TMP to a directory that the system may write to",
        )
    })
}

/// Whether neither the environment nor the release has a cookie.
pub(crate) fn is_missing(release: &Release) -> bool {
    let is_given = env_var("RELEASE_COOKIE").is_some() || env_var("RELEASE_COOKIE_FILE").is_some();
    !is_given && !release.root.join(contract::COOKIE).exists()
}

/// The file that the cookie comes from, as far as there is one.
pub(crate) fn file(release: &Release, environment: &Environment) -> Option<PathBuf> {
    if env_var("RELEASE_COOKIE").is_some() {
        return None;
    }
    if let Some(path) = env_var("RELEASE_COOKIE_FILE") {
        return Some(path.into());
    }
    let files = [release.root.join(contract::COOKIE), of_this_start(environment)];
    files.into_iter().find(|path| path.exists())
}

/// Each node's own: another one in the same `RELEASE_TMP` must not take it away.
fn of_this_start(environment: &Environment) -> PathBuf {
    path_of(environment, "cookie").unwrap_or_else(|| environment.path("RELEASE_TMP").join("cookie"))
}

/// The cookie of the last start; none when there is none, or it is somebody else's.
fn read_of_this_start(environment: &Environment) -> Option<String> {
    let mut file = private_file::open(&of_this_start(environment)).ok()?;
    let mut cookie = String::new();
    if is_trusted(&file, environment) {
        file.read_to_string(&mut cookie).ok()?;
    }
    (!cookie.is_empty()).then_some(cookie)
}

/// The most characters that a cookie can have: it is an atom.
const LONGEST: usize = 255;

/// The cookie of this command. One that is too long is refused here: the virtual machine would print it, and write it to a
/// crash dump.
pub(crate) fn cookie(
    release: &Release,
    environment: &Environment,
    distribution: &Distribution,
) -> Result<Option<String>, Failure> {
    let cookie = found(release, environment, distribution)?;
    let length = cookie.as_ref().map_or(0, |cookie| cookie.chars().count());
    if length > LONGEST {
        return Err(Failure::new(format!("the cookie has {length} characters, and Erlang allows {LONGEST}"))
            .hint("`beamship secret --cookie` makes one"));
    }
    Ok(cookie)
}

/// The cookie from `RELEASE_COOKIE`, the file that `RELEASE_COOKIE_FILE` names, `releases/COOKIE`, or the one that was
/// made for this start; none when there is none and none is needed.
fn found(
    release: &Release,
    environment: &Environment,
    distribution: &Distribution,
) -> Result<Option<String>, Failure> {
    if let Some(cookie) = env_var("RELEASE_COOKIE") {
        return cookie.into_string().map(Some).map_err(|_| Failure::new("RELEASE_COOKIE is not valid UTF-8"));
    }
    if let Some(path) = env_var("RELEASE_COOKIE_FILE").map(PathBuf::from) {
        let cookie = std::fs::read_to_string(&path).map_err(|error| {
            Failure::cannot("read", path.display(), error)
                .hint("RELEASE_COOKIE_FILE names the file of the cookie")
        })?;
        return match cookie.trim_end_matches(['\n', '\r']) {
            "" => {
                Err(Failure::new(format!("`{}`, which RELEASE_COOKIE_FILE names, is empty", path.display()))
                    .hint("`beamship secret --cookie` makes one"))
            }
            cookie => Ok(Some(cookie.to_owned())),
        };
    }
    let path = release.root.join(contract::COOKIE);
    match std::fs::read_to_string(&path) {
        Ok(cookie) if !cookie.trim().is_empty() => Ok(Some(cookie.trim_end_matches('\n').to_owned())),
        // Without distribution there are no connections that would need it.
        _ if *distribution == Distribution::None => Ok(None),
        Ok(_) => Err(Failure::new(format!("`{}` is empty", path.display()))
            .hint("set RELEASE_COOKIE or RELEASE_COOKIE_FILE")),
        Err(error) if error.kind() == ErrorKind::NotFound => match read_of_this_start(environment) {
            Some(cookie) => Ok(Some(cookie)),
            None => Err(Failure::cannot("read", path.display(), error).hint(
                "if the system runs, its RELEASE_TMP is another one; else set RELEASE_COOKIE or RELEASE_COOKIE_FILE",
            )),
        },
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Failure::cannot(
            "read",
            path.display(),
            error,
        )
        .hint(
            "only the owner of the release may read its cookie: run this as that user, or set RELEASE_COOKIE",
        )),
        Err(error) => Err(Failure::cannot("read", path.display(), error).hint(
            "set RELEASE_COOKIE or RELEASE_COOKIE_FILE, or RELEASE_DISTRIBUTION=none for a system without connections",
        )),
    }
}
