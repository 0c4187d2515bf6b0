//! Small Mix projects, written to a sandbox.

use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use crate::files::write;
use crate::sandbox::Sandbox;

/// A project that uses what most releases use: a dependency, a protocol, `priv`, an overlay, configuration at compile
/// time and at start.
pub(crate) fn demo(sandbox: &Sandbox, directory: &str) -> Utf8PathBuf {
    let root = sandbox.join(directory);
    write(
        &root.join("mix.exs"),
        r#"
defmodule Demo.MixProject do
  use Mix.Project

  def project do
    [app: :demo, version: "0.1.0", elixir: "~> 1.14", deps: [{:greeter, path: "greeter"}], releases: [demo: []]]
  end

  def application, do: [mod: {Demo.Application, []}, extra_applications: [:logger, :runtime_tools]]
end
"#,
    );
    write(
        &root.join("config/config.exs"),
        r#"
import Config
config :demo, static: :was_set, encoding: {:"ключ", "значение", ~c"é"}, nested: %{b: 1, a: [1.5, nil]}
"#,
    );
    write(
        &root.join("config/runtime.exs"),
        r#"
import Config
config :demo, runtime: System.get_env("DEMO_RUNTIME", "default")
"#,
    );
    write(
        &root.join("lib/demo.ex"),
        r#"
defprotocol Demo.Shape do
  @doc "Its area."
  def area(shape)
end

defimpl Demo.Shape, for: Map do
  def area(map), do: map.width * map.height
end

defmodule Demo do
  @static Application.compile_env(:demo, :static)
  def static, do: @static
  def area, do: Demo.Shape.area(%{width: 2, height: 3})
end

defmodule Demo.Application do
  use Application

  def start(_, _) do
    case System.get_env("DEMO_REPORT") do
      nil -> :ok
      path -> File.write!(path, report())
    end

    Supervisor.start_link([], strategy: :one_for_one)
  end

  def report do
    inspect(
      [
        mode: :code.get_mode(),
        static: Demo.static(),
        area: Demo.area(),
        consolidated: Protocol.consolidated?(Demo.Shape),
        runtime: Application.get_env(:demo, :runtime),
        greeting: Greeter.hello(),
        priv: File.read!(Application.app_dir(:demo, "priv/hello"))
      ],
      limit: :infinity
    )
  end
end
"#,
    );
    write(&root.join("priv/hello"), "world");
    write(&root.join("rel/overlays/etc/demo.conf"), "colour = blue\n");
    executable(&root.join("rel/overlays/bin/hello"), "#!/bin/sh\necho hello\n");
    write(
        &root.join("greeter/mix.exs"),
        "defmodule Greeter.MixProject do\n  use Mix.Project\n  def project, do: [app: :greeter, version: \"1.0.0\"]\nend\n",
    );
    write(
        &root.join("greeter/lib/greeter.ex"),
        "defmodule Greeter do\n  @moduledoc \"Greets.\"\n  def hello, do: \"hello\"\nend\n",
    );
    root
}

/// Writes a file that can be run.
fn executable(path: &Utf8Path, text: &str) {
    write(path, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
