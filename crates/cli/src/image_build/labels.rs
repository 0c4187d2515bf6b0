//! What an image says about where it comes from.

use std::collections::BTreeMap;

use camino::Utf8Path;
use image::document::annotation;
use image::rfc3339;

use crate::git;
use crate::modification_time::modification_time;

/// Where a project's sources are, and of when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The time of the commit, or `SOURCE_DATE_EPOCH`, in seconds since 1970; 0 where neither is known.
    pub(crate) created: u64,
    revision: Option<String>,
    source: Option<String>,
}

impl Origin {
    /// Of a project, as far as git knows.
    ///
    /// # Errors
    ///
    /// When `SOURCE_DATE_EPOCH` is not a number.
    pub(crate) fn of(project: &Utf8Path) -> anyhow::Result<Self> {
        Ok(Self {
            created: modification_time(project)?.unwrap_or(0),
            revision: git::ask(project, &["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]),
            source: git::ask(project, &["remote", "get-url", "origin"]).and_then(|url| public_url(&url)),
        })
    }

    /// The labels of an image.
    pub(crate) fn labels(&self, name: &str, version: &str) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([
            (annotation::TITLE.to_owned(), name.to_owned()),
            (annotation::VERSION.to_owned(), version.to_owned()),
            (annotation::CREATED.to_owned(), rfc3339(self.created)),
        ]);
        let known = [(annotation::REVISION, &self.revision), (annotation::SOURCE, &self.source)];
        labels.extend(known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))));
        labels
    }
}

/// The address of a repository as everybody may know it: never with the password or the token that clones it.
fn public_url(url: &str) -> Option<String> {
    if let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) {
        let (host, path) = rest.split_once('/')?;
        let host = host.rsplit('@').next()?;
        let path = path.split(['?', '#']).next()?;
        return Some(format!("https://{host}/{path}"));
    }
    if let Some(rest) = url.strip_prefix("ssh://") {
        let (host, path) = rest.split_once('/')?;
        // The port is that of SSH.
        let host = host.rsplit('@').next()?.split(':').next()?;
        return Some(format!("https://{host}/{path}"));
    }
    // `user@host:path`; what has a slash before its colon is a path of this machine.
    let (host, path) = url.split_once(':').filter(|(host, _)| !host.contains('/'))?;
    let (_, host) = host.split_once('@')?;
    Some(format!("https://{host}/{}", path.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_no_secret() {
        let cases = [
            ("https://github.com/acme/shop.git", Some("https://github.com/acme/shop.git")),
            ("https://user:token@github.com/acme/shop", Some("https://github.com/acme/shop")),
            ("https://ghp_token@github.com/acme/shop", Some("https://github.com/acme/shop")),
            ("git@github.com:acme/shop.git", Some("https://github.com/acme/shop.git")),
            ("ssh://git@git.example.com/acme/shop", Some("https://git.example.com/acme/shop")),
            (
                "https://git.example.com/a/shop.git?private_token=geheim#x",
                Some("https://git.example.com/a/shop.git"),
            ),
            ("ssh://git@git.example.com:2222/acme/shop.git", Some("https://git.example.com/acme/shop.git")),
            ("git@github.com:/acme/shop.git", Some("https://github.com/acme/shop.git")),
            ("/srv/git/shop", None),
            ("/srv/team@work/a:b/c", None),
            ("../team@work/a", None),
            ("file:///srv/a@b/c", None),
        ];
        for (url, expected) in cases {
            assert_eq!(public_url(url).as_deref(), expected, "{url}");
        }
    }
}
