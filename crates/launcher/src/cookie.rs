//! The cookie: what nodes prove to know when they connect.

use std::io::ErrorKind;

use crate::distribution::Distribution;
use crate::environment::given;
use crate::failure::Failure;
use crate::release::Release;

/// The cookie from `RELEASE_COOKIE` or `releases/COOKIE`; none when there is none and none is needed.
pub(crate) fn cookie(release: &Release, distribution: &Distribution) -> Result<Option<String>, Failure> {
    if let Some(cookie) = given("RELEASE_COOKIE") {
        return cookie.into_string().map(Some).map_err(|_| Failure::new("RELEASE_COOKIE is not valid UTF-8"));
    }
    let path = release.root.join("releases/COOKIE");
    match std::fs::read_to_string(&path) {
        Ok(cookie) if !cookie.trim().is_empty() => Ok(Some(cookie.trim_end_matches('\n').to_owned())),
        // Without distribution nobody can ask for it.
        _ if *distribution == Distribution::None => Ok(None),
        Ok(_) => Err(Failure::new(format!("`{}` is empty", path.display())).hint("set RELEASE_COOKIE")),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Failure::cannot(
            "read",
            path.display(),
            error,
        )
        .hint(
            "only the owner of the release may read its cookie: run this as that user, or set RELEASE_COOKIE",
        )),
        Err(error) => Err(Failure::cannot("read", path.display(), error)
            .hint("set RELEASE_COOKIE, or RELEASE_DISTRIBUTION=none for a system that nobody connects to")),
    }
}
