defmodule Beamship.Bridge.Templates do
  @moduledoc false

  # Templates see the release as Mix's own struct, in the state in which `mix release` renders them.

  # Not there before 1.15.
  @compile {:no_warn_undefined, {Mix, :ensure_application!, 1}}

  import Beamship.Bridge, only: [refuse: 1]

  def render(config, name, options, runtime, directory, executables) do
    files =
      ["vm.args", "remote.vm.args"] ++
        if(:unix in executables, do: ["env.sh"], else: []) ++
        if(:windows in executables, do: ["env.bat"], else: [])

    case for(file <- files, path = Path.join(directory, file <> ".eex"), File.exists?(path), do: {file, path}) do
      [] ->
        %{}

      found ->
        if function_exported?(Mix, :ensure_application!, 1), do: Mix.ensure_application!(:eex)
        {release, complete?} = release(config, name, options, runtime)
        for {file, path} <- found, text = render(path, release, complete?), into: %{}, do: {file, text}
    end
  end

  defp render(path, release, complete?) do
    EEx.eval_file(path, assigns: [release: release])
  rescue
    exception ->
      # Without its applications the struct may not be what the template needs. That they could not be found is an
      # error which the other side reports.
      if complete?, do: refuse("cannot render the template #{path}: #{Exception.format_banner(:error, exception, __STACKTRACE__)}")
  end

  defp release(config, name, options, runtime) do
    {release, complete?} =
      try do
        {Mix.Release.from_config!(name, Keyword.put(config, :releases, [{name, options}]), []), true}
      rescue
        _ -> {incomplete(config, name, options), false}
      end

    options = if runtime.file, do: Keyword.put_new(release.options, :reboot_system_after_config, runtime.reboot), else: release.options
    remaining = release.steps |> Enum.drop_while(&(&1 != :assemble)) |> Enum.drop(1)
    {%{release | config_providers: runtime.arguments, options: options, steps: remaining}, complete?}
  end

  defp incomplete(config, name, options) do
    version = Keyword.get(options, :version, config[:version])
    path = Keyword.get(options, :path, Path.join([Mix.Project.build_path(config), "rel", Atom.to_string(name)]))

    struct(Mix.Release,
      name: name,
      version: version,
      path: Path.absname(path),
      version_path: Path.join([Path.absname(path), "releases", to_string(version)]),
      applications: %{},
      boot_scripts: %{start: [], start_clean: []},
      erts_version: :erlang.system_info(:version),
      options: Keyword.drop(options, [:applications, :include_erts, :path, :version, :config_providers, :steps]),
      overlays: [],
      steps: [:assemble]
    )
  end
end
