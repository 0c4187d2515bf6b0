defmodule Guestbook.MixProject do
  use Mix.Project

  def project do
    [
      app: :guestbook,
      version: "0.1.0",
      elixir: "~> 1.14",
      elixirc_paths: if(Mix.env() == :test, do: ["lib", "test/support"], else: ["lib"]),
      start_permanent: Mix.env() == :prod,
      deps: deps(),
      aliases: aliases(),
      releases: releases()
    ]
  end

  def application do
    [mod: {Guestbook.Application, []}, extra_applications: [:logger, :crypto, :eex]]
  end

  # Erlang libraries that Debian packages; see vendor/debian_package.exs.
  defp deps do
    [
      {:sqlite3, path: "vendor/sqlite3"},
      {:p1_pgsql, path: "vendor/p1_pgsql"}
    ]
  end

  defp releases do
    [guestbook: [include_executables_for: [:unix]]]
  end

  defp aliases do
    [
      "assets.build": &esbuild(["--sourcemap" | &1]),
      # In a Phoenix project the digest step would follow here.
      "assets.deploy": &esbuild(["--minify" | &1])
    ]
  end

  # Bundles assets/ into priv/static/assets, which is made anew so that it holds only what the sources say.
  # References to /images/... stay as they are: those files are served from priv/static.
  defp esbuild(options) do
    esbuild = esbuild_executable!()
    output = Path.expand("priv/static/assets", __DIR__)
    File.rm_rf!(output)

    arguments = [
      "js/app.js",
      "css/app.css",
      "--bundle",
      "--target=es2020",
      "--outdir=#{output}",
      "--external:/images/*",
      "--loader:.svg=file",
      "--asset-names=images/[name]",
      "--log-level=warning"
    ]

    case System.cmd(esbuild, arguments ++ options, cd: "assets", into: IO.stream()) do
      {_, 0} -> :ok
      {_, status} -> Mix.raise("esbuild could not bundle assets/ (exit status #{status}); its message is above.")
    end
  end

  # What ESBUILD names, npm's in assets/node_modules, or the one in PATH.
  defp esbuild_executable! do
    npm = Path.expand("assets/node_modules/.bin/esbuild", __DIR__)
    name = System.get_env("ESBUILD") || if(File.exists?(npm), do: npm, else: "esbuild")

    case System.find_executable(name) do
      nil -> Mix.raise("There is no executable #{name}: run apt-get install esbuild, or set ESBUILD to its path.")
      path -> Path.expand(path)
    end
  end
end
