//! Releases to try the launcher in: assembled once by Mix, then used by every test through a directory of its own.

use std::fs::File;
use std::process::Command;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::files::write;
use crate::sandbox::{Sandbox, succeed};

/// The releases of the project below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Configured at start, without a reboot.
    Plain,
    /// `reboot_system_after_config`.
    Rebooting,
    /// The same, and `prune_runtime_sys_config_after_boot`.
    Pruning,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Rebooting => "rebooting",
            Self::Pruning => "pruning",
        }
    }
}

const MIX_EXS: &str = r#"
defmodule Probe.MixProject do
  use Mix.Project

  def project do
    [app: :probe, version: "0.1.0", elixir: "~> 1.14", releases: releases()]
  end

  def application, do: [mod: {Probe.Application, []}, extra_applications: [:logger]]

  defp releases do
    [
      plain: [],
      rebooting: [reboot_system_after_config: true],
      pruning: [reboot_system_after_config: true, prune_runtime_sys_config_after_boot: true]
    ]
  end
end
"#;

/// It reports how it was started, and ends in the ways that the environment asks for.
const APPLICATION: &str = r##"
defmodule Probe.Application do
  use Application

  def start(_, _) do
    if get("PROBE_RAISE"), do: raise("asked to fail")
    if path = get("PROBE_REPORT"), do: spawn(fn -> report_when_started(path) end)
    if code = get("PROBE_EVAL"), do: spawn(fn -> Code.eval_string(code) end)
    if status = get("PROBE_HALT"), do: spawn(fn -> System.halt(String.to_integer(status)) end)
    if status = get("PROBE_STOP"), do: spawn(fn -> System.stop(String.to_integer(status)) end)
    Supervisor.start_link([], strategy: :one_for_one)
  end

  def stop(_) do
    if path = get("PROBE_STOPPED"), do: File.write!(path, "stopped")
  end

  # Before that, an application that is stopped is only killed.
  defp report_when_started(path) do
    if List.keymember?(Application.started_applications(), :probe, 0) do
      report(path)
    else
      Process.sleep(1)
      report_when_started(path)
    end
  end

  defp report(path) do
    report = [
      pid: System.pid(),
      mode: :code.get_mode(),
      node: node(),
      secret: Application.get_env(:probe, :secret),
      cookie: get("RELEASE_COOKIE"),
      sys_config: get("RELEASE_SYS_CONFIG"),
      command: get("RELEASE_COMMAND"),
      given: get("PROBE_GIVEN"),
      directory: File.cwd!()
    ]

    text = for {key, value} <- report, do: "#{key}=#{value}\n"
    File.write!(path <> ".new", text)
    File.rename!(path <> ".new", path)
  end

  defp get(name), do: System.get_env(name)
end
"##;

/// Where Mix's releases are. They stay in the target directory, as other things do that Cargo has built, until the
/// next run of these tests replaces them. It waits for one that still uses them: until that process ends, it holds a
/// lock.
fn releases() -> &'static Utf8Path {
    static RELEASES: OnceLock<(Utf8PathBuf, File)> = OnceLock::new();
    let (releases, _) = RELEASES.get_or_init(|| {
        let sandbox = Sandbox::new();
        // Several toolchains share the target directory.
        let otp = succeed(sandbox.command("erl").args([
            "-noshell",
            "-eval",
            "io:put_chars(erlang:system_info(otp_release)), halt().",
        ]));
        let releases =
            Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("launcher-otp-{}", otp.stdout));
        let lock = File::create(format!("{releases}.lock")).unwrap();
        lock.lock().unwrap();
        let _ = std::fs::remove_dir_all(&releases);
        let project = sandbox.join("probe");
        write(&project.join("mix.exs"), MIX_EXS);
        write(&project.join("lib/application.ex"), APPLICATION);
        write(
            &project.join("config/runtime.exs"),
            "import Config\nconfig :probe, secret: System.get_env(\"PROBE_SECRET\", \"none\")\n",
        );
        let script = format!(
            "for name <- ~w(plain rebooting pruning), do: \
             Mix.Task.rerun(\"release\", [name, \"--quiet\", \"--path\", \"{releases}/\" <> name])"
        );
        succeed(&mut sandbox.mix(&project, &["run", "--no-start", "-e", &script]));
        (releases, lock)
    });
    releases
}

