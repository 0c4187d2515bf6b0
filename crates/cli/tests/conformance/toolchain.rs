//! The Elixir in PATH, and the fixture compiled by it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::sandbox::{Sandbox, succeed};

/// What all cases share.
pub(crate) struct Toolchain {
    /// `1.18.3`.
    pub(crate) elixir: String,
    /// Major version of OTP.
    pub(crate) otp: u32,
    /// Versions of applications, `erts` among them, that are replaced in what is printed.
    pub(crate) versions: BTreeMap<String, String>,
    /// The fixture, compiled.
    pub(crate) project: Utf8PathBuf,
    // Keeps the directory.
    _sandbox: Sandbox,
}

impl Toolchain {
    /// Asked and compiled once.
    pub(crate) fn get() -> &'static Self {
        static TOOLCHAIN: OnceLock<Toolchain> = OnceLock::new();
        TOOLCHAIN.get_or_init(Self::prepare)
    }

    fn prepare() -> Self {
        let sandbox = Sandbox::new();
        let project = sandbox.join("project");
        copy(&case_directory().join("../fixture"), &project);
        let script = r##"
        for path <- Path.wildcard("#{:code.lib_dir()}/*"), [app, version] <- [String.split(Path.basename(path), "-")] do
          IO.puts("#{app} #{version}")
        end
        for app <- ~w(elixir eex ex_unit iex logger mix), do: IO.puts("#{app} #{System.version()}")
        IO.puts("erts #{:erlang.system_info(:version)}")
        IO.puts(":elixir #{System.version()}")
        IO.puts(":otp #{System.otp_release()}")
        "##;
        let answer = succeed(sandbox.command("mix").current_dir(&project).env("MIX_ENV", "prod").args([
            "do",
            "compile",
            "+",
            "run",
            "--no-start",
            "-e",
            script,
        ]));
        // A build of the same compiles nothing.
        let arguments = ["release", "--quiet", "--path", "../unused"];
        succeed(&mut sandbox.beamship(&project, &arguments));
        let mut versions: BTreeMap<String, String> = answer
            .stdout
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit()))
            .filter(|(_, version)| !version.contains(' '))
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect();
        let elixir = versions.remove(":elixir").expect("a version of Elixir");
        let otp = versions.remove(":otp").expect("a version of OTP").parse().unwrap();
        Self { elixir, otp, versions, project, _sandbox: sandbox }
    }

    /// `1.18`.
    pub(crate) fn minor(&self) -> String {
        self.elixir.split('.').take(2).collect::<Vec<_>>().join(".")
    }

    /// Whether Elixir is at least of this minor version.
    pub(crate) fn at_least(&self, wanted: &str) -> bool {
        let number = |text: &str| -> Vec<u32> {
            text.split(['.', '-']).map_while(|part| part.parse().ok()).take(2).collect()
        };
        number(&self.elixir) >= number(wanted)
    }
}

/// Where the cases are.
pub(crate) fn case_directory() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases")
}

/// Copies a directory with links, modes and times.
pub(crate) fn copy(from: &Utf8Path, to: &Utf8Path) {
    let status = Command::new("cp").arg("-a").arg(Path::new(from.as_str())).arg(to).status().unwrap();
    assert!(status.success(), "cp -a {from} {to}");
}
