//! An image that others are built upon: fetched once, and kept in a cache for as long as it is used.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use tree::file::{Draft, create_directories};

use crate::cache;
use crate::document::{Descriptor, ImageConfig, Platform, from_bytes};
use crate::error::{At, ImageError};
use crate::image::Base;
use crate::layer::Layer;
use crate::layout::{Blobs, manifests, stored};

impl Base {
    /// Fetches an image for a platform. Layers are kept in `cache`, where the next build finds them.
    ///
    /// # Errors
    ///
    /// When there is no such image for the platform, or it cannot be fetched.
    pub fn fetch(blobs: &dyn Blobs, platform: &Platform, cache: &Utf8Path) -> Result<Self, ImageError> {
        let name = blobs.name();
        let mut available = Vec::new();
        for (descriptor, bytes) in manifests(blobs)? {
            if let Some(other) = &descriptor.platform
                && !platform.accepts(other)
            {
                available.push(other.to_string());
                continue;
            }
            let stored = stored(blobs, &descriptor, &bytes)?;
            let config: ImageConfig = from_bytes(&stored.config, "the configuration", &name)?;
            let own = Platform {
                architecture: config.architecture.clone(),
                os: config.os.clone(),
                variant: config.variant.clone(),
            };
            if !platform.accepts(&own) {
                available.push(own.to_string());
                continue;
            }
            if config.rootfs.diff_ids.len() != stored.manifest.layers.len() {
                return Err(ImageError::Document {
                    what: "the configuration",
                    from: name,
                    reason: "does not have an entry for each layer".to_owned(),
                });
            }
            let mut layers = Vec::new();
            for (descriptor, diff_id) in stored.manifest.layers.iter().zip(&config.rootfs.diff_ids) {
                layers.push(Layer {
                    descriptor: Descriptor {
                        media_type: as_oci(&descriptor.media_type),
                        annotations: BTreeMap::new(),
                        ..descriptor.clone()
                    },
                    diff_id: diff_id.clone(),
                    title: "base".to_owned(),
                    file: cached_layer(blobs, descriptor, cache)?,
                    origin: blobs.origin(),
                });
            }
            cache::forget_unused(cache, SystemTime::now());
            return Ok(Self { name, digest: stored.digest, config, layers });
        }
        Err(ImageError::NoPlatform {
            from: name,
            wanted: platform.to_string(),
            available: if available.is_empty() { "none".to_owned() } else { available.join(", ") },
        })
    }
}

/// Docker's layers are those of OCI under another name.
fn as_oci(media_type: &str) -> String {
    use crate::document::media_type::{DOCKER_LAYER, LAYER_GZIP};
    if media_type == DOCKER_LAYER { LAYER_GZIP.to_owned() } else { media_type.to_owned() }
}

/// The file of a layer in the cache. One that is damaged is fetched again.
fn cached_layer(
    blobs: &dyn Blobs,
    descriptor: &Descriptor,
    cache: &Utf8Path,
) -> Result<Utf8PathBuf, ImageError> {
    let path = cache.join(descriptor.digest.blob_path());
    if cache::is_usable(&path, &descriptor.digest, descriptor.size) {
        return Ok(path);
    }
    let directory = path.parent().unwrap_or(cache);
    create_directories(directory).at("create the directory", directory)?;
    let mut draft = Draft::create(&path).at("create", &path)?;
    let mut writer = std::io::BufWriter::new(&mut draft);
    blobs.copy(descriptor, &mut writer, &path)?;
    writer.flush().at("write", &path)?;
    drop(writer);
    draft.publish(0o600).at("create", &path)?;
    Ok(path)
}
