//! The same sources give the same image, a changed line changes a layer, and no secret is in it.

use std::io::Read;

use crate::built::{Built, CANARY, guestbook, image, layers};
use crate::sandbox::{Sandbox, succeed};

#[test]
fn an_image_is_the_same_everywhere() {
    let built = Built::get();
    let sandbox = Sandbox::new();
    let project = guestbook(&sandbox, "a/place/with another name");
    // Modes of a checkout under another umask, another number of threads, another time.
    succeed(sandbox.command("chmod").args(["-R", "go-rwx"]).arg(&project));
    let mut command = sandbox.command("sh");
    command.current_dir(&project).args(["-c", "umask 077; exec \"$0\" image --json"]);
    command.arg(env!("CARGO_BIN_EXE_beamship"));
    command.env("RAYON_NUM_THREADS", "1").env("SOURCE_DATE_EPOCH", "1700000000").env("TZ", "Asia/Tokyo");
    let other: serde_json::Value = serde_json::from_str(&succeed(&mut command).stdout).unwrap();
    assert_eq!(layers(&built.image), layers(&other));
    assert_eq!(built.image["digest"], other["digest"]);
}

#[test]
fn a_changed_line_changes_the_last_layer() {
    let sandbox = Sandbox::new();
    let project = guestbook(&sandbox, "guestbook");
    let before = image(&sandbox, &project, &[]);
    let file = project.join("lib/guestbook/release.ex");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replacen("def migrate", "def changed, do: :changed\n\n  def migrate", 1);
    assert_ne!(text, changed);
    std::fs::write(&file, changed).unwrap();
    let after = image(&sandbox, &project, &[]);
    let (one, other) = (layers(&before), layers(&after));
    let changed: Vec<&String> = one.keys().filter(|name| one[*name] != other[*name]).collect();
    assert_eq!(changed, ["application"]);
    let bytes = |name: &str| {
        let layers = after["images"][0]["layers"].as_array().unwrap();
        layers.iter().find(|layer| layer["name"] == name).unwrap()["bytes"].as_u64().unwrap()
    };
    let all = after["bytes"].as_u64().unwrap();
    assert!(bytes("application") * 100 < all, "{} of {all}", bytes("application"));
    let layout = project.join("_build/prod/image/guestbook");
    let table = succeed(&mut sandbox.beamship(&project, &["image", "inspect"])).stdout;
    assert!(table.contains("runs /app/bin/guestbook server as 65534:65534"), "{table}");
    // An image is compared with one that is somewhere else.
    image(&sandbox, &project, &["--output", "../kept"]);
    std::fs::write(&file, text).unwrap();
    image(&sandbox, &project, &[]);
    let since = sandbox.join("kept");
    let table = succeed(
        &mut sandbox.beamship(&project, &["image", "inspect", layout.as_str(), "--since", since.as_str()]),
    );
    let count = |word: &str| table.stdout.lines().filter(|line| line.ends_with(word)).count();
    assert_eq!((count("  changed"), count("  same")), (1, 5), "{}", table.stdout);
}

#[test]
fn no_secret_is_in_an_image() {
    let built = Built::get();
    let cookie = std::fs::read_to_string(built.release().join("releases/COOKIE")).unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(built.layout().join("blobs/sha256")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let mut plain = bytes.clone();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            plain.clear();
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
        }
        files += 1;
        for secret in [CANARY, cookie.trim()] {
            let found = plain.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "`{secret}` is in the image");
        }
    }
    assert_eq!(files, 8);
}