/// A release in a sandbox. `lib` and ERTS are links to the one that Mix has assembled.
pub(crate) struct Installed {
    pub(crate) sandbox: Sandbox,
    pub(crate) kind: Kind,
    root: Utf8PathBuf,
}

impl Installed {
    /// With the launcher as `bin/NAME`.
    pub(crate) fn new(kind: Kind) -> Self {
        Self::at(kind, "release")
    }

    /// The same in a certain directory of the sandbox.
    pub(crate) fn at(kind: Kind, directory: &str) -> Self {
        let installed = Self::of_mix(kind, directory);
        installed.sandbox.install(env!("CARGO_BIN_EXE_beamship-launcher"), &installed.executable());
        installed
    }

    /// With Mix's script as `bin/NAME`.
    pub(crate) fn of_mix(kind: Kind, directory: &str) -> Self {
        let sandbox = Sandbox::new();
        let original = releases().join(kind.name());
        let root = sandbox.join(directory);
        std::fs::create_dir_all(&root).unwrap();
        for entry in original.read_dir_utf8().unwrap() {
            let name = entry.unwrap().file_name().to_owned();
            if name == "bin" || name == "releases" {
                succeed(sandbox.command("cp").arg("-R").arg(original.join(&name)).arg(root.join(&name)));
            } else {
                std::os::unix::fs::symlink(original.join(&name), root.join(&name)).unwrap();
            }
        }
        Self { sandbox, kind, root }
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// `bin/NAME`.
    pub(crate) fn executable(&self) -> Utf8PathBuf {
        self.root.join("bin").join(self.kind.name())
    }

    /// `bin/NAME ARGUMENTS`, with `RELEASE_DISTRIBUTION=none`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(self.executable());
        command.args(arguments);
        command
    }

    /// `releases/VSN`.
    pub(crate) fn version_directory(&self) -> Utf8PathBuf {
        self.root.join("releases/0.1.0")
    }

    /// Another `env.sh`.
    pub(crate) fn set_env_sh(&self, text: &str) {
        write(&self.version_directory().join("env.sh"), text);
    }

    /// Elixir's version, as far as it matters: `(1, 14)`.
    pub(crate) fn elixir(&self) -> (u32, u32) {
        let directory = std::fs::read_dir(self.root.join("lib")).unwrap();
        let version = directory
            .filter_map(|entry| {
                entry.unwrap().file_name().to_str()?.strip_prefix("elixir-").map(str::to_owned)
            })
            .next()
            .unwrap();
        let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap(), numbers.next().unwrap())
    }

    /// `erts-VSN/bin`.
    pub(crate) fn erts_bin(&self) -> Utf8PathBuf {
        let mut entries = self.root.read_dir_utf8().unwrap().map(|entry| entry.unwrap().path().to_owned());
        entries.find(|path| path.file_name().unwrap().starts_with("erts-")).unwrap().join("bin")
    }

    /// Makes `erts-VSN/bin` a directory of its own, and `erlexec` in it a script.
    pub(crate) fn replace_erlexec(&self, script: &str) {
        let bin = self.erts_bin();
        let erts = bin.parent().unwrap();
        if let Ok(original) = erts.read_link_utf8() {
            std::fs::remove_file(erts).unwrap();
            std::fs::create_dir_all(&bin).unwrap();
            self.sandbox.install(original.join("bin/erl"), &bin.join("erl"));
        }
        let file = self.sandbox.join("erlexec");
        write(&file, script);
        self.sandbox.install(file, &bin.join("erlexec"));
    }
}
