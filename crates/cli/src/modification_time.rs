//! The time that reproducible artefacts carry instead of the time when they were made.

use anyhow::Context;
use camino::Utf8Path;

use crate::git;

/// `SOURCE_DATE_EPOCH`, else the time of the commit that is checked out in a directory, in seconds since 1970; none where
/// there is neither.
///
/// # Errors
///
/// When `SOURCE_DATE_EPOCH` is not a number.
pub(crate) fn modification_time(directory: &Utf8Path) -> anyhow::Result<Option<u64>> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) if !text.is_empty() => text
            .parse()
            .map(Some)
            .with_context(|| format!("SOURCE_DATE_EPOCH is `{text}`, which is not a number of seconds")),
        _ => Ok(commit_time(directory)),
    }
}

fn commit_time(directory: &Utf8Path) -> Option<u64> {
    git::ask(directory, &["log", "-1", "--format=%ct"])?.parse().ok()
}
