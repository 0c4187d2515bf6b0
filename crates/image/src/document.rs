//! The documents of an image: descriptors, manifests, indexes and configurations (OCI image specification 1.1).
//!
//! Fields are written in the order of this file and maps in the order of their keys, so the same image is always the same
//! bytes. What is not used here is not kept when a foreign document is read.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::digest::Digest;
use crate::error::ImageError;

/// Media types.
pub mod media_type {
    /// A manifest.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An index.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// A configuration.
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// A layer, compressed with gzip.
    pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// A layer, compressed with Zstandard.
    pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// A layer, as it is.
    pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
    /// Docker's manifest.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker's index.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker's layer, compressed with gzip.
    pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
}

/// Annotations and labels that the OCI image specification gives a name to.
pub mod annotation {
    /// The name of an image in a layout: its tag or whole name.
    pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
    /// The name of an image in an archive, whole, as containerd and Docker write it.
    pub const CONTAINERD_NAME: &str = "io.containerd.image.name";
    /// When it was made.
    pub const CREATED: &str = "org.opencontainers.image.created";
    /// The commit.
    pub const REVISION: &str = "org.opencontainers.image.revision";
    /// Where the sources are.
    pub const SOURCE: &str = "org.opencontainers.image.source";
    /// What is in it.
    pub const TITLE: &str = "org.opencontainers.image.title";
    /// The version of what is in it.
    pub const VERSION: &str = "org.opencontainers.image.version";
    /// The image that it is based on.
    pub const BASE_NAME: &str = "org.opencontainers.image.base.name";
    /// That image's digest.
    pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
    /// What a layer holds; ours.
    pub const LAYER: &str = "io.beamship.layer";
}

/// A reference to a content: its type, its digest and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its type.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// For which machines, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What else is known about it, by name.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// The descriptor of these bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            platform: None,
            annotations: BTreeMap::new(),
        }
    }
}

/// The machines that an image is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// In Go's words: `amd64`, `arm64`.
    pub architecture: String,
    /// `linux`.
    pub os: String,
    /// `v8`, `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on this architecture.
    pub fn linux(architecture: &str) -> Self {
        Self { architecture: architecture.to_owned(), os: "linux".to_owned(), variant: None }
    }

    /// Whether an image for `other` runs here. A variant only counts where both name one.
    pub fn accepts(&self, other: &Self) -> bool {
        self.os == other.os
            && self.architecture == other.architecture
            && (self.variant.is_none() || other.variant.is_none() || self.variant == other.variant)
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(formatter, "/{variant}"))
    }
}

/// A manifest: what an image consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// What this document is.
    #[serde(default)]
    pub media_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// What else is known about it, by name.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An index: images for several platforms under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// What this document is.
    #[serde(default)]
    pub media_type: Option<String>,
    /// The images.
    pub manifests: Vec<Descriptor>,
    /// What else is known about it, by name.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Index {
    /// An index of these.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        let media_type = Some(media_type::INDEX.to_owned());
        Self { schema_version: 2, media_type, manifests, annotations: BTreeMap::new() }
    }
}

/// A configuration: how an image is run, and of what its root file system consists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When it was made (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// For which architecture, in Go's words.
    pub architecture: String,
    /// `linux`.
    pub os: String,
    /// `v8`, `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How it is run.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub config: Execution,
    /// Its layers before they were compressed.
    pub rootfs: RootFs,
    /// A line for each layer.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub history: Vec<History>,
}

/// How an image is run. Keys that are Docker's alone (`Healthcheck`) are read by Docker and ignored by others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Execution {
    /// User and group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `4000/tcp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed_ports: Option<BTreeMap<String, Empty>>,
    /// `NAME=value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<String>>,
    /// The program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Its arguments, where none are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// How Docker finds out whether it is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// The current directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Labels: what else is known about the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// How it is asked to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
}

/// An object without fields, as some maps have for values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// How Docker finds out whether a container is healthy. Times are in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    /// `CMD` and a command line.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub test: Vec<String>,
    /// Between two questions.
    #[serde(default)]
    pub interval: u64,
    /// For an answer.
    #[serde(default)]
    pub timeout: u64,
    /// In which a failure does not count.
    #[serde(default)]
    pub start_period: u64,
    /// How many failures in a row count.
    #[serde(default)]
    pub retries: u32,
}

/// The layers before they were compressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Their digests, the lowest first.
    pub diff_ids: Vec<Digest>,
}

/// What made a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The command that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// What is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// It changed only the configuration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

/// Other tools write `null` for what is empty, as Go does for lists and maps that nobody has made.
fn null_is_absent<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The bytes of a document.
pub(crate) fn to_bytes<T: Serialize>(document: &T, what: &'static str) -> Result<Vec<u8>, ImageError> {
    serde_json::to_vec(document).map_err(|error| ImageError::Document {
        what,
        from: "the new image".to_owned(),
        reason: format!("cannot be written as JSON: {error}"),
    })
}

/// Reads a document.
pub(crate) fn from_bytes<T: DeserializeOwned>(
    bytes: &[u8],
    what: &'static str,
    from: &str,
) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|error| ImageError::Document {
        what,
        from: from.to_owned(),
        reason: format!("cannot be understood: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_in_the_documents_of_others_is_absent() {
        let config = r#"{"architecture": "amd64", "os": "linux", "config": null, "history": null, "created": null,
            "rootfs": {"type": "layers", "diff_ids": []}}"#;
        let config: ImageConfig = from_bytes(config.as_bytes(), "the configuration", "a test").unwrap();
        assert_eq!((config.config, config.history), (Execution::default(), vec![]));
        let execution: Execution =
            serde_json::from_str(r#"{"Env": null, "Labels": null, "Healthcheck": {"Test": null}}"#).unwrap();
        assert_eq!(execution.healthcheck, Some(Healthcheck::default()));
        let index: Index =
            serde_json::from_str(r#"{"schemaVersion": 2, "manifests": [], "annotations": null}"#).unwrap();
        assert_eq!(index.annotations, BTreeMap::new());
    }
}
