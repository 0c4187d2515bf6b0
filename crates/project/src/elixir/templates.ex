defmodule Beamship.Bridge.Templates do
  @moduledoc false

  # Templates see the release as Mix's own struct, in the state in which `mix release` renders them.

  # Not there before 1.15.
  @compile {:no_warn_undefined, {Mix, :ensure_application!, 1}}

  import Beamship.Bridge, only: [refuse: 1]

  def render(choice, release, runtime, directory, executables) do
    files =
      ["vm.args", "remote.vm.args"] ++
        if(:unix in executables, do: ["env.sh"], else: []) ++
        if(:windows in executables, do: ["env.bat"], else: [])

    case for(file <- files, path = Path.join(directory, file <> ".eex"), File.exists?(path), do: {file, path}) do
      [] ->
        %{}

      found ->
        if function_exported?(Mix, :ensure_application!, 1), do: Mix.ensure_application!(:eex)
        {release, complete?} = if release, do: {release, true}, else: release(choice, runtime)
        for {file, path} <- found, text = render(path, release, complete?), into: %{}, do: {file, text}
    end
  end

  # `bin/NAME.bat` of the running Mix. Its text has two places to fill; one with more is a template like any other.
  def windows_command(name, runtime) do
    mode = if runtime.reboot and runtime.arguments != [], do: "-elixir config_provider_reboot_mode", else: "-mode"

    text =
      Mix.Tasks.Release.Init.cli_bat_text()
      |> String.replace("<%= @release.name %>", Atom.to_string(name))
      |> String.replace(~S|<%= release_mode(@release, "!RELEASE_MODE!") %>|, "#{mode} !RELEASE_MODE!")

    if String.contains?(text, "<%"), do: refuse("Elixir #{System.version()} has a command for Windows that beamship does not know")
    text
  end

  defp render(path, release, complete?) do
    EEx.eval_file(path, assigns: [release: release])
  rescue
    exception ->
      # Without its applications the struct may not be what the template needs. That they could not be found is an
      # error which the other side reports.
      if complete?, do: refuse("cannot render the template #{path}: #{Exception.format_banner(:error, exception, __STACKTRACE__)}")
  end

  defp release(choice, runtime) do
    {release, complete?} =
      try do
        {Beamship.Bridge.Steps.release(choice), true}
      rescue
        _ -> {incomplete(choice), false}
      end

    remaining = release.steps |> Enum.drop_while(&(&1 != :assemble)) |> Enum.drop(1)
    {%{Beamship.Bridge.Steps.complete(release, runtime) | steps: remaining}, complete?}
  end

  defp incomplete(%{options: options, version: version, path: path} = choice) do
    struct(Mix.Release,
      name: choice.name,
      version: version,
      path: path,
      version_path: Path.join([path, "releases", version]),
      applications: %{},
      boot_scripts: %{start: [], start_clean: []},
      erts_version: :erlang.system_info(:version),
      options: Keyword.drop(options, [:applications, :include_erts, :path, :version, :config_providers, :steps]),
      overlays: [],
      steps: [:assemble]
    )
  end
end
