defmodule DebianPackage do
  @moduledoc """
  Finds Erlang libraries that Debian installs beside OTP.

  The directory of such a library is not always named after its application (bookworm has the application `sqlite3` in
  `p1_sqlite3-1.1.14`), and then neither `:code.lib_dir/1` nor `mix release` can find it. The projects beside this file
  wrap such a library as an ordinary path dependency: it is found here, copied into `_build` by the compiler below, and
  is from then on an application like any other.
  """

  @doc "The `ebin` directory that holds `APP.app`, newest version first. Raises when the package is not installed."
  def ebin!(app, package) do
    libraries = [:code.lib_dir() | String.split(System.get_env("ERL_LIBS", ""), ":", trim: true)]

    libraries
    |> Enum.flat_map(&Path.wildcard("#{&1}/*/ebin/#{app}.app"))
    |> Enum.max_by(&version_numbers/1, fn -> missing!(app, package) end)
    |> Path.dirname()
  end

  @doc "The version in `APP.app`."
  def version!(app, package) do
    {:ok, [{:application, ^app, properties}]} = :file.consult("#{ebin!(app, package)}/#{app}.app")
    List.to_string(properties[:vsn])
  end

  defp version_numbers(app_file) do
    ~r/\d+/ |> Regex.scan(app_file) |> Enum.map(fn [digits] -> String.to_integer(digits) end)
  end

  defp missing!(app, package) do
    Mix.raise(
      "The Erlang library #{app} is not installed: install Debian's package #{package} " <>
        "(apt-get install #{package}), or put a directory that contains it into ERL_LIBS."
    )
  end
end

defmodule Mix.Tasks.Compile.DebianPackage do
  @moduledoc """
  Copies the modules and `priv` of a Debian package into the build directory of the project that runs it.

  The project's `:debian_package` names the package. The `.app` file is left to Mix's own compiler, which runs later and
  lists whatever modules it finds.
  """

  use Mix.Task.Compiler

  @impl true
  def run(_args) do
    config = Mix.Project.config()
    ebin = DebianPackage.ebin!(config[:app], config[:debian_package])
    build = Mix.Project.app_path(config)

    files = for beam <- Path.wildcard("#{ebin}/*.beam"), do: {beam, Path.join("#{build}/ebin", Path.basename(beam))}

    priv = Path.expand("../priv", ebin)

    files =
      files ++
        for file <- Path.wildcard("#{priv}/**"), File.regular?(file) do
          {file, Path.join("#{build}/priv", Path.relative_to(file, priv))}
        end

    case Enum.filter(files, fn {source, target} -> File.read(source) != File.read(target) end) do
      [] ->
        {:noop, []}

      changed ->
        for {source, target} <- changed do
          File.mkdir_p!(Path.dirname(target))
          File.cp!(source, target)
        end

        {:ok, []}
    end
  end

  @impl true
  def clean do
    File.rm_rf!(Mix.Project.app_path())
  end
end
