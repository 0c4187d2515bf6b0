//! Who is asked for a token, and who is shown a password.

use beamship_image::Base;
use beamship_image::document::Platform;
use beamship_image::registry::{Access, Credentials, Registry, RegistryError, Remote, RetryPolicy, push};

use crate::images::{images, temporary};
use crate::registry_server::{Behaviour, Server};

#[test]
fn a_token_is_fetched_and_used() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let server = Server::start(Behaviour { user: Some(("ann", "open")), ..Behaviour::default() });
    let credentials = Credentials::Password { user: "ann".to_owned(), password: "open".to_owned() };
    let reference = server.reference("shop:1");
    let registry =
        Registry::with_credentials(&reference, Access::Push, RetryPolicy::default(), Some(credentials));
    push(&registry, &images, &|_, _| {}).unwrap();
    let store = server.store.lock().unwrap();
    assert!(store.manifests.contains_key("1"));
    let tokens = store.requests.iter().filter(|request| request.ends_with("/token")).count();
    assert!((1..=3).contains(&tokens), "{tokens} for all requests together");
}

fn ann() -> Option<Credentials> {
    Some(Credentials::Password { user: "ann".to_owned(), password: "open".to_owned() })
}

/// `WWW-Authenticate` has several lines, the first of which nobody here understands.
#[test]
fn the_challenge_that_can_be_answered_is() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let user = Some(("ann", "open"));
    let server = Server::start(Behaviour { user, wants_password: true, ..Behaviour::default() });
    let reference = server.reference("shop:1");
    let registry = Registry::with_credentials(&reference, Access::Push, RetryPolicy::default(), ann());
    push(&registry, &images, &|_, _| {}).unwrap();
    // A redirect within the registry keeps them.
    let (_guard, cache) = temporary();
    Base::fetch(&Remote::new(registry), &Platform::linux("amd64"), &cache).unwrap();
}

/// The class of CVE-2020-15157: a layer's address on another server, which asks for a password.
#[test]
fn nobody_else_is_shown_the_password() {
    let (_guard, directory) = temporary();
    let images = images(&directory);
    let stranger = Server::start(Behaviour { user: Some(("ann", "open")), ..Behaviour::default() });
    let elsewhere = Some(stranger.address);
    let server = Server::start(Behaviour { elsewhere, ..Behaviour::default() });
    let policy = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    let registry = || Registry::with_credentials(&server.reference("shop:1"), Access::Push, policy, ann());
    // A push: the address of an upload.
    let error = push(&registry(), &images, &|_, _| {}).unwrap_err();
    assert!(matches!(error, RegistryError::Refused { status: 401, .. }), "{error}");
    // A pull: a redirect.
    let plain = Server::start(Behaviour::default());
    let reference = plain.reference("shop:1");
    push(&Registry::with_credentials(&reference, Access::Push, policy, None), &images, &|_, _| {}).unwrap();
    server.store.lock().unwrap().manifests.clone_from(&plain.store.lock().unwrap().manifests);
    let (_guard, cache) = temporary();
    let error = Base::fetch(&Remote::new(registry()), &Platform::linux("amd64"), &cache).unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
    let requests = &stranger.store.lock().unwrap().requests;
    assert!(
        requests.iter().any(|request| request.starts_with("PUT /v2/shop/blobs/uploads/")),
        "{requests:?}"
    );
    assert!(requests.iter().any(|request| request.starts_with("GET /v2/shop/blobs/")), "{requests:?}");
    assert!(!requests.iter().any(|request| request.contains("/token")), "{requests:?}");
}
