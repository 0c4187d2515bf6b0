defmodule Beamship.Bridge.Survey do
  @moduledoc false

  alias Beamship.Bridge.{CompiledConfiguration, Runtime}

  # What files for a deployment depend on. Nothing is compiled for it: the configuration is read, and dependencies are
  # looked at as they are.

  def survey do
    Mix.Task.run("loadconfig")
    config = Mix.Project.config()
    # The applications of an umbrella are named as dependencies of each other, and of the umbrella.
    dependencies = Enum.reject(Mix.Dep.cached(), &(&1.opts[:in_umbrella] || &1.opts[:from_umbrella]))

    %{
      releases: Enum.map(releases(config), &Atom.to_string/1),
      applications: applications(config),
      umbrella: Mix.Project.umbrella?(config),
      dependencies: Enum.map(dependencies, & &1.app),
      # Whatever is not a directory of this machine has to be fetched, by Hex or by git, and what Mix does not build, Rebar does.
      needs_hex: Enum.any?(dependencies, &(&1.scm != Mix.SCM.Path or &1.manager not in [:mix, nil])),
      path_dependency_directories: for(dep <- dependencies, dep.scm == Mix.SCM.Path, do: dep.opts[:dest]),
      aliases: aliases(config),
      unusable:
        for dep <- dependencies, not (Mix.Dep.ok?(dep) or Mix.Dep.compilable?(dep)) do
          %{name: Atom.to_string(dep.app), reason: reason(dep)}
        end,
      serves: Enum.any?(applications(config), &serves?(String.to_atom(&1.name))),
      options_outside_project:
        Enum.filter([:build_path, :config_path, :deps_path, :lockfile], &outside_project?(config[&1])),
      release_files: Enum.map(options(config), &release_files(&1, config)),
      elixir_version: System.version(),
      otp_release: System.otp_release()
    }
  end

  defp reason(%{scm: Mix.SCM.Path, opts: opts} = dep) do
    if File.dir?(opts[:dest]), do: Mix.Dep.format_status(dep), else: "its directory is not there: #{opts[:dest]}"
  end

  defp reason(dep), do: Mix.Dep.format_status(dep)

  defp aliases(config), do: for({name, _} <- config[:aliases] || [], is_atom(name), do: name)

  # Those of an application of an umbrella.
  defp aliases(_, ""), do: []
  defp aliases(app, path), do: Mix.Project.in_project(app, path, fn _ -> aliases(Mix.Project.config()) end)

  # Whether an option of the project leads out of it, as those of an umbrella's application do.
  defp outside_project?(path), do: is_binary(path) and Path.relative_to_cwd(Path.expand(path)) == Path.expand(path)

  defp releases(config) do
    names = if Keyword.keyword?(config[:releases] || []), do: Keyword.keys(config[:releases] || []), else: []

    case {config[:default_release], names} do
      {nil, []} -> List.wrap(config[:app])
      {nil, names} -> names
      {default, names} -> [default | List.delete(names, default)]
    end
  end

  # The options of every release, as far as they can be read: what is wrong with them is said when one is described.
  defp options(config) do
    releases = if Keyword.keyword?(config[:releases] || []), do: config[:releases] || [], else: []

    case for({_, options} <- releases, do: read(options)) do
      [] -> [[]]
      all -> Enum.filter(all, &Keyword.keyword?/1)
    end
  end

  # They may call what has to be compiled first: then the usual ones have to do.
  defp read(options) do
    if is_function(options, 0), do: options.(), else: options
  rescue
    _ -> []
  end

  # Files of the project that a release is made of, whether they are there or not.
  defp release_files(options, config) do
    chosen = Runtime.choose(config, options)

    runtime =
      case chosen do
        :none -> nil
        {:named, file} -> file
        # Where there is only the deprecated one, this is what it should be.
        _ -> Runtime.default(config)
      end

    %{
      templates: text(options[:rel_templates_path]) || "rel",
      overlays: options[:overlays] |> List.wrap() |> Enum.filter(&is_binary/1),
      runtime: runtime,
      runtime_named: match?({:named, _}, chosen),
      runtime_problem: runtime && problem(runtime)
    }
  end

  # Why Elixir cannot parse a file; nil where it can, or there is no such file.
  defp problem(file) do
    with {:ok, source} <- File.read(file) do
      CompiledConfiguration.problem(source, file)
    else
      _ -> nil
    end
  end

  defp text(value), do: if(is_binary(value), do: value)

  # Whether an endpoint is told to listen, whatever runtime.exs says.
  defp serves?(app) do
    Enum.any?(Application.get_all_env(app), fn {_, value} -> Keyword.keyword?(value) and value[:server] == true end)
  end

  defp applications(config) do
    paths =
      case Mix.Project.apps_paths() do
        nil -> Enum.map(List.wrap(config[:app]), &{&1, ""})
        paths -> Enum.sort(paths)
      end

    for {app, path} <- paths do
      %{
        name: Atom.to_string(app),
        path: path,
        module: inspect(Application.get_env(app, :namespace) || Module.concat([Macro.camelize(Atom.to_string(app))])),
        has_repositories: Application.get_env(app, :ecto_repos, []) != [],
        aliases: aliases(app, path)
      }
    end
  end
end
