//! The cookie of a release: the secret that lets one node talk to another.
//!
//! Made once for a target directory and kept from build to build, so that a running system and the next build of it
//! understand each other. It is never printed.

use std::io::{ErrorKind, Read};

use anyhow::Context;
use camino::Utf8Path;

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
    match fs_err::read(target.join("releases/COOKIE")) {
        Ok(cookie) if !cookie.is_empty() => Ok(cookie),
        Ok(_) => random(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => random(),
        Err(error) => Err(error).context("cannot keep the cookie of the release that is there"),
    }
}

/// 32 random bytes in base 32, as Mix makes them: 52 characters and padding.
fn random() -> anyhow::Result<Vec<u8>> {
    let mut bytes = [0; 32];
    fs_err::File::open("/dev/urandom")?
        .read_exact(&mut bytes)
        .context("cannot read random bytes for a cookie")?;
    Ok(base32(&bytes))
}

fn base32(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = Vec::with_capacity(bytes.len().div_ceil(5) * 8);
    for group in bytes.chunks(5) {
        let mut padded = [0; 8];
        padded[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(padded);
        let characters = (group.len() * 8).div_ceil(5);
        for index in 0..8 {
            let digit = (bits >> (35 - 5 * index)) & 31;
            text.push(if index < characters { ALPHABET[digit as usize] } else { b'=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foo", "MZXW6==="),
            ("foobar", "MZXW6YTBOI======"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text.as_bytes());
        }
    }

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
        fs_err::write(target.join("releases/COOKIE"), "known").unwrap();
        assert_eq!(cookie(None, target).unwrap(), b"known");
        assert_eq!(cookie(Some("given"), target).unwrap(), b"given");
    }
}
