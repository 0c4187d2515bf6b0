//! The marks.

use std::sync::LazyLock;

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};

/// What all of them begin with.
const BEGINNING: &str = "canary-";

/// Variables of the environment that nothing asks for.
pub(crate) const ENVIRONMENT: &str = "canary-environment-71c2";
/// A variable that `mix.exs` reads.
pub(crate) const MIX_FILE: &str = "canary-of-mix-exs-0b9e";
/// A variable that `config/runtime.exs` reads.
pub(crate) const RUNTIME: &str = "canary-runtime-55aa";
/// The cookie of the release.
pub(crate) const COOKIE: &str = "canary-cookie-3d10";
/// The cookie that a system is started with.
pub(crate) const STARTED_COOKIE: &str = "canary-started-cookie-a801";
/// What `config/config.exs` sets.
pub(crate) const CONFIGURED: &str = "canary-configured-e2f7";
/// What `config/config.exs` sets and code is compiled with.
pub(crate) const COMPILED: &str = "canary-compiled-4b62";
/// Who logs in to a registry.
pub(crate) const USER: &str = "canary-user-90d4";
/// With what.
pub(crate) const PASSWORD: &str = "canary-password-c6b8";

pub(crate) const ALL: [&str; 9] =
    [ENVIRONMENT, MIX_FILE, RUNTIME, COOKIE, STARTED_COOKIE, CONFIGURED, COMPILED, USER, PASSWORD];

/// How a text may be written. Canaries consist of letters, digits and `-`, which nothing escapes.
pub(crate) fn forms(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![
        text.to_owned(),
        HEXLOWER.encode(bytes),
        HEXUPPER.encode(bytes),
        // Erlang's `~w` of a binary or a list.
        numbers.join(","),
        numbers.join(", "),
    ];
    // In base64 a byte is written in three ways, after the ones before it; the characters at both ends are of others too.
    for before in 0..3 {
        let encoded = BASE64.encode(&[&vec![0; before], bytes].concat());
        let whole = encoded.trim_end_matches('=').len() - usize::from(encoded.ends_with('='));
        forms.push(encoded[[0, 2, 3][before]..whole].to_owned());
    }
    forms.into_iter().map(String::into_bytes).collect()
}

/// Those of bytes that are packed no more.
pub(crate) fn found_in(bytes: &[u8]) -> Vec<&'static str> {
    type Forms = Vec<memchr::memmem::Finder<'static>>;
    let finders = |text: &str| -> Forms {
        forms(text).iter().map(|form| memchr::memmem::Finder::new(form).into_owned()).collect()
    };
    static BEGINNINGS: LazyLock<Vec<memchr::memmem::Finder<'static>>> = LazyLock::new(|| {
        forms(BEGINNING).iter().map(|form| memchr::memmem::Finder::new(form).into_owned()).collect()
    });
    // Most of what is searched has none: then one look for each form is enough.
    if !BEGINNINGS.iter().any(|form| form.find(bytes).is_some()) {
        return Vec::new();
    }
    let has = |canary: &&str| finders(canary).iter().any(|form| form.find(bytes).is_some());
    ALL.into_iter().filter(has).collect()
}
