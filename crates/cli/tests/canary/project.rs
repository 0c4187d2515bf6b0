//! A project that meets all secrets, and writes down which.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use crate::canaries::{COMPILED, CONFIGURED, COOKIE, ENVIRONMENT, MIX_FILE, RUNTIME};
use crate::sandbox::Sandbox;
use crate::search::search;

pub(crate) struct Project {
    pub(crate) sandbox: Sandbox,
    pub(crate) path: Utf8PathBuf,
    /// Outside of what is searched: here `mix.exs` and `runtime.exs` write what they have seen.
    witness: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        let path = sandbox.join("demo");
        let project = Self { sandbox, path, witness: tempfile::tempdir().unwrap() };
        project.write(
            "mix.exs",
            &format!(
                "defmodule Demo.MixProject do
  use Mix.Project
  def project do
    token = System.get_env(\"BUILD_TOKEN\") || raise \"no token\"
    everything = inspect(System.get_env(), limit: :infinity, printable_limit: :infinity)
    File.write!(Path.join(System.fetch_env!(\"WITNESS\"), \"mix\"), everything)
    [app: :demo, version: \"0.1.0\", build_token: token, releases: [demo: [cookie: \"{COOKIE}\"]]]
  end
  def application, do: [mod: {{Demo.Application, []}}]
end
"
            ),
        );
        project.write(
            "config/config.exs",
            &format!("import Config\nconfig :demo, configured: \"{CONFIGURED}\", compiled: \"{COMPILED}\"\n"),
        );
        project.write(
            "config/runtime.exs",
            "import Config
config :demo, runtime: System.fetch_env!(\"RUNTIME_SECRET\")
everything = inspect(System.get_env(), limit: :infinity, printable_limit: :infinity)
File.write!(Path.join(System.fetch_env!(\"WITNESS\"), \"runtime\"), everything)
",
        );
        project.write(
            "lib/demo.ex",
            "defmodule Demo.Application do
  use Application
  @compiled Application.compile_env(:demo, :compiled)
  def compiled, do: [@compiled, :and_more]
  def start(_, _) do
    true = is_binary(Application.fetch_env!(:demo, :runtime))
    if System.get_env(\"FAILS\"), do: raise(\"it does not want to\")
    Supervisor.start_link([], strategy: :one_for_one)
  end
end
",
        );
        project.write("priv/static/app.css", &"a{color:red}".repeat(100));
        project
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn release(&self) -> Utf8PathBuf {
        self.path.join("_build/prod/rel/demo")
    }

    pub(crate) fn beamship(&self, arguments: &[&str]) -> Command {
        self.with_secrets(self.sandbox.beamship(&self.path, arguments))
    }

    /// The release's own program.
    pub(crate) fn control(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(self.release().join("bin/demo"));
        command.args(arguments);
        self.with_secrets(command)
    }

    fn with_secrets(&self, mut command: Command) -> Command {
        command.envs([
            ("SECRET_KEY_BASE", ENVIRONMENT),
            ("DATABASE_URL", ENVIRONMENT),
            ("HEX_API_KEY", ENVIRONMENT),
            ("RELEASE_COOKIE", ENVIRONMENT),
            ("BUILD_TOKEN", MIX_FILE),
            ("RUNTIME_SECRET", RUNTIME),
        ]);
        command.env("WITNESS", self.witness.path());
        command
    }

    /// Whether `mix.exs`, or `runtime.exs`, has been evaluated since the last question, and has met all that it can meet.
    pub(crate) fn has_met_secrets(&self, file: &str) -> bool {
        let witness = Utf8Path::from_path(self.witness.path()).unwrap();
        let found = search(witness);
        for entry in witness.read_dir_utf8().unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let expected = [ENVIRONMENT, MIX_FILE, RUNTIME];
        found
            .get(Utf8Path::new(file))
            .is_some_and(|found| expected.iter().all(|canary| found.contains(canary)))
    }
}
