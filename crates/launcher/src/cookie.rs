//! The cookie: what nodes prove to know when they connect.
//!
//! It never becomes an argument of a process, where everybody on the machine could read it: the virtual machine is
//! started with a throw-away one, and its boot script sets the real one from `RELEASE_COOKIE` as soon as kernel runs
//! (`docs/security.md`).

use std::io::ErrorKind;
use std::path::PathBuf;

use crate::distribution::Distribution;
use crate::environment::given;
use crate::failure::Failure;
use crate::release::Release;

/// The cookie from `RELEASE_COOKIE`, the file that `RELEASE_COOKIE_FILE` names, or `releases/COOKIE`; none when there
/// is none and none is needed.
pub(crate) fn cookie(release: &Release, distribution: &Distribution) -> Result<Option<String>, Failure> {
    if let Some(cookie) = given("RELEASE_COOKIE") {
        return cookie.into_string().map(Some).map_err(|_| Failure::new("RELEASE_COOKIE is not valid UTF-8"));
    }
    if let Some(path) = given("RELEASE_COOKIE_FILE").map(PathBuf::from) {
        let cookie = std::fs::read_to_string(&path).map_err(|error| {
            Failure::cannot("read", path.display(), error)
                .hint("RELEASE_COOKIE_FILE names the file of the cookie")
        })?;
        return match cookie.trim_end_matches(['\n', '\r']) {
            "" => {
                Err(Failure::new(format!("`{}`, which RELEASE_COOKIE_FILE names, is empty", path.display())))
            }
            cookie => Ok(Some(cookie.to_owned())),
        };
    }
    let path = release.root.join("releases/COOKIE");
    match std::fs::read_to_string(&path) {
        Ok(cookie) if !cookie.trim().is_empty() => Ok(Some(cookie.trim_end_matches('\n').to_owned())),
        // Without distribution nobody can ask for it.
        _ if *distribution == Distribution::None => Ok(None),
        Ok(_) => Err(Failure::new(format!("`{}` is empty", path.display()))
            .hint("set RELEASE_COOKIE or RELEASE_COOKIE_FILE")),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Failure::cannot(
            "read",
            path.display(),
            error,
        )
        .hint(
            "only the owner of the release may read its cookie: run this as that user, or set RELEASE_COOKIE",
        )),
        Err(error) => Err(Failure::cannot("read", path.display(), error).hint(
            "set RELEASE_COOKIE or RELEASE_COOKIE_FILE, or RELEASE_DISTRIBUTION=none for a system that nobody connects to",
        )),
    }
}
