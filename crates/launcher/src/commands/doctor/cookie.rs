//! The cookie: where it comes from, who else can read it, and whether it can be guessed.

use std::os::unix::fs::PermissionsExt;

use diagnosis::{Findings, Severity};

use super::DoctorContext;
use crate::cookie::{cookie, file};
use crate::distribution::Distribution;
use crate::environment::env_var;

/// Shorter cookies can be found by trying.
const MINIMUM_LENGTH: usize = 16;

/// A text with fewer distinct characters is hardly random.
const MINIMUM_VARIETY: usize = 6;

const CHECK: &str = "cookie";

const REMEDY: &str =
    "make one with `beamship secret --cookie`, and set RELEASE_COOKIE or RELEASE_COOKIE_FILE";

pub(super) fn check(context: &DoctorContext<'_>, findings: &mut Findings) {
    let Some(distribution) = context.distribution.as_ref() else { return };
    if *distribution == Distribution::None {
        findings.ok(CHECK, format_args!("not needed: RELEASE_DISTRIBUTION is `none`"));
        return;
    }
    let file = file(context.release, context.environment);
    let origin = match &file {
        Some(path) => path.display().to_string(),
        None => "RELEASE_COOKIE".to_owned(),
    };
    let text = match cookie(context.release, context.environment, distribution) {
        Ok(text) => text.unwrap_or_default(),
        Err(_) if file.is_none() && env_var("RELEASE_COOKIE").is_none() => {
            findings.ok(CHECK, format_args!("the release has none: every start makes one for itself"));
            return;
        }
        Err(failure) => {
            findings.push(failure.into_finding(CHECK, Severity::Error));
            return;
        }
    };
    let before = findings.iter().count();
    let metadata = file.as_ref().and_then(|path| std::fs::metadata(path).ok());
    let mode = metadata.map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    let who = match mode {
        mode if mode & 0o007 != 0 => Some((Severity::Error, "everybody on this machine")),
        mode if mode & 0o070 != 0 => Some((Severity::Warning, "a group")),
        _ => None,
    };
    if let Some((severity, who)) = who {
        let message = format_args!("{who} can read {origin} (mode {mode:04o}), and so run code on the node");
        let remedy = format_args!(
            "chmod 0400 {origin} (a mounted secret: its defaultMode), and make a new cookie if somebody else has seen it"
        );
        match severity {
            Severity::Error => findings.error(CHECK, message, remedy),
            _ => findings.warning(CHECK, message, remedy),
        }
    }
    let length = text.chars().count();
    let mut different = String::new();
    for character in text.chars() {
        if !different.contains(character) {
            different.push(character);
        }
    }
    let different = different.chars().count();
    if length < MINIMUM_LENGTH || different < MINIMUM_VARIETY {
        findings.warning(
            CHECK,
            format_args!(
                "the one from {origin} can be guessed: {length} characters, {different} of them different"
            ),
            format_args!("{REMEDY}"),
        );
    }
    if findings.iter().count() == before {
        let shown = if file.is_some() { format!(", mode {mode:04o}") } else { String::new() };
        findings.ok(CHECK, format_args!("from {origin}{shown}"));
    }
}
