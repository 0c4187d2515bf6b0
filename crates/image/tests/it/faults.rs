//! A push and a pull end complete, or fail and say why.

use std::time::Duration;

use beamship_image::document::Platform;
use beamship_image::registry::{Access, Credentials, Registry, RegistryError, Remote, RetryPolicy, push};
use beamship_image::{Base, ImageError};

use crate::images::{images, temporary};
use crate::registry_server::{Behaviour, Fault, Server};

fn policy(attempts: u32) -> RetryPolicy {
    RetryPolicy { attempts, first_pause: Duration::from_millis(1) }
}

fn registry(server: &Server, name: &str, attempts: u32) -> Registry {
    Registry::with_credentials(&server.reference(name), Access::Push, policy(attempts), None)
}

/// With a third of all requests failing in seven ways.
#[test]
fn a_push_through_a_failing_registry_is_complete_or_fails_cleanly() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let (mut complete, mut failed) = (0, 0);
    for seed in 1..=120 {
        let server = Server::start(Behaviour { faults: Some(seed), ..Behaviour::default() });
        // Few attempts, so that both ends are seen.
        let result = push(&registry(&server, "shop:1", 3), &images, &|_, _| {});
        let store = server.store.lock().unwrap();
        for (digest, bytes) in &store.blobs {
            assert_eq!(beamship_image::Digest::of(bytes).as_str(), digest, "seed {seed}");
        }
        match result {
            Ok(pushed) => {
                complete += 1;
                let (_, manifest) = &store.manifests["1"];
                assert_eq!(*manifest, images.images[0].manifest.bytes, "seed {seed}");
                for layer in images.layers() {
                    assert!(store.blobs.contains_key(layer.descriptor.digest.as_str()), "seed {seed}");
                }
                assert!(store.blobs.contains_key(images.images[0].config.descriptor.digest.as_str()));
                assert_eq!(pushed.digest.as_ref(), Some(&images.images[0].manifest.descriptor.digest));
                assert!(pushed.sent + pushed.present + pushed.mounted >= images.size(), "seed {seed}");
            }
            Err(error) => {
                failed += 1;
                let text = error.to_string();
                assert!(text.contains(&format!("`{}`", server.address)), "seed {seed}: {text}");
                assert!(text.contains("hint: "), "seed {seed}: {text}");
                assert!(!text.contains("secret"), "seed {seed}: {text}");
            }
        }
    }
    assert!(complete > 20 && failed > 5, "{complete} complete, {failed} failed");
}

#[test]
fn more_attempts_get_through() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    for seed in 1..=20 {
        let server = Server::start(Behaviour { faults: Some(seed), ..Behaviour::default() });
        push(&registry(&server, "shop:1", 12), &images, &|_, _| {}).unwrap();
        // What was sent is there: the same again sends the manifest alone.
        let server = Server::start(Behaviour::default());
        push(&registry(&server, "shop:1", 1), &images, &|_, _| {}).unwrap();
        let again = push(&registry(&server, "shop:2", 1), &images, &|_, _| {}).unwrap();
        assert_eq!(again.sent, images.images[0].manifest.descriptor.size);
    }
}

#[test]
fn a_registry_that_never_works_ends_the_push() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    use Fault::{Busy, DropAnswer, DropAtOnce, DropInBody, TooMany};
    for fault in [DropAtOnce, DropInBody, DropAnswer, TooMany, Busy] {
        let server = Server::start(Behaviour { always: Some(fault), ..Behaviour::default() });
        let error = push(&registry(&server, "shop:1", 3), &images, &|_, _| {}).unwrap_err();
        assert!(error.to_string().starts_with("cannot push "), "{fault:?}: {error}");
        assert!(server.store.lock().unwrap().manifests.is_empty(), "{fault:?}");
    }
}

#[test]
fn a_registry_that_forgets_every_upload_ends_the_push() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let server = Server::start(Behaviour { always: Some(Fault::Forget), ..Behaviour::default() });
    let error = push(&registry(&server, "shop:1", 3), &images, &|_, _| {}).unwrap_err();
    assert!(matches!(error, RegistryError::Refused { status: 404, .. }), "{error}");
    let requests = &server.store.lock().unwrap().requests;
    let sent = requests.iter().filter(|request| request.starts_with("PUT")).count();
    assert!((3..=9).contains(&sent), "{sent}: three times, three blobs at a time");
}

/// However far it gets each time: it was sent again without end.
#[test]
fn a_registry_that_refuses_every_complete_blob_ends_the_push() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    for (status, attempts) in
        [("400 Bad Request", 1), ("416 Range Not Satisfiable", 1), ("503 Service Unavailable", 3)]
    {
        let server = Server::start(Behaviour { refuses_blobs: Some(status), ..Behaviour::default() });
        let error = push(&registry(&server, "shop:1", 3), &images, &|_, _| {}).unwrap_err();
        assert!(error.to_string().contains(&format!("{status}: X: not today")), "{error}");
        let requests = &server.store.lock().unwrap().requests;
        let sent = requests.iter().filter(|request| request.starts_with("PUT")).count();
        assert!((attempts..=3 * attempts).contains(&sent), "{status}: {sent}, three blobs at a time");
    }
}

