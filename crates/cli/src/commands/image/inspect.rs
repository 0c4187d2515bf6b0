//! `beamship image inspect`: of which layers an image consists, and which of them are not in another one.

use anyhow::Context;
use image::document::{Descriptor, ImageConfig, annotation};
use image::layout::{Stored, manifests, stored};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

use crate::arguments::{GlobalArguments, InspectArguments};
use crate::image_source;
use crate::output;
use crate::printable::in_one_line;
use crate::printer::size;
use crate::report::print_json;
use crate::{build_directory, project_directory};

/// The longest name of a layer that is shown: those of Dockerfiles are whole commands.
const LONGEST_NAME: usize = 40;

/// An image for one platform.
#[derive(Serialize)]
struct Inspected {
    digest: String,
    platform: String,
    created: Option<String>,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_bytes: Option<u64>,
    user: Option<String>,
    entrypoint: Vec<String>,
    command: Vec<String>,
    labels: BTreeMap<String, String>,
    layers: Vec<Row>,
}

/// A layer.
#[derive(Serialize)]
struct Row {
    name: String,
    digest: String,
    bytes: u64,
    /// Whether the other image lacks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
}

pub(super) fn run(arguments: &InspectArguments, global: &GlobalArguments) -> anyhow::Result<()> {
    let image = match &arguments.image {
        Some(image) => image.clone(),
        None => built_last()?,
    };
    let since = arguments.since.as_deref().map(layers_of).transpose()?;
    let blobs = image_source::open(&image)?;
    let mut all = Vec::new();
    for (descriptor, bytes) in manifests(blobs.as_ref())? {
        let stored = stored(blobs.as_ref(), &descriptor, &bytes)?;
        all.push(inspected(&stored, since.as_ref())?);
    }
    if global.json {
        return print_json(&all);
    }
    let text: String = all.iter().map(table).collect::<Vec<_>>().join("\n");
    Ok(output::print(text)?)
}

/// The layout of the project's image, where it has one.
fn built_last() -> anyhow::Result<String> {
    let all = build_directory::find(&project_directory::find()?).join("image");
    let mut found = Vec::new();
    for entry in all.read_dir_utf8().into_iter().flatten().flatten() {
        if entry.path().join("index.json").is_file() {
            found.push(entry.into_path());
        }
    }
    match found.as_slice() {
        [layout] => Ok(layout.to_string()),
        [] => {
            anyhow::bail!("there is no image in `{all}`\nhint: build one with `beamship image`, or name one")
        }
        _ => anyhow::bail!("there are several images in `{all}`\nhint: name one of its directories"),
    }
}

fn layers_of(image: &str) -> anyhow::Result<BTreeSet<String>> {
    let blobs = image_source::open(image)?;
    let mut digests = BTreeSet::new();
    for (descriptor, bytes) in manifests(blobs.as_ref())? {
        let stored = stored(blobs.as_ref(), &descriptor, &bytes)?;
        digests.extend(stored.manifest.layers.iter().map(|layer| layer.digest.to_string()));
    }
    Ok(digests)
}

fn inspected(stored: &Stored, since: Option<&BTreeSet<String>>) -> anyhow::Result<Inspected> {
    let config: ImageConfig = serde_json::from_slice(&stored.config)
        .context("the configuration of the image cannot be understood")?;
    // The commands that made the layers, where these have no name.
    let mut history = config.history.iter().filter(|entry| !entry.empty_layer);
    let row = |layer: &Descriptor| {
        let made_by =
            history.next().and_then(|entry| entry.comment.clone().or_else(|| entry.created_by.clone()));
        Row {
            name: layer.annotations.get(annotation::LAYER).cloned().or(made_by).unwrap_or_default(),
            digest: layer.digest.to_string(),
            bytes: layer.size,
            changed: since.map(|since| !since.contains(layer.digest.as_str())),
        }
    };
    let layers: Vec<Row> = stored.manifest.layers.iter().map(row).collect();
    let changed = layers.iter().filter(|layer| layer.changed == Some(true)).map(|layer| layer.bytes).sum();
    Ok(Inspected {
        digest: stored.digest.to_string(),
        platform: format!("{}/{}", config.os, config.architecture),
        created: config.created,
        bytes: layers.iter().map(|layer| layer.bytes).sum::<u64>() + stored.manifest.config.size,
        changed_bytes: since.map(|_| changed),
        user: config.config.user,
        entrypoint: config.config.entrypoint.unwrap_or_default(),
        command: config.config.cmd.unwrap_or_default(),
        labels: config.config.labels.unwrap_or_default(),
        layers,
    })
}

fn table(image: &Inspected) -> String {
    let shown = |text: &str| in_one_line(text, LONGEST_NAME);
    let mut text = format!("{} {}, {}\n", shown(&image.platform), image.digest, size(image.bytes));
    let command: Vec<&str> = image.entrypoint.iter().chain(&image.command).map(String::as_str).collect();
    let user = image.user.as_deref().filter(|user| !user.is_empty()).unwrap_or("root");
    text.push_str(&format!("runs {} as {}\n", shown(&command.join(" ")), shown(user)));
    let names: Vec<String> = image.layers.iter().map(|layer| shown(&layer.name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (layer, name) in image.layers.iter().zip(names) {
        let changed = match layer.changed {
            Some(true) => "  changed",
            Some(false) => "  same",
            None => "",
        };
        let digest = layer.digest.get(..19).unwrap_or(&layer.digest);
        text.push_str(&format!("  {name:<width$}  {digest}  {:>9}{changed}\n", size(layer.bytes)));
    }
    if let Some(changed) = image.changed_bytes {
        text.push_str(&format!("{} of {} have changed\n", size(changed), size(image.bytes)));
    }
    text
}
