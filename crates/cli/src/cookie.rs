//! The cookie of a release: the secret that lets one node talk to another.
//!
//! Made once for a target directory and kept from build to build, so that a running system and the next build of it
//! understand each other. It is never printed.

use std::io::ErrorKind;

use anyhow::Context;
use camino::Utf8Path;
use contract::COOKIE;
use data_encoding::BASE32;

use crate::random;

/// The cookie for a release that goes to `target`: the one that the project configures, else the one that is there,
/// else a new one.
///
/// # Errors
///
/// When the one that is there cannot be read, or the system has no random numbers.
pub(crate) fn cookie(configured: Option<&str>, target: &Utf8Path) -> anyhow::Result<Vec<u8>> {
    if let Some(cookie) = configured {
        return Ok(cookie.as_bytes().to_vec());
    }
    match fs_err::read(target.join(COOKIE)) {
        Ok(cookie) if !cookie.is_empty() => Ok(cookie),
        Ok(_) => random(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => random(),
        Err(error) => Err(error).context("cannot keep the cookie of the release that is there"),
    }
}

/// 32 random bytes in base 32, as Mix makes them: 52 characters and padding.
pub(crate) fn random() -> anyhow::Result<Vec<u8>> {
    Ok(BASE32.encode(&random::bytes(32)?).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_cookie_has_the_form_of_mix() {
        let cookie = random().unwrap();
        assert_eq!(cookie.len(), 56);
        assert!(cookie.ends_with(b"===="));
        assert_ne!(cookie, random().unwrap());
    }

    #[test]
    fn the_cookie_of_the_target_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let target = Utf8Path::from_path(directory.path()).unwrap();
        fs_err::create_dir(target.join("releases")).unwrap();
        fs_err::write(target.join(COOKIE), "known").unwrap();
        assert_eq!(cookie(None, target).unwrap(), b"known");
        assert_eq!(cookie(Some("given"), target).unwrap(), b"given");
    }
}