/// Progress is of bytes that are sent for the first time, and of all of them.
#[test]
fn progress_never_goes_back() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let server = Server::start(Behaviour { faults: Some(7), ..Behaviour::default() });
    let last = AtomicU64::new(0);
    push(&registry(&server, "shop:1", 12), &images, &|arrived, total| {
        assert!(arrived <= total);
        last.fetch_max(arrived, Relaxed);
    })
    .unwrap();
    let config = images.images[0].config.descriptor.size;
    let layers: u64 = images.layers().iter().map(|layer| layer.descriptor.size).sum();
    assert_eq!(last.load(Relaxed), layers + config);
}

#[test]
fn a_registry_that_stores_something_else_is_noticed() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let server = Server::start(Behaviour { lies_about_digests: true, ..Behaviour::default() });
    let error = push(&registry(&server, "shop:1", 3), &images, &|_, _| {}).unwrap_err();
    assert!(matches!(error, RegistryError::WrongDigest { .. }), "{error}");
}

#[test]
fn a_base_is_fetched_whole_or_not_at_all() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let platform = Platform::linux("amd64");
    let mut fetched = 0;
    for seed in 1..=60 {
        let server = Server::start(Behaviour { faults: Some(seed), ..Behaviour::default() });
        if push(&registry(&server, "shop:1", 30), &images, &|_, _| {}).is_err() {
            continue;
        }
        let (_guard, cache) = temporary();
        let remote = Remote::new(registry(&server, "shop:1", 4));
        match Base::fetch(&remote, &platform, &cache) {
            Ok(base) => {
                fetched += 1;
                assert_eq!(base.digest, images.images[0].manifest.descriptor.digest, "seed {seed}");
                for (layer, sent) in base.layers.iter().zip(images.layers()) {
                    let bytes = fs_err::read(&layer.file).unwrap();
                    assert_eq!(beamship_image::Digest::of(&bytes), sent.descriptor.digest, "seed {seed}");
                }
            }
            Err(error) => {
                let kept = cache.join("blobs/sha256");
                for entry in kept.read_dir_utf8().into_iter().flatten().flatten() {
                    let bytes = fs_err::read(entry.path()).unwrap();
                    assert_eq!(
                        beamship_image::Digest::of(&bytes).hex(),
                        entry.file_name(),
                        "seed {seed}: {error}"
                    );
                }
            }
        }
    }
    assert!(fetched > 10, "{fetched}");
}

#[test]
fn a_base_that_is_something_else_is_refused() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let server = Server::start(Behaviour { corrupts_blobs: true, ..Behaviour::default() });
    push(&registry(&server, "shop:1", 3), &images, &|_, _| {}).unwrap();
    let (_guard, cache) = temporary();
    let remote = Remote::new(registry(&server, "shop:1", 3));
    let error = Base::fetch(&remote, &Platform::linux("amd64"), &cache).unwrap_err();
    assert!(matches!(error, ImageError::WrongDigest { .. }), "{error}");
    let error = Base::fetch(&remote, &Platform::linux("arm64"), &cache).unwrap_err();
    assert!(matches!(error, ImageError::NoPlatform { .. } | ImageError::WrongDigest { .. }), "{error}");
}

/// Layers of a base image are in the registry already, in the repository of that image.
#[test]
fn layers_of_the_base_are_mounted() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let server = Server::start(Behaviour::default());
    push(&registry(&server, "library:1", 3), &images, &|_, _| {}).unwrap();
    let (_guard, cache) = temporary();
    let remote = Remote::new(registry(&server, "library:1", 3));
    let base = Base::fetch(&remote, &Platform::linux("amd64"), &cache).unwrap();
    let image = beamship_image::Image::new(&crate::images::options("amd64"), Some(&base), vec![]).unwrap();
    let images = beamship_image::Images::new(vec![image]).unwrap();
    // In the layout everybody may read them, and in the cache nobody else.
    let layout = beamship_image::Layout::open(&directory.join("layout")).unwrap();
    layout.publish(&images, None).unwrap();
    for layer in &base.layers {
        let mode = |file: &camino::Utf8Path| {
            std::os::unix::fs::PermissionsExt::mode(&fs_err::metadata(file).unwrap().permissions()) & 0o777
        };
        assert_eq!(mode(&layer.file), 0o600);
        assert_eq!(mode(&layout.directory().join(layer.descriptor.digest.blob_path())), 0o644);
    }
    let layers: u64 = base.layers.iter().map(|layer| layer.descriptor.size).sum();
    let pushed = push(&registry(&server, "other:1", 3), &images, &|_, _| {}).unwrap();
    assert_eq!(pushed.mounted, layers);
    let again = push(&registry(&server, "other:2", 3), &images, &|_, _| {}).unwrap();
    assert_eq!((again.mounted, again.sent), (0, images.images[0].manifest.descriptor.size));
}

#[test]
fn missing_credentials_are_reported_as_such() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let server = Server::start(Behaviour { user: Some(("ann", "open")), ..Behaviour::default() });
    let error = push(&registry(&server, "shop:1", 3), &images, &|_, _| {}).unwrap_err();
    assert!(matches!(error, RegistryError::Refused { status: 401, .. }), "{error}");
    assert!(error.to_string().contains("docker login"), "{error}");
    let wrong = Credentials::Password { user: "ann".to_owned(), password: "geheim".to_owned() };
    let registry =
        Registry::with_credentials(&server.reference("shop:1"), Access::Push, policy(3), Some(wrong));
    let error = push(&registry, &images, &|_, _| {}).unwrap_err();
    assert!(matches!(error, RegistryError::Refused { status: 401, .. }), "{error}");
    assert!(!format!("{error} {error:?} {registry:?}").contains("geheim"));
}
