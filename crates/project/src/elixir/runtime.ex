defmodule Beamship.Bridge.Runtime do
  @moduledoc false

  # The configuration that a release evaluates when it starts.

  alias Beamship.Bridge.{CompiledConfiguration, Options}
  import Beamship.Bridge, only: [refuse: 1]

  def describe(config, options, version) do
    providers = providers(options)
    {file, deprecated?, notices} = file(config, options, providers)

    own =
      if file do
        path = {:system, "RELEASE_ROOT", "/releases/#{version}/runtime.exs"}
        [{Config.Reader, [path: path, env: Mix.env(), target: Mix.target(), imports: :disabled]}]
      else
        []
      end

    initialised = Enum.map(own ++ providers, &initialise/1)
    {compiled, unreadable} = CompiledConfiguration.compile(file, List.first(initialised))

    runtime = %{
      file: file && Path.absname(file),
      compiled: compiled,
      arguments: own ++ providers,
      providers: initialised,
      reboot: Options.flag(options, :reboot_system_after_config, deprecated?),
      prune: Options.flag(options, :prune_runtime_sys_config_after_boot, false),
      start_distribution: Options.flag(options, :start_distribution_during_config, false),
      validate_compile_env: Options.flag(options, :validate_compile_env, true)
    }

    {runtime, notices ++ unreadable}
  end

  defp providers(options) do
    providers = Keyword.get(options, :config_providers) || []

    if not is_list(providers) or not Enum.all?(providers, &match?({module, _} when is_atom(module), &1)) do
      refuse("the release option :config_providers has to be a list of {MODULE, ARGUMENT}, got: #{inspect(providers)}")
    end

    providers
  end

  defp initialise({module, argument}) do
    if not (Code.ensure_loaded?(module) and function_exported?(module, :init, 1)) do
      refuse(
        "the config provider #{inspect(module)} has no function init/1: " <>
          "check its name in :config_providers and that the project depends on what defines it"
      )
    end

    {module, module.init(argument)}
  end

  # Which file is meant to become runtime.exs: none, the one that the release names, the usual one, the deprecated one where
  # there is only that, or the usual one although it is absent.
  def choose(config, options) do
    case Keyword.get(options, :runtime_config_path) do
      false ->
        :none

      nil ->
        cond do
          File.exists?(default(config)) -> {:default, default(config)}
          File.exists?(deprecated(config)) -> {:deprecated, deprecated(config)}
          true -> {:absent, default(config)}
        end

      path when is_binary(path) ->
        {:named, path}

      other ->
        {:invalid, other}
    end
  end

  # Where the file usually is.
  def default(config), do: Path.join(Path.dirname(config[:config_path]), "runtime.exs")

  defp deprecated(config), do: Path.join(Path.dirname(config[:config_path]), "releases.exs")

  # Which file becomes runtime.exs, whether it is of the deprecated kind, and what the user should know about it.
  defp file(config, options, providers) do
    case choose(config, options) do
      :none ->
        {nil, false, []}

      {:default, default} ->
        deprecated = deprecated(config)

        notices =
          if File.exists?(deprecated),
            do: [{:warning, "both #{default} and #{deprecated} exist: only #{default} is used"}],
            else: []

        {default, false, notices}

      {:deprecated, deprecated} ->
        {deprecated, true,
         [{:warning, "#{deprecated} is deprecated: rename it to runtime.exs or name it in the release option :runtime_config_path"}]}

      {:absent, default} when providers == [] ->
        {nil, false, [{:information, "skipping runtime configuration (#{default} not found)"}]}

      {:absent, _} ->
        {nil, false, []}

      {:named, path} ->
        if not File.regular?(path) do
          refuse("the release option :runtime_config_path names #{inspect(path)}, which is not a file")
        end

        {path, false, []}

      {:invalid, other} ->
        refuse("the release option :runtime_config_path has to be a path or false, got: #{inspect(other)}")
    end
    |> check()
  end

  defp check({nil, _, _} = found), do: found

  defp check({file, _, _} = found) do
    if File.regular?(file), do: found, else: refuse("#{file} is not a file")
  end
end
