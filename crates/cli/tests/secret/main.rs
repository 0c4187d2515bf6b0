//! `beamship secret`: the cases of Phoenix's own tests of its generator (`test/mix/tasks/phx.gen.secret_test.exs`), and cookies.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

#[path = "../support/sandbox.rs"]
mod sandbox;

use crate::sandbox::{Sandbox, run, succeed};

fn printed(arguments: &[&str]) -> String {
    let sandbox = Sandbox::new();
    let project = sandbox.path().to_owned();
    let outcome = succeed(&mut sandbox.beamship(&project, &[&["secret"], arguments].concat()));
    assert_eq!(outcome.stderr, "");
    outcome.stdout.strip_suffix('\n').unwrap().to_owned()
}

fn refused(arguments: &[&str]) -> String {
    let sandbox = Sandbox::new();
    let project = sandbox.path().to_owned();
    let outcome = run(&mut sandbox.beamship(&project, &[&["secret"], arguments].concat()));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""));
    outcome.stderr
}

#[test]
fn s1_s2_so_many_characters() {
    let secret = printed(&[]);
    assert_eq!(secret.len(), 64);
    assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte)), "{secret}");
    assert_ne!(printed(&[]), secret);
    assert_eq!(printed(&["32"]).len(), 32);
}

#[test]
fn s3_s4_wrong_lengths_are_refused() {
    for (arguments, reason) in [
        (&["bad"][..], "invalid digit"),
        (&["32bad"], "invalid digit"),
        (&["32", "33"], "unexpected argument"),
        (&["0"], "32..=4096"),
        (&["31"], "32..=4096"),
    ] {
        let message = refused(arguments);
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn other_forms() {
    let cookie = printed(&["--cookie"]);
    assert!(cookie.len() == 56 && cookie.ends_with("===="), "{cookie}");
    let line = printed(&["--env"]);
    assert_eq!(line.strip_prefix("export SECRET_KEY_BASE=").unwrap().len(), 64);
    let json =
        |arguments: &[&str]| -> serde_json::Value { serde_json::from_str(&printed(arguments)).unwrap() };
    assert_eq!(json(&["--json"]).as_str().unwrap().len(), 64);
    let variables = json(&["--env", "--json", "40"]);
    assert_eq!(variables.as_object().unwrap().len(), 1);
    assert_eq!(variables["SECRET_KEY_BASE"].as_str().unwrap().len(), 40);
}
