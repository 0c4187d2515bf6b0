//! The platforms of an image: those that were asked for, and each only once.

use image::document::Platform;

use crate::image_build::Draft;

/// Whether the releases are for the platforms that were asked for, and each for another one.
///
/// # Errors
///
/// When they are not.
pub(super) fn check(drafts: &[Draft], wanted: &[Platform]) -> anyhow::Result<()> {
    let found: Vec<String> = drafts.iter().map(|draft| draft.platform.to_string()).collect();
    if let Some(twice) = found.iter().enumerate().find(|(index, platform)| found[..*index].contains(platform))
    {
        anyhow::bail!("two of the releases are for {}", twice.1);
    }
    for wanted in wanted {
        if !drafts.iter().any(|draft| draft.platform.accepts(wanted)) {
            anyhow::bail!(
                "the release is for {}, not for {wanted}\nhint: a virtual machine runs on what it was built for: build the release on {wanted} (or under emulation) and name both with --release",
                found.join(" and ")
            );
        }
    }
    Ok(())
}
