//! What git knows about a project.

use std::process::{Command, Stdio};

use camino::Utf8Path;

/// What git prints when it is asked in a directory; none where there is no git, no repository or no answer.
pub(crate) fn ask(directory: &Utf8Path, arguments: &[&str]) -> Option<String> {
    let directory = if directory.as_str().is_empty() { "." } else { directory.as_str() };
    let output = Command::new("git")
        .args(["-C", directory])
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
