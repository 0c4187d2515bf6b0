//! The guestbook, built once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::sandbox::{Sandbox, succeed};

/// A secret that is in the environment of every build, and must be nowhere else.
pub(crate) const CANARY: &str = "canary-5f0c1e";

/// A copy of the guestbook in a sandbox.
pub(crate) fn guestbook(sandbox: &Sandbox, name: &str) -> Utf8PathBuf {
    let copy = sandbox.join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/guestbook");
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    succeed(sandbox.command("cp").arg("-r").arg(source).arg(&copy));
    for left in ["_build", "deps"] {
        let _ = std::fs::remove_dir_all(copy.join(left));
    }
    copy
}

/// What `beamship image --json` says.
pub(crate) fn image(sandbox: &Sandbox, project: &Utf8Path, arguments: &[&str]) -> serde_json::Value {
    let mut command = sandbox.beamship(project, &["image", "--json"]);
    command.args(arguments).env("SECRET_KEY_BASE", CANARY).env("SOURCE_DATE_EPOCH", "1700000000");
    serde_json::from_str(&succeed(&mut command).stdout).unwrap()
}

/// The digests of the layers by their names.
pub(crate) fn layers(image: &serde_json::Value) -> BTreeMap<String, String> {
    let layers = image["images"][0]["layers"].as_array().unwrap();
    layers
        .iter()
        .map(|layer| {
            (layer["name"].as_str().unwrap().to_owned(), layer["digest"].as_str().unwrap().to_owned())
        })
        .collect()
}

/// A project with a release that every test may use and none may change.
pub(crate) struct Built {
    pub(crate) sandbox: Sandbox,
    pub(crate) project: Utf8PathBuf,
    pub(crate) image: serde_json::Value,
}

impl Built {
    pub(crate) fn get() -> &'static Self {
        static BUILT: OnceLock<Built> = OnceLock::new();
        BUILT.get_or_init(|| {
            let sandbox = Sandbox::new();
            let project = guestbook(&sandbox, "guestbook");
            let image = image(&sandbox, &project, &[]);
            Self { sandbox, project, image }
        })
    }

    pub(crate) fn release(&self) -> Utf8PathBuf {
        self.project.join("_build/prod/rel/guestbook")
    }

    pub(crate) fn layout(&self) -> Utf8PathBuf {
        self.project.join("_build/prod/image/guestbook")
    }
}
