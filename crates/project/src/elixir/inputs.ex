defmodule Beamship.Bridge.Inputs do
  @moduledoc false

  # What a build reads besides the files of its project: variables of the environment and files elsewhere. With it the
  # other side can tell later that nothing has changed.
  #
  # Variables are noted where they are read: whatever reads one in Elixir or Erlang calls `:os.getenv/1` or, for all of
  # them, `:os.env/0`, and these two are traced in all processes. Programs that a build starts read them unseen; the
  # other side knows which ones those are wont to read. Which programs these are is noted where `System.cmd/3` looks for
  # them. So are files that mix.exs, the configuration and whatever is compiled read: a version that stands above the project. What
  # they only ask for (`File.exists?/1`) counts as far as it is there or not, and of a directory that they list its names.
  #
  # Hex looks at all variables and takes its own, whose names begin with `HEX_`: that alone does not count as all.

  @calls [{:os, :getenv, 1}, {:os, :env, 0}, {System, :get_env, 0}, {:os, :find_executable, 1}] ++
           [{:file, :read_file, 1}, {:file, :read_file, 2}, {:file, :open, 2}] ++
           [{:file, :read_file_info, 1}, {:file, :read_file_info, 2}, {:file, :read_link_info, 1}, {:file, :read_link_info, 2}] ++
           [{:file, :list_dir, 1}, {:file, :list_dir_all, 1}]

  def watch do
    caller = self()
    reference = make_ref()

    collector =
      spawn(fn ->
        Process.register(self(), __MODULE__)
        send(caller, reference)
        collect(%{})
      end)

    receive do
      ^reference -> :ok
    end

    with_caller = [{:_, [], [{:message, {:caller}}]}]
    for call <- @calls, do: :erlang.trace_pattern(call, with_caller, [:local])
    :erlang.trace(:all, true, [:call, {:tracer, collector}])
    :ok
  end

  defp collect(seen) do
    receive do
      {:trace, _, :call, {:os, :env, []}, {System, :get_env, 0}} ->
        collect(seen)

      {:trace, _, :call, {System, :get_env, []}, {Hex.State, _, _}} ->
        collect(seen)

      {:trace, _, :call, {System, :get_env, []}, _} ->
        collect(Map.put(seen, {:env, []}, true))

      {:trace, _, :call, {:os, name, arguments}, _} ->
        collect(Map.put(seen, {name, arguments}, true))

      {:trace, _, :call, {:file, :open, [path, modes]}, _} ->
        if is_list(modes) and Enum.any?(modes, &(&1 in [:write, :append, :exclusive, :directory])),
          do: collect(seen),
          else: collect(Map.put(seen, {:file, path}, true))

      {:trace, _, :call, {:file, name, [path]}, _} when name in [:list_dir, :list_dir_all] ->
        collect(Map.put(seen, {:listing, path}, true))

      # The content of a file that is only asked for counts too: its size and time may have been.
      {:trace, _, :call, {:file, _, [path | _]}, _} ->
        collect(Map.put(seen, {:file, path}, true))

      {:seen, from, reference} ->
        send(from, {reference, Map.keys(seen)})
        collect(seen)
    end
  end

  def describe(config, options) do
    seen = seen()
    declared = declared(options)
    {declared_directories, declared_files} = Enum.split_with(declared[:files], &File.dir?/1)
    elsewhere = elsewhere(config)

    %{
      every_variable: {:env, []} in seen,
      variables: declared[:variables] ++ for({:getenv, [name]} <- seen, do: IO.chardata_to_string(name)),
      files: Enum.map(declared_files ++ programs(seen) ++ files(config), &Path.expand/1) ++ elsewhere.(seen, :file),
      listings: elsewhere.(seen, :listing),
      directories: Enum.map(declared_directories ++ directories(config), &Path.expand/1),
      made: [Path.expand(Mix.Project.build_path(config))]
    }
  end

  # Somebody else who traces processes takes this away from us: then everything may have been read.
  defp seen do
    with {:tracer, collector} when is_pid(collector) <- :erlang.trace_info(self(), :tracer),
         ^collector <- Process.whereis(__MODULE__) do
      # What has been called before now has arrived there before the question does.
      delivered = :erlang.trace_delivered(self())

      receive do
        {:trace_delivered, _, ^delivered} -> :ok
      end

      reference = make_ref()
      send(collector, {:seen, self(), reference})

      receive do
        {^reference, seen} -> seen
      end
    else
      _ -> [{:env, []}]
    end
  end

  defp programs(seen) do
    for {:find_executable, [name]} <- seen, path = :os.find_executable(name), do: List.to_string(path)
  end

  # What is in the project, and in what its dependencies are made of, counts anyway, and the toolchain is looked at by itself. So a
  # relative path leads elsewhere only by `..`: from the project or from a dependency, whichever was being loaded. Whether
  # something is there does not matter, because a build that looked for a file in vain reads it when it is; but nobody knows which of
  # hundreds of dependencies looked for it, so what is not there counts only as seen from the project.
  defp elsewhere(config) do
    dependencies = for %{scm: Mix.SCM.Path, opts: opts} <- Mix.Dep.cached(), do: opts[:dest]
    built = [Mix.Project.build_path(config), Mix.Project.deps_path(config)]
    toolchain = [List.to_string(:code.root_dir()), Application.app_dir(:elixir, "../..")]
    known = Enum.map(["." | built] ++ toolchain ++ ["/proc", "/sys", "/dev"], &(Path.expand(&1) <> "/"))
    # By these Mix tells other virtual machines that it is there: each build has others.
    by_mix = for name <- ["mix_lock", "mix_pubsub"], do: Path.expand(name, System.tmp_dir!())

    fn seen, kind ->
      for {^kind, name} <- seen,
          path = text(name),
          place <- places(path, dependencies, known),
          not String.starts_with?(place <> "/", known ++ by_mix),
          uniq: true,
          do: place
    end
  end

  defp places(path, dependencies, known) do
    case {Path.type(path), String.contains?(path, "..")} do
      {:absolute, false} ->
        if String.starts_with?(path, known), do: [], else: [Path.expand(path)]

      {:absolute, true} ->
        [Path.expand(path)]

      {_, false} ->
        []

      {_, true} ->
        [Path.expand(path) | dependencies |> Enum.map(&Path.expand(path, &1)) |> Enum.filter(&File.exists?/1)]
    end
  end

  # Names may be anything that Erlang takes for one.
  defp text(name) do
    text = IO.chardata_to_string(name)
    if String.valid?(text), do: text
  rescue
    _ -> nil
  end

  defp declared(options) do
    declared = options[:build_inputs] || []
    texts? = &(is_list(&1) and Enum.all?(&1, fn text -> is_binary(text) end))

    if not Keyword.keyword?(declared) or Keyword.keys(declared) -- [:variables, :files] != [] or
         not Enum.all?(Keyword.values(declared), texts?) do
      Beamship.Bridge.refuse(
        "the release option :build_inputs has to be a keyword list of :variables and :files, each a list of strings, got: " <>
          inspect(declared)
      )
    end

    Keyword.merge([variables: [], files: []], declared)
  end

  defp files(config) do
    # Among the files of the configuration is one that Mix touches, in the build directory, when it has fetched dependencies.
    built = Path.expand(Mix.Project.build_path(config)) <> "/"
    configuration = Enum.reject(Mix.Project.config_files(), &String.starts_with?(Path.expand(&1), built))
    root = List.to_string(:code.root_dir())
    release = List.to_string(:erlang.system_info(:otp_release))

    [
      config[:lockfile],
      Path.join([root, "releases", release, "OTP_VERSION"]),
      Application.app_dir(:elixir, "ebin/elixir.app"),
      Application.app_dir(:mix, "ebin/mix.app")
    ] ++ configuration
  end

  # Dependencies by their places, because one can be anywhere, the configuration of an umbrella, and sources elsewhere.
  defp directories(config) do
    dependencies = for dependency <- Mix.Dep.cached(), destination = dependency.opts[:dest], do: destination
    configuration = config[:config_path] |> Path.expand() |> Path.dirname()
    # One above the project would be everything above it; its files are known by name.
    above? = String.starts_with?(File.cwd!() <> "/", configuration <> "/")
    places = [if(above?, do: "config", else: configuration), Mix.path_for(:archives), config[:deps_path] | dependencies]
    (places ++ Beamship.Bridge.Phases.known_source_directories()) |> Enum.filter(&File.dir?/1) |> Enum.uniq()
  end
end
