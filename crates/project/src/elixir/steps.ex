defmodule Beamship.Bridge.Steps do
  @moduledoc false

  # Custom steps are functions of the project that get Mix's own struct and return it, changed where they like. They run
  # here, one after the other, until a step is next that is the other side's: `:assemble` or `:tar`.

  import Beamship.Bridge, only: [refuse: 1]

  def custom?(steps), do: Enum.any?(steps, &is_function/1)

  # The steps before `:assemble`. What they change of the release is what is assembled.
  def before_assembly(choice) do
    original = release(choice)

    case run(original) do
      {:assemble, release} ->
        unchanged(original, release)
        Process.put(__MODULE__, release)

        %{
          choice
          | options: Keyword.put(release.options, :config_providers, release.config_providers),
            boot_scripts: if(release.boot_scripts != original.boot_scripts, do: boot_scripts(release.boot_scripts)),
            steps: [:assemble | release.steps]
        }

      {step, _} ->
        refuse("the custom steps of the release leave #{inspect(step)} as the next step, where :assemble has to be")
    end
  end

  # The struct as `mix release` has it while it assembles: templates see it, and so do the steps that follow.
  def assembling(choice, runtime, overlays) do
    case Process.get(__MODULE__) do
      nil ->
        nil

      release ->
        release = %{complete(release, runtime) | steps: tl(choice.steps)}
        Process.put(__MODULE__, %{release | overlays: Enum.uniq(Enum.flat_map(overlays, &listing/1)) ++ release.overlays})
        release
    end
  end

  def complete(release, runtime) do
    options =
      if runtime.file,
        do: Keyword.put_new(release.options, :reboot_system_after_config, runtime.reboot),
        else: release.options

    %{release | config_providers: runtime.arguments, options: options}
  end

  # The steps after `:assemble`, up to the next one of the other side.
  def continue do
    case run(Process.get(__MODULE__)) do
      {:assemble, _} ->
        refuse("the custom steps of the release have added :assemble a second time")

      {next, release} ->
        Process.put(__MODULE__, release)
        %{next: next}
    end
  end

  def release(choice) do
    %{config: config, name: name, options: options} = choice
    Mix.Release.from_config!(name, Keyword.put(config, :releases, [{name, options}]), [])
  end

  defp run(%{steps: [step | steps]} = release) when is_function(step, 1) do
    case step.(%{release | steps: steps}) do
      %Mix.Release{steps: steps} = release when is_list(steps) -> run(release)
      other -> refuse("the release step #{inspect(step)} has to return a Mix.Release, got: #{inspect(other)}")
    end
  end

  defp run(%{steps: [step | steps]} = release) when step in [:assemble, :tar], do: {step, %{release | steps: steps}}
  defp run(%{steps: []} = release), do: {:done, release}

  defp run(%{steps: [step | _]}) do
    refuse("the custom steps of the release have added #{inspect(step)}, which is none of :assemble, :tar and functions of one argument")
  end

  # `Mix.Release` says which fields may be modified.
  defp unchanged(before, now) do
    for field <- [:name, :version, :path, :version_path, :applications, :erts_source, :erts_version],
        Map.fetch!(before, field) != Map.fetch!(now, field) do
      refuse(
        "the custom steps of the release have changed #{inspect(field)}, which cannot be modified: " <>
          "`Mix.Release` allows :boot_scripts, :config_providers, :options, :overlays and :steps"
      )
    end
  end

  defp boot_scripts(scripts) do
    for {name, applications} <- Enum.sort(scripts) do
      if not (is_atom(name) and Keyword.keyword?(applications) and Enum.all?(applications, fn {_, mode} -> is_atom(mode) end)) do
        refuse("the custom steps of the release have made the boot script #{inspect(name)} of #{inspect(applications)}, which is not a keyword list of applications and modes")
      end

      {Atom.to_string(name), applications}
    end
  end

  # Everything in an overlay, relative to it; `Mix` lists what it has copied.
  defp listing(directory), do: listing(directory, "")

  defp listing(directory, prefix) do
    case File.ls(directory) do
      {:ok, names} ->
        Enum.flat_map(Enum.sort(names), fn name ->
          path = Path.join(directory, name)
          relative = Path.join(prefix, name)
          link? = match?({:ok, _}, :file.read_link(path))
          [relative | if(not link? and File.dir?(path), do: listing(path, relative), else: [])]
        end)

      {:error, _} ->
        []
    end
  end
end
