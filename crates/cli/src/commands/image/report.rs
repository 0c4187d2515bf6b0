//! What `beamship image` says in the end, to people and as JSON: an image that was made, or one that would be.

use image::registry::Pushed;
use image::{Images, Reference};
use serde::Serialize;

use super::destination::Published;
use crate::image_build::Draft;
use crate::output;
use crate::printer::{Printer, count, size};
use crate::report::print_json;

/// An image that was made, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct Report {
    name: String,
    digest: String,
    bytes: u64,
    images: Vec<ImageReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loaded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed: Option<PushReport>,
}

/// The image for one platform.
#[derive(Serialize)]
struct ImageReport {
    digest: String,
    platform: String,
    layers: Vec<LayerReport>,
}

#[derive(Serialize)]
struct LayerReport {
    name: String,
    digest: String,
    bytes: u64,
}

/// An image that would be made.
#[derive(Serialize)]
struct DraftReport {
    platform: String,
    layers: Vec<DraftedLayer>,
}

#[derive(Serialize)]
struct DraftedLayer {
    name: &'static str,
    files: usize,
    /// Before compression.
    bytes: u64,
}

/// An image that was pushed.
#[derive(Serialize)]
pub(super) struct PushReport {
    image: String,
    sent: u64,
    present: u64,
    mounted: u64,
}

impl PushReport {
    /// What was sent of the image by this name, in bytes, and what was not.
    pub(super) fn new(image: &Reference, pushed: &Pushed) -> Self {
        let Pushed { sent, present, mounted, .. } = *pushed;
        Self { image: image.to_string(), sent, present, mounted }
    }
}

impl Report {
    /// What was made, and where it has gone.
    ///
    /// # Errors
    ///
    /// When there is no image.
    pub(super) fn new(images: &Images, tag: &Reference, published: Published) -> anyhow::Result<Self> {
        let image = |image: &image::Image| ImageReport {
            digest: image.manifest.descriptor.digest.to_string(),
            platform: image
                .manifest
                .descriptor
                .platform
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            layers: image
                .layers
                .iter()
                .map(|layer| LayerReport {
                    name: layer.title.clone(),
                    digest: layer.descriptor.digest.to_string(),
                    bytes: layer.descriptor.size,
                })
                .collect(),
        };
        Ok(Self {
            name: tag.familiar(),
            digest: images.root()?.descriptor.digest.to_string(),
            bytes: images.size(),
            images: images.images.iter().map(image).collect(),
            output: published.output,
            loaded: published.loaded,
            pushed: published.pushed,
        })
    }

    /// Prints it, with the commands that use the image.
    pub(super) fn announce(&self, json: bool, printer: &Printer) -> anyhow::Result<()> {
        if json {
            return print_json(self);
        }
        printer.say(&format!("\nThe image {} is {}, {}", self.name, self.digest, size(self.bytes)));
        if let Some(output) = &self.output {
            printer.say(&format!("\n    {output}"));
        }
        if let Some(pushed) = &self.pushed {
            printer.say(&format!("\n    docker pull {}", pushed.image));
        }
        if let Some(loaded) = &self.loaded {
            printer.say(&format!("\n    docker run --rm {loaded}"));
        }
        Ok(())
    }
}

/// Prints what the images would consist of (`--dry-run`).
pub(super) fn print_drafts(drafts: &[Draft], json: bool) -> anyhow::Result<()> {
    if json {
        let layer = |(name, files, bytes)| DraftedLayer { name, files, bytes };
        let image = |draft: &Draft| DraftReport {
            platform: draft.platform.to_string(),
            layers: draft.contents().map(layer).collect(),
        };
        return print_json(&drafts.iter().map(image).collect::<Vec<_>>());
    }
    let mut text = String::new();
    for draft in drafts {
        text.push_str(&format!("{}\n", draft.platform));
        for (name, files, bytes) in draft.contents() {
            text.push_str(&format!(
                "  {name:<14} {:>6} files {:>10} before compression\n",
                count(files),
                size(bytes)
            ));
        }
    }
    Ok(output::print(text)?)
}
