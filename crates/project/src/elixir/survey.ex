defmodule Beamship.Bridge.Survey do
  @moduledoc false

  # What files for a deployment depend on. Nothing is compiled for it: the configuration is read, and dependencies are
  # looked at as they are.

  def survey do
    Mix.Task.run("loadconfig")
    config = Mix.Project.config()
    dependencies = Enum.reject(Mix.Dep.cached(), & &1.opts[:in_umbrella])

    %{
      releases: Enum.map(releases(config), &Atom.to_string/1),
      applications: applications(config),
      umbrella: Mix.Project.umbrella?(config),
      dependencies: Enum.map(dependencies, & &1.app),
      # Whatever is not a directory has to be fetched, by Hex or by git, and what is not Mix's is built by rebar.
      fetched: Enum.any?(dependencies, &(&1.scm != Mix.SCM.Path or &1.manager not in [:mix, nil])),
      directories: for(dep <- dependencies, dep.scm == Mix.SCM.Path, do: dep.opts[:dest]),
      aliases: for({name, _} <- config[:aliases] || [], is_atom(name), do: name),
      elixir_version: System.version(),
      otp_release: System.otp_release()
    }
  end

  defp releases(config) do
    names = if Keyword.keyword?(config[:releases] || []), do: Keyword.keys(config[:releases] || []), else: []

    case {config[:default_release], names} do
      {nil, []} -> List.wrap(config[:app])
      {nil, names} -> names
      {default, names} -> [default | List.delete(names, default)]
    end
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
        has_repositories: Application.get_env(app, :ecto_repos, []) != []
      }
    end
  end
end
