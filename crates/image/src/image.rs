//! An image: layers, and how they are run.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use camino::Utf8Path;

use crate::contents::RELEASE_ROOT;
use crate::document::{
    Descriptor, Empty, Execution, Healthcheck, History, ImageConfig, Index, Manifest, Platform, RootFs,
    annotation, media_type, to_bytes,
};
use crate::error::{At, ImageError};
use crate::layer::Layer;
use crate::system::USER;

/// What an image says about itself and how it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageOptions {
    /// The machines that it is for.
    pub platform: Platform,
    /// Name of the release.
    pub name: String,
    /// Arguments of the release's command where none are given: `start`.
    pub command: Vec<String>,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// Variables, besides those of the base image; the later one of a name counts.
    pub environment: Vec<(String, String)>,
    /// TCP ports that it listens on.
    pub ports: Vec<u16>,
    /// Labels, which are annotations of the manifest too.
    pub labels: BTreeMap<String, String>,
}

/// A document of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its descriptor.
    pub descriptor: Descriptor,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// An image that is for pulling, pushing and running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The manifest.
    pub manifest: Document,
    /// The configuration.
    pub config: Document,
    /// The layers, the lowest first.
    pub layers: Vec<Layer>,
}

/// What another image contributes: its layers, and how it is run where we say nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its name.
    pub name: String,
    /// The digest of its manifest.
    pub digest: crate::Digest,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its layers, on this machine.
    pub layers: Vec<Layer>,
}

/// Health is asked for this often, and the answer waited for this long.
const HEALTH_INTERVAL: Duration = Duration::from_secs(10);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);
const HEALTH_START: Duration = Duration::from_secs(30);
const HEALTH_RETRIES: u32 = 3;

impl Image {
    /// Puts an image together.
    ///
    /// # Errors
    ///
    /// When its documents cannot be written.
    pub fn new(options: &ImageOptions, base: Option<&Base>, own: Vec<Layer>) -> Result<Self, ImageError> {
        let created = rfc3339(options.created);
        let mut history = base.map(|base| base.config.history.clone()).unwrap_or_default();
        history.extend(own.iter().map(|layer| History {
            created: Some(created.clone()),
            created_by: Some("beamship image".to_owned()),
            comment: Some(layer.title.clone()),
            empty_layer: false,
        }));
        let mut layers = base.map(|base| base.layers.clone()).unwrap_or_default();
        layers.extend(own);
        let config = ImageConfig {
            created: Some(created),
            architecture: options.platform.architecture.clone(),
            os: options.platform.os.clone(),
            variant: options.platform.variant.clone(),
            config: execution(options, base.map(|base| &base.config.config)),
            rootfs: RootFs {
                kind: "layers".to_owned(),
                diff_ids: layers.iter().map(|layer| layer.diff_id.clone()).collect(),
            },
            history,
        };
        let config = Document::new(media_type::CONFIG, to_bytes(&config, "the configuration")?);
        let mut annotations = options.labels.clone();
        if let Some(base) = base {
            annotations.insert(annotation::BASE_NAME.to_owned(), base.name.clone());
            annotations.insert(annotation::BASE_DIGEST.to_owned(), base.digest.to_string());
        }
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::MANIFEST.to_owned()),
            config: config.descriptor.clone(),
            layers: layers.iter().map(|layer| layer.descriptor.clone()).collect(),
            annotations,
        };
        let mut manifest = Document::new(media_type::MANIFEST, to_bytes(&manifest, "the manifest")?);
        manifest.descriptor.platform = Some(options.platform.clone());
        Ok(Self { manifest, config, layers })
    }
}

impl Document {
    pub(crate) fn new(media_type: &str, bytes: Vec<u8>) -> Self {
        Self { descriptor: Descriptor::of(media_type, &bytes), bytes }
    }

    /// Writes it where a layout keeps it.
    pub(crate) fn write(&self, layout: &Utf8Path) -> Result<(), ImageError> {
        let path = layout.join(self.descriptor.digest.blob_path());
        crate::layout::write_whole(&path, &self.bytes)
    }
}

/// One image, or one for each of several platforms under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// The images.
    pub images: Vec<Image>,
    /// The index of them, where there are several.
    pub index: Option<Document>,
}

impl Images {
    /// Puts images of several platforms under one name.
    ///
    /// # Errors
    ///
    /// When the index cannot be written.
    pub fn new(images: Vec<Image>) -> Result<Self, ImageError> {
        let index = if images.len() > 1 {
            let manifests = images.iter().map(|image| image.manifest.descriptor.clone()).collect();
            let bytes = to_bytes(&Index::new(manifests), "the index")?;
            Some(Document::new(media_type::INDEX, bytes))
        } else {
            None
        };
        Ok(Self { images, index })
    }

