defmodule Beamship.Bridge.Describe do
  @moduledoc false

  # Everything about a release that only Elixir can say. The rules are those of `Mix.Release.from_config!/3` and of
  # `Mix.Tasks.Release`; the graph of applications is not looked at here.

  # Not there before 1.15.
  @compile {:no_warn_undefined, {Mix, :ensure_application!, 1}}

  alias Beamship.Bridge.{Inputs, Options, Runtime, Steps, Strip, Templates}
  import Beamship.Bridge, only: [refuse: 1]

  # What can be said before any step runs: which release is meant and where it goes.
  def locate(request) do
    choice = choose(request)

    %{
      name: Atom.to_string(choice.name),
      version: choice.version,
      path: choice.path,
      overwrite: Options.flag(choice.options, :overwrite, false),
      custom_steps: Steps.custom?(choice.steps)
    }
  end

  def describe(request) do
    choice = request |> choose() |> run_steps(request.run_steps)
    %{config: config, name: name, options: options, version: version} = choice
    {erts_source, otp_lib, erts_version} = choice.erts
    executables = Options.executables(options)
    {runtime, notices} = Runtime.describe(config, options, version)
    templates = Options.text(options, :rel_templates_path, "rel")
    overlays = overlays(templates, options)
    release = Steps.assembling(choice, runtime, overlays)

    %{
      name: Atom.to_string(name),
      version: version,
      path: choice.path,
      project_directory: File.cwd!(),
      mix_env: Atom.to_string(Mix.env()),
      mix_target: Atom.to_string(Mix.target()),
      project_application: config[:app],
      own_applications: Beamship.Bridge.Phases.own_applications(),
      applications: choice.applications,
      boot_scripts: choice.boot_scripts,
      dependencies: Mix.Project.deps_apps(),
      application_directories: application_directories(),
      consolidated: consolidated(config),
      elixir_version: System.version(),
      elixir_bin: elixir_bin(),
      otp_release: List.to_integer(:erlang.system_info(:otp_release)),
      otp_lib: otp_lib,
      erts_version: erts_version,
      erts_source: erts_source,
      strip: Strip.describe(Keyword.get(options, :strip_beams)),
      configuration: configuration(config),
      runtime: Map.delete(runtime, :arguments),
      cookie: Options.text(options, :cookie, nil),
      unix_executables: :unix in executables,
      windows_command: if(:windows in executables, do: Templates.windows_command(name, runtime)),
      templates: Path.absname(templates),
      rendered_templates: Templates.render(choice, release, runtime, templates, executables),
      overlays: overlays,
      skip_mode_validation_for: Options.atoms(options, :skip_mode_validation_for),
      fast_boot: Options.fast_boot(options),
      steps: Enum.map(choice.steps, &if(is_function(&1), do: :custom, else: &1)),
      archive_directory: archive_directory(choice),
      overwrite: Options.flag(options, :overwrite, false),
      quiet: Options.flag(options, :quiet, false),
      notices: windows_notices(options, executables) ++ notices,
      # Last, because it tells what everything else has read.
      inputs: Inputs.describe(config, options)
    }
  end

  # Mix says so of every release; who has not asked for Windows need not know.
  defp windows_notices(options, executables) do
    file = elixir_bin() && Path.join(elixir_bin(), "elixir.bat")

    if options[:include_executables_for] && :windows in executables && !(file && File.regular?(file)) do
      [{:warning, "this installation of Elixir has no elixir.bat and iex.bat, without which bin/NAME.bat cannot start the release"}]
    else
      []
    end
  end

  # Functions among the options are called once, however often a release is asked for.
  defp choose(request) do
    request = Map.delete(request, :run_steps)

    case Process.get(__MODULE__) do
      {^request, choice} ->
        choice

      _ ->
        choice = evaluate(request)
        Process.put(__MODULE__, {request, choice})
        choice
    end
  end

  defp evaluate(request) do
    ensure_applications()
    config = Mix.Project.config()
    {name, options} = Options.choose(config, request.name)
    applications = Keyword.get(options, :applications, [])
    Options.check_applications(applications, config)

    overrides =
      for key <- [:path, :version, :overwrite, :quiet], (value = request[key]) != nil, do: {key, value}

    options =
      [overwrite: false, quiet: false, strip_beams: true]
      |> Keyword.merge(options)
      |> Keyword.merge(overrides)

    %{
      config: config,
      name: name,
      options: options,
      applications: applications,
      erts: erts(Keyword.get(options, :include_erts, true)),
      version: version(Keyword.get(options, :version, config[:version])),
      path: path(options, config, name),
      steps: Options.steps(Keyword.get(options, :steps, [:assemble])),
      boot_scripts: nil
    }
  end

  defp run_steps(choice, false), do: choice
  defp run_steps(choice, true), do: if(Steps.custom?(choice.steps), do: Steps.before_assembly(choice), else: choice)

  # Mix checks since 1.15 that the operating system did not split these from Erlang.
  defp ensure_applications do
    for application <- [:sasl, :crypto] do
      if function_exported?(Mix, :ensure_application!, 1) do
        Mix.ensure_application!(application)
      else
        if match?({:error, :bad_name}, :code.lib_dir(application)) do
          refuse(
            "the Erlang application #{application} is missing, and releases need it. " <>
              "Some operating systems split Erlang into several packages: install the one that has it"
          )
        end
      end
    end
  end

  defp erts(function) when is_function(function, 0), do: erts(function.())
  defp erts(false), do: {nil, lib_dir(), system_version()}

  defp erts(true) do
    root = List.to_string(:code.root_dir())
    {Path.join(root, "erts-#{system_version()}"), lib_dir(), system_version()}
  end

  defp erts(path) when is_binary(path) do
    source = Path.absname(path)

    if not File.dir?(source) do
      refuse("there is no ERTS at #{inspect(path)}, which the release option :include_erts names")
    end

    case source |> Path.basename() |> String.split("-") do
      [_, version] ->
        {source, source |> Path.dirname() |> Path.join("lib"), version}

      _ ->
        refuse(
          "the release option :include_erts names #{inspect(path)}: the last part of the path " <>
            "has to be erts-VERSION, because the version is read from it"
        )
    end
  end

  defp erts(other) do
    refuse(
      "the release option :include_erts has to be true, false, a path or a function without arguments, " <>
        "got: #{inspect(other)}"
    )
  end

  defp lib_dir, do: List.to_string(:code.lib_dir())
  defp system_version, do: List.to_string(:erlang.system_info(:version))

  defp version(nil) do
    refuse("there is no version: set :version in `def project` of mix.exs or in the options of the release")
  end

  defp version({:from_app, application}) when is_atom(application) do
    Application.load(application)

    case Application.spec(application, :vsn) || version_of(application) do
      nil -> refuse("the release takes its version from the application #{inspect(application)}, which has none or does not exist")
      version -> version(to_string(version))
    end
  end

  defp version(""), do: refuse("the version of the release is empty")

  defp version(version) when is_binary(version) do
    if String.valid?(version) and not String.match?(version, ~r"[/\0\s]") and version not in [".", ".."] do
      version
    else
      refuse("the version of the release becomes the name of a directory, which #{inspect(version)} cannot be")
    end
  end

  defp version(other) do
    refuse("the version of the release has to be a string or {:from_app, APPLICATION}, got: #{inspect(other)}")
  end

  # `doctor` asks before anything is compiled, or the paths of what has been are set.
  defp version_of(application) do
    path = (Mix.Project.apps_paths() || %{})[application]
    built = Path.join([Mix.Project.build_path(), "lib", "#{application}", "ebin", "#{application}.app"])

    cond do
      application == Mix.Project.config()[:app] ->
        Mix.Project.config()[:version]

      path ->
        Mix.Project.in_project(application, path, fn _ -> Mix.Project.config()[:version] end)

      true ->
        with {:ok, [{:application, ^application, keys}]} <- :file.consult(built), do: keys[:vsn], else: (_ -> nil)
    end
  end

  defp path(options, config, name) do
    default = Path.join([Mix.Project.build_path(config), "rel", Atom.to_string(name)])
    options |> Options.text(:path, default) |> Path.absname()
  end

  # Tarballs stand in the build directory, or in a release that is elsewhere.
  defp archive_directory(%{config: config, name: name, path: path}) do
    build = config |> Mix.Project.build_path() |> Path.absname()
    if path == Path.join([build, "rel", Atom.to_string(name)]), do: build, else: path
  end

  # What the code server knows, as Mix asks it: the directory of an application is the one that `code:lib_dir/1` gives.
  defp application_directories do
    for directory <- :code.get_path(),
        name <- names(List.to_string(directory)),
        application = String.to_atom(name),
        found = :code.lib_dir(application),
        is_list(found),
        into: %{},
        do: {application, Path.absname(List.to_string(found))}
  end

  defp names(directory) do
    case directory |> Path.split() |> Enum.reverse() do
      ["ebin", name | _] -> Enum.uniq([name, name |> String.split("-") |> hd()])
      _ -> []
    end
  end

  defp consolidated(config) do
    path = config[:consolidate_protocols] && Path.absname(Mix.Project.consolidation_path(config))
    if path && File.dir?(path), do: path
  end

  defp elixir_bin do
    path = :elixir |> Application.app_dir("../../bin") |> Path.expand()
    if File.dir?(path), do: path
  end

  defp configuration(config) do
    if File.regular?(config[:config_path]) do
      Config.Reader.read!(config[:config_path], env: Mix.env(), target: Mix.target())
    else
      []
    end
  end

  defp overlays(templates, options) do
    default = Path.join(templates, "overlays")
    given = List.wrap(options[:overlays])

    for overlay <- given, not is_binary(overlay) do
      refuse("the release option :overlays has to be a path or a list of paths, got: #{inspect(overlay)}")
    end

    Enum.map(if(File.dir?(default), do: [default | given], else: given), &Path.absname/1)
  end
end
