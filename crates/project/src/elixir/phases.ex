defmodule Beamship.Bridge.Phases do
  @moduledoc false

  import Beamship.Bridge, only: [refuse: 1]

  def hello do
    %{
      elixir_version: System.version(),
      otp_release: List.to_integer(:erlang.system_info(:otp_release)),
      mix_env: to_string(Mix.env()),
      mix_target: to_string(Mix.target()),
      build_path: Path.expand(Mix.Project.build_path()),
      deps_path: Path.expand(Mix.Project.deps_path()),
      own_applications: own_applications(),
      aliases: for({name, _} <- Mix.Project.config()[:aliases] || [], is_atom(name), do: name)
    }
  end

  # `mix deps.get --only ENV` where it has something to do.
  def fetch_dependencies do
    answering_yes_to_installations(fn ->
      deps = Mix.Dep.cached()

      for %{scm: Mix.SCM.Path, app: app, opts: opts} <- deps, not File.dir?(opts[:dest]) do
        refuse("the directory of the dependency #{app} is not there: #{opts[:dest]}\nhint: put it there, or correct its :path in mix.exs")
      end

      if Enum.all?(deps, &usable?/1) do
        %{fetched: false, dependencies: length(deps)}
      else
        Mix.Task.run("deps.get", ["--only", to_string(Mix.env())])
        # What was loaded before describes the dependencies before they were there.
        Mix.Dep.clear_cached()
        Mix.Task.reenable("deps.get")
        %{fetched: true, dependencies: length(Mix.Dep.cached())}
      end
    end)
  end

  # The same question as `Mix.Tasks.Deps.Loadpaths` asks: does compiling it bring this dependency into order?
  defp usable?(dep), do: Mix.Dep.ok?(dep) or Mix.Dep.compilable?(dep)

  def compile(flags) do
    unless "--no-compile" in flags do
      distrust_the_future()
      # With --no-deps-check Mix would not compile them again.
      if "--force" in flags and "--no-deps-check" not in flags, do: remove_code_of_path_dependencies()
      forget_consolidated_protocols()
    end

    # Rebar is asked for here, when a dependency is about to be compiled.
    compile = fn -> Mix.Task.run("compile", flags) end

    # Where nothing is compiled nothing is installed either.
    case if("--no-compile" in flags, do: compile.(), else: answering_yes_to_installations(compile)) do
      {:error, _} -> refuse("compilation failed")
      _ -> %{}
    end
  end

  # An earlier compilation of this virtual machine leaves its consolidated protocols loaded, and first in the code path. For the
  # next one an implementation of theirs would come too late ("has no effect"), and while it writes them anew, a module could be
  # loaded from a file that is half written. What IEx's `recompile` asks Mix for with `--purge-consolidation-path-if-stale`,
  # which Elixir 1.14 does not have.
  defp forget_consolidated_protocols do
    path = Mix.Project.consolidation_path()
    if Code.delete_path(path), do: unload_modules_of(path)
  end

  defp unload_modules_of(directory) do
    for {module, file} <- :code.all_loaded(), is_list(file), Path.dirname(file) == directory do
      :code.purge(module)
      :code.delete(module)
    end
  end

  # What is compiled by the content of its sources. What is wrong with dependencies is said when they are compiled.
  def local_sources do
    local = for {name, path} <- local(), do: %{name: Atom.to_string(name), directory: Path.expand(path)}
    %{applications: local, source_directories: source_directories()}
  rescue
    _ -> %{applications: [], source_directories: []}
  end

  # Directories outside of their own in which these applications have sources: the paths in mix.exs may lead anywhere. Every
  # compilation asks for them, and what describes the release takes the last answer, because each dependency is loaded for it.
  def source_directories do
    directories = find_source_directories()
    Process.put(__MODULE__, directories)
    directories
  end

  def known_source_directories, do: Process.get(__MODULE__) || source_directories()

  defp find_source_directories do
    dependencies =
      for %{app: app, scm: Mix.SCM.Path, manager: :mix} = dependency <- Mix.Dep.cached(), app not in own_applications() do
        fn -> Mix.Dep.in_dependency(dependency, fn _ -> outside_directories() end) end
      end

    children =
      for {app, path} <- Mix.Project.apps_paths() || %{} do
        fn -> Mix.Project.in_project(app, path, fn _ -> outside_directories() end) end
      end

    Enum.uniq(Enum.flat_map([(&outside_directories/0) | children ++ dependencies], &directories_of/1))
  end

  # What is wrong with a dependency is said when it is compiled.
  defp directories_of(application) do
    application.()
  rescue
    _ -> []
  end

  defp outside_directories do
    config = Mix.Project.config()
    own = File.cwd!()

    for key <- [:elixirc_paths, :erlc_paths, :erlc_include_path],
        path <- List.wrap(config[key]),
        directory = Path.expand(path),
        directory != own and not String.starts_with?(directory, own <> "/"),
        do: directory
  end

  # What the developers of this project change: its application, or those of the umbrella.
  def own_applications do
    case Mix.Project.apps_paths() do
      nil -> List.wrap(Mix.Project.config()[:app])
      paths -> Enum.sort(Map.keys(paths))
    end
  end

  # Those and the path dependencies, with the directories in which they are compiled.
  defp local do
    own = Mix.Project.apps_paths() || Map.new(own_applications(), &{&1, "."})
    beside = for %{app: app, scm: Mix.SCM.Path, opts: opts} <- Mix.Dep.cached(), into: %{}, do: {app, opts[:dest]}
    Map.merge(beside, own)
  end

  # For Mix `--force` is about the project itself.
  defp remove_code_of_path_dependencies do
    for %{app: app, scm: Mix.SCM.Path, opts: opts} <- Mix.Dep.cached(),
        opts[:compile] != false and app not in own_applications() do
      directory = Path.join([Mix.Project.build_path(), "lib", Atom.to_string(app)])
      File.rm_rf!(directory)
      # Of an earlier compilation of this virtual machine.
      unload_modules_of(Path.join(directory, "ebin"))
    end
  end

  # Mix compiles what has been changed after its manifest. Where that was written when the clock was ahead, nothing would
  # be compiled until the clock has caught up, and the release would have the code of then.
  defp distrust_the_future do
    now = System.os_time(:second)

    for manifest <- Path.wildcard(Path.join(Mix.Project.build_path(), "lib/*/.mix/compile.*"), match_dot: true),
        {:ok, %{mtime: mtime}} when mtime > now + 1 <- [File.stat(manifest, time: :posix)] do
      # Where it cannot be written nothing can be compiled either.
      File.touch(manifest, 0)
    end
  end

  # `digest` is the program that does what `phx.digest` does, if any. An umbrella whose own project says nothing about assets
  # leaves them to its applications, as those of Phoenix's generator do.
  def deploy_assets(digest) do
    deployed =
      case {deploys_assets?(), Mix.Project.apps_paths()} do
        {true, _} ->
          run_assets_deploy(digest)
          true

        {false, nil} ->
          false

        {false, paths} ->
          paths |> Enum.sort() |> Enum.map(&deploy_assets_of(&1, digest)) |> Enum.any?()
      end

    # What has compiled the project would do nothing a second time.
    if deployed, do: Mix.Task.clear()
    %{deployed: deployed}
  end

  defp deploy_assets_of({app, path}, digest) do
    code_paths = :code.get_path()
    # As for a task that Mix runs in every application.
    inherited = Keyword.delete(Mix.Project.deps_config(), :deps_path)

    deploys? =
      Mix.Project.in_project(app, path, inherited, fn _ ->
        deploys? = deploys_assets?()
        if deploys?, do: run_assets_deploy(digest)
        deploys?
      end)

    # Tasks of an application leave only what that one depends on, and the release is made of all.
    :code.add_pathsz(code_paths -- :code.get_path())
    deploys?
  end

  defp deploys_assets?, do: List.keymember?(Mix.Project.config()[:aliases] || [], :"assets.deploy", 0)

  defp run_assets_deploy(digest) do
    Beamship.Bridge.Digest.replacing_task(digest, fn -> Mix.Task.run("assets.deploy") end)
    # With `build_embedded: true` the build directory has copies of what is in priv.
    if Mix.Project.config()[:app], do: Mix.Project.build_structure()
  end

  # Mix asks before it installs Hex or Rebar. There is nobody to answer, and building the project cannot go on
  # without: the answer is yes. All other questions find the end of input.
  defp answering_yes_to_installations(function) do
    shell = Mix.shell()
    :persistent_term.put(Beamship.Bridge.Shell, shell)
    Mix.shell(Beamship.Bridge.Shell)

    try do
      function.()
    after
      if Mix.shell() == Beamship.Bridge.Shell, do: Mix.shell(shell)
    end
  end
end

defmodule Beamship.Bridge.Shell do
  @moduledoc false
  @behaviour Mix.Shell

  # The shell that Mix has chosen; compilers use it from processes of their own.
  defp shell, do: :persistent_term.get(__MODULE__)

  @impl true
  def print_app, do: shell().print_app()
  @impl true
  def info(message), do: shell().info(message)
  @impl true
  def error(message), do: shell().error(message)
  @impl true
  def prompt(message), do: shell().prompt(message)
  @impl true
  def cmd(command), do: shell().cmd(command)
  @impl true
  def cmd(command, options), do: shell().cmd(command, options)
  @impl true
  def yes?(message), do: yes?(message, [])

  @impl true
  def yes?(message, options) do
    if String.starts_with?(message, "Shall I install ") do
      shell().info(message <> " [Yn] y")
      true
    else
      shell().yes?(message, options)
    end
  end
end
