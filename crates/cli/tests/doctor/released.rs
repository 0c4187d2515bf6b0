//! A release to examine: built once by beamship, then used by every test through a directory of its own.

use std::fs::File;
use std::process::Command;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::files::write;
use crate::findings::Said;
use crate::project;
use crate::sandbox::{Sandbox, succeed};

/// What the release is built from.
const RUNTIME: &str = r#"
import Config

if config_env() == :prod do
  config :demo, runtime: System.get_env("DEMO_RUNTIME", "default")
end
"#;

/// The release, in the target directory as in `launcher/installed.rs`.
fn original() -> &'static Utf8Path {
    static RELEASE: OnceLock<(Utf8PathBuf, File)> = OnceLock::new();
    let (release, _) = RELEASE.get_or_init(|| {
        let sandbox = Sandbox::new();
        let otp = succeed(sandbox.command("erl").args([
            "-noshell",
            "-eval",
            "io:put_chars(erlang:system_info(otp_release)), halt().",
        ]));
        let release = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("doctor-otp-{}", otp.stdout));
        let lock = File::create(format!("{release}.lock")).unwrap();
        lock.lock().unwrap();
        let _ = std::fs::remove_dir_all(&release);
        let demo = project::demo(&sandbox, "demo");
        write(&demo.join("config/runtime.exs"), RUNTIME);
        succeed(&mut sandbox.beamship(&demo, &["build", "--quiet", "--path", release.as_str()]));
        (release, lock)
    });
    release
}

/// A release in a sandbox. `lib` and ERTS are links.
pub(crate) struct Released {
    pub(crate) sandbox: Sandbox,
    root: Utf8PathBuf,
    node: String,
}

impl Released {
    pub(crate) fn new() -> Self {
        let original = original();
        let sandbox = Sandbox::new();
        let root = sandbox.join("release");
        std::fs::create_dir(&root).unwrap();
        for entry in original.read_dir_utf8().unwrap() {
            let name = entry.unwrap().file_name().to_owned();
            if name == "bin" || name == "releases" {
                succeed(sandbox.command("cp").arg("-pR").arg(original.join(&name)).arg(root.join(&name)));
            } else {
                std::os::unix::fs::symlink(original.join(&name), root.join(&name)).unwrap();
            }
        }
        let node =
            format!("doctor-{}", sandbox.path().file_name().unwrap().trim_start_matches("beamship-test-"));
        Self { sandbox, root, node }
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// A file of `releases/VSN`.
    pub(crate) fn versioned(&self, name: &str) -> Utf8PathBuf {
        self.root.join("releases/0.1.0").join(name)
    }

    /// `bin/demo ARGUMENTS`, as a node of its own without EPMD, with as many open files as a process may have.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.prepare("/bin/sh");
        command.args(["-c", "ulimit -S -n \"$(ulimit -H -n)\" && exec \"$0\" \"$@\""]);
        command.arg(self.root.join("bin/demo")).args(arguments);
        command
    }

    /// A program with the environment of the system.
    pub(crate) fn prepare(&self, program: &str) -> Command {
        let mut command = self.sandbox.command(program);
        command.envs([
            ("RELEASE_DISTRIBUTION", "sname"),
            ("RELEASE_EPMD", "none"),
            ("RELEASE_NODE", &self.node),
        ]);
        command
    }

    /// What the doctor says with these variables.
    pub(crate) fn examined(&self, variables: &[(&str, &str)]) -> Said {
        Said::by(self.command(&["doctor", "--json"]).envs(variables.iter().copied()))
    }

    /// Makes `erts-VSN` a copy that can be changed; gives its `bin`.
    pub(crate) fn own_erts(&self) -> Utf8PathBuf {
        let entries = self.root.read_dir_utf8().unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().into_path());
        let erts = paths.find(|path| path.file_name().unwrap().starts_with("erts-")).unwrap();
        let original = erts.read_link_utf8().unwrap();
        std::fs::remove_file(&erts).unwrap();
        succeed(self.sandbox.command("cp").arg("-pR").arg(original).arg(&erts));
        erts.join("bin")
    }
}
