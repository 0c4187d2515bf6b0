//! A token is fetched once and used for all.

use beamship_image::registry::{Access, Credentials, Registry, RetryPolicy, push};

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
