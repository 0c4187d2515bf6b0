//! What both sides of a connection have to know.

use md5::{Digest, Md5};
use std::fmt;

/// A cookie. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie(Vec<u8>);

impl Cookie {
    /// The cookie with this text; `None` when it holds characters that no cookie can (`dist_util` takes its characters
    /// as bytes).
    pub fn new(text: &str) -> Option<Self> {
        text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect::<Option<_>>().map(Self)
    }

    /// The proof that this side knows the cookie (`dist_util:gen_digest/2`).
    pub(crate) fn digest(&self, challenge: u32) -> [u8; 16] {
        let mut digest = Md5::new();
        digest.update(&self.0);
        digest.update(challenge.to_string());
        digest.finalize().into()
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Cookie")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `erlang:md5([atom_to_list(abc)|integer_to_list(4294967295)])`.
    #[test]
    fn the_digest_is_that_of_otp() {
        let digest = Cookie::new("abc").unwrap().digest(u32::MAX);
        assert_eq!(digest, Md5::digest(b"abc4294967295")[..]);
    }

    #[test]
    fn a_cookie_is_not_printed() {
        assert_eq!(format!("{:?}", Cookie::new("secret")), "Some(Cookie)");
    }

    #[test]
    fn characters_are_bytes() {
        assert_eq!(Cookie::new("é"), Some(Cookie(vec![0xe9])));
        assert_eq!(Cookie::new("€"), None);
    }
}
