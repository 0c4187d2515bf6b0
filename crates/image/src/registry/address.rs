//! Addresses that a registry names: where they lead, to whom, and who can read what is sent there.

use ureq::http::Uri;

use crate::reference::is_loopback;

/// Who answers at an address (RFC 6454): scheme, host and port, which stand there or follow from the scheme. None for
/// what is not HTTP.
pub(super) fn origin(url: &Uri) -> Option<(&str, String, u16)> {
    let scheme = url.scheme_str()?;
    let usual = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    Some((scheme, url.host()?.to_ascii_lowercase(), url.port_u16().unwrap_or(usual)))
}

/// Whether nobody else can read what is sent there: it is encrypted, or stays on this machine.
pub(super) fn is_private(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    match uri.scheme_str() {
        Some("https") => uri.host().is_some(),
        // What stands before an `@` looks like a host and is none.
        Some("http") => uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@') && is_loopback(authority.as_str())),
        _ => false,
    }
}

/// The address that a `Location` means in an answer from `base` (RFC 3986, section 5.2); none for an empty one.
pub(super) fn resolve(base: &Uri, location: &str) -> Option<String> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    if location.is_empty() {
        return None;
    }
    if location.parse::<Uri>().is_ok_and(|uri| uri.scheme().is_some()) {
        return Some(location.to_owned());
    }
    if location.starts_with("//") {
        return Some(format!("{scheme}:{location}"));
    }
    if location.starts_with('/') {
        return Some(format!("{scheme}://{authority}{location}"));
    }
    let path = base.path();
    let directory = if location.starts_with('?') { path } else { &path[..=path.rfind('/')?] };
    Some(format!("{scheme}://{authority}{directory}{location}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved() {
        let base: Uri = "http://localhost:5000/v2/a/b/blobs/uploads/?mount=x".parse().unwrap();
        for (location, expected) in [
            ("https://other.example.com/x?y", Some("https://other.example.com/x?y")),
            ("/v2/up/1?s=t", Some("http://localhost:5000/v2/up/1?s=t")),
            ("//cdn.example.com/1", Some("http://cdn.example.com/1")),
            ("1?s=t", Some("http://localhost:5000/v2/a/b/blobs/uploads/1?s=t")),
            ("?s=t", Some("http://localhost:5000/v2/a/b/blobs/uploads/?s=t")),
            ("", None),
        ] {
            assert_eq!(resolve(&base, location).as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn origins_have_a_port() {
        let same = |one: &str, other: &str| {
            origin(&one.parse().unwrap()).unwrap() == origin(&other.parse().unwrap()).unwrap()
        };
        assert!(same("https://r.example.com/v2/", "https://R.example.com:443/x"));
        assert!(same("http://localhost/v2/", "http://localhost:80/x"));
        assert!(!same("https://r.example.com/", "http://r.example.com:443/"));
        assert!(!same("https://r.example.com/", "https://r.example.com.evil.net/"));
        assert!(!same("http://localhost:5000/", "http://localhost:5001/"));
        assert_eq!(origin(&"ftp://localhost/".parse().unwrap()), None);
    }

    #[test]
    fn passwords_are_not_sent_in_the_clear() {
        for good in [
            "https://auth.example.com/token",
            "http://localhost:5001/token",
            "http://127.0.0.1/t?x",
            "http://[::1]:5000/",
        ] {
            assert!(is_private(good), "{good}");
        }
        for bad in [
            "http://auth.example.com/",
            "ftp://localhost",
            "http://localhost@evil.com/",
            "http://localhost.evil.com",
            "/token",
            "",
        ] {
            assert!(!is_private(bad), "{bad}");
        }
    }
}