    /// The document that its name stands for.
    ///
    /// # Errors
    ///
    /// When there is no image at all.
    pub fn root(&self) -> Result<&Document, ImageError> {
        let first = self.images.first().map(|image| &image.manifest);
        self.index.as_ref().or(first).ok_or_else(|| ImageError::Document {
            what: "the index",
            from: "the new image".to_owned(),
            reason: "holds no image".to_owned(),
        })
    }

    /// The files of all layers and their descriptors, each once.
    pub fn layers(&self) -> Vec<&Layer> {
        let mut seen = std::collections::BTreeSet::new();
        let all = self.images.iter().flat_map(|image| &image.layers);
        all.filter(|layer| seen.insert(layer.descriptor.digest.clone())).collect()
    }

    /// All documents: configurations, manifests, index.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        let of_images = self.images.iter().flat_map(|image| [&image.config, &image.manifest]);
        of_images.chain(&self.index)
    }

    /// The size of all content in bytes, as a registry stores it.
    pub fn size(&self) -> u64 {
        let documents: u64 = self.documents().map(|document| document.descriptor.size).sum();
        documents + self.layers().iter().map(|layer| layer.descriptor.size).sum::<u64>()
    }
}

fn execution(options: &ImageOptions, base: Option<&Execution>) -> Execution {
    let root = format!("/{RELEASE_ROOT}");
    let program = format!("{root}/bin/{}", options.name);
    let mut environment = base.and_then(|base| base.env.clone()).unwrap_or_default();
    let mut set = |name: &str, value: &str| {
        environment.retain(|entry| entry.split('=').next() != Some(name));
        environment.push(format!("{name}={value}"));
    };
    if base.is_none() {
        set("PATH", &format!("{root}/bin:/bin"));
        set("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt");
    }
    set("LANG", "C.UTF-8");
    set("HOME", "/tmp");
    for (name, value) in &options.environment {
        set(name, value);
    }
    let mut labels = base.and_then(|base| base.labels.clone()).unwrap_or_default();
    labels.extend(options.labels.clone());
    let ports: BTreeMap<String, Empty> =
        options.ports.iter().map(|port| (format!("{port}/tcp"), Empty {})).collect();
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Execution {
        user: Some(format!("{USER}:{USER}")),
        exposed_ports: (!ports.is_empty()).then_some(ports),
        env: Some(environment),
        entrypoint: Some(vec![program.clone()]),
        cmd: Some(options.command.clone()),
        healthcheck: Some(Healthcheck {
            test: vec!["CMD".to_owned(), program, "ready".to_owned()],
            interval: nanoseconds(HEALTH_INTERVAL),
            timeout: nanoseconds(HEALTH_TIMEOUT),
            start_period: nanoseconds(HEALTH_START),
            retries: HEALTH_RETRIES,
        }),
        working_dir: Some(root),
        labels: Some(labels),
        stop_signal: Some("SIGTERM".to_owned()),
    }
}

/// A time as RFC 3339 writes it. Year 9999 is the last that it can write.
pub fn rfc3339(seconds: u64) -> String {
    let last = 253_402_300_799;
    let time = UNIX_EPOCH + Duration::from_secs(seconds.min(last));
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The content of a layer's file, for those that send it.
pub(crate) fn open(layer: &Layer) -> Result<fs_err::File, ImageError> {
    fs_err::File::open(&layer.file).at("read", &layer.file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_base_are_kept_or_replaced() {
        let base = Execution {
            env: Some(vec!["PATH=/usr/bin".to_owned(), "LANG=C".to_owned()]),
            ..Execution::default()
        };
        let options = ImageOptions {
            platform: Platform::linux("amd64"),
            name: "shop".to_owned(),
            command: vec!["start".to_owned()],
            created: 0,
            environment: vec![("A".to_owned(), "1".to_owned()), ("A".to_owned(), "2".to_owned())],
            ports: vec![4000],
            labels: BTreeMap::new(),
        };
        let execution = execution(&options, Some(&base));
        assert_eq!(execution.env.unwrap(), ["PATH=/usr/bin", "LANG=C.UTF-8", "HOME=/tmp", "A=2"]);
        assert_eq!(execution.entrypoint.unwrap(), ["/app/bin/shop"]);
        assert_eq!(execution.user.unwrap(), "65534:65534");
        assert!(execution.exposed_ports.unwrap().contains_key("4000/tcp"));
    }

    #[test]
    fn times_are_written_in_full() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_764_000_000), "2025-11-24T16:00:00Z");
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
