defmodule Beamship.Bridge.Digest do
  @moduledoc false

  # The task `phx.digest` within `assets.deploy` is done by beamship itself, where it stands among the other steps. An
  # alias does it: whoever calls the task by its name gets the alias.

  # What the compressors that are known write.
  @flags %{
    Phoenix.Digester.Gzip => "--gzip",
    PhoenixBakery.Gzip => "--gzip",
    PhoenixBakery.Brotli => "--brotli",
    PhoenixBakery.Zstd => "--zstd"
  }

  def replacing_task(nil, function), do: function.()

  def replacing_task(program, function) do
    aliases = Mix.Project.config()[:aliases] || []

    if List.keymember?(aliases, :"phx.digest", 0) do
      # The project has something of its own in mind.
      function.()
    else
      Mix.ProjectStack.merge_config(aliases: aliases ++ ["phx.digest": &run(program, &1)])

      try do
        function.()
      after
        Mix.ProjectStack.merge_config(aliases: aliases)
      end
    end
  end

  defp run(program, arguments) do
    Mix.Task.reenable("phx.digest")
    Application.load(:phoenix)
    compressors = Application.get_env(:phoenix, :static_compressors, [Phoenix.Digester.Gzip])

    if Enum.all?(compressors, &is_map_key(@flags, &1)) do
      digest(program, arguments, compressors)
    else
      Mix.shell().info("phx.digest runs as the project's own task: #{inspect(compressors)} are compressors of its own")
      Mix.Task.get!("phx.digest").run(arguments)
    end
  end

  defp digest(program, arguments, compressors) do
    # The switches of Phoenix; what it does not know it ignores.
    {options, positional, _} =
      OptionParser.parse(arguments, switches: [output: :string, vsn: :boolean], aliases: [o: :output])

    input = List.first(positional) || "priv/static"

    flags =
      if(options[:output], do: ["--output", options[:output]], else: []) ++
        if(options[:vsn] == false, do: ["--no-vsn"], else: []) ++
        encoders(Enum.map(compressors, &@flags[&1])) ++
        case Application.get_env(:phoenix, :gzippable_exts) do
          nil -> []
          extensions -> ["--extensions", Enum.join(extensions, ",")]
        end

    # In an umbrella the task runs in every child, and is nothing where there are no assets.
    directories =
      case Mix.Project.apps_paths() do
        nil -> ["."]
        paths -> for {_, path} <- Enum.sort(paths), File.dir?(Path.join(path, input)), do: path
      end

    for directory <- directories do
      {_, status} = System.cmd(program, ["digest", input | flags], cd: directory, into: IO.stream())
      # It has said what is wrong.
      if status != 0, do: exit({:shutdown, status})
    end
  end

  defp encoders(flags) do
    others = Enum.uniq(flags) -- ["--gzip"]
    if "--gzip" in flags, do: others, else: ["--no-gzip" | others]
  end
end
