//! `beamship secret`: random text for `SECRET_KEY_BASE`, as `mix phx.gen.secret` prints it, or a cookie.

use data_encoding::BASE64_NOPAD;

use crate::arguments::{GlobalArguments, SecretArguments};
use crate::output;
use crate::{cookie, random};

/// Prints a secret, which is written nowhere else.
pub(crate) fn run(arguments: &SecretArguments, global: &GlobalArguments) -> anyhow::Result<()> {
    let text = if arguments.cookie {
        String::from_utf8(cookie::random()?)?
    } else {
        secret(usize::from(arguments.length))?
    };
    let line = match (global.json, arguments.env) {
        (true, true) => serde_json::json!({ "SECRET_KEY_BASE": text }).to_string(),
        (true, false) => serde_json::to_string(&text)?,
        (false, true) => format!("export SECRET_KEY_BASE={text}"),
        (false, false) => text,
    };
    Ok(output::print(format!("{line}\n"))?)
}

/// The first characters of as many random bytes in base 64, as `mix phx.gen.secret` prints them.
fn secret(length: usize) -> anyhow::Result<String> {
    let mut text = BASE64_NOPAD.encode(&random::bytes(length)?);
    text.truncate(length);
    Ok(text)
}
