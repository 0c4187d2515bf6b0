defmodule Beamship.Bridge.CompiledConfiguration do
  @moduledoc false

  # `runtime.exs` as a module, for a start that need not load what evaluates it.
  #
  # What the file does must not depend on how it is run. So one that looks at where it is or what is around it is not compiled,
  # nor one that defines modules or does not compile: the release evaluates it, as Mix's releases do. What `Config` has to find in the process
  # that evaluates a file is not written down here but looked at while one is evaluated: it differs between versions.

  @module Beamship.RuntimeConfig
  @essential ~w(Atom AtU8 Attr Code StrT ImpT ExpT FunT LitT Line Type Meta)c

  # {{source, beam} or nil, notices}: what no Elixir can read is told before somebody starts the release.
  def compile(nil, _provider), do: {nil, []}

  def compile(file, {Config.Reader, {_path, options}}) do
    source = File.read!(file)

    case parse(source, file) do
      {:ok, quoted} ->
        case quietly(fn -> module(quoted, options) end) do
          {:ok, {:ok, beam}} -> {{source, beam}, []}
          _ -> {nil, []}
        end

      {:error, reason} ->
        {nil, [{:warning, "#{file} is not Elixir, so the release will not start: #{reason}"}]}
    end
  end

  def compile(_file, _provider), do: {nil, []}

  # Why no Elixir can read the source of a file; nil when there is nothing wrong.
  def problem(source, file) do
    case parse(source, file) do
      {:ok, _} -> nil
      {:error, reason} -> reason
    end
  end

  defp parse(source, file) do
    with {:error, reason} <- quietly(fn -> Code.string_to_quoted!(source, file: file) end), do: {:error, message(reason)}
  end

  defp message(reason) when is_exception(reason), do: Exception.message(reason)
  defp message(reason), do: inspect(reason)

  defp module(quoted, options) do
    with false <- looks_around?(quoted),
         {:ok, surroundings, key} <- surroundings(options) do
      beam(quoted, surroundings, key)
    end
  end

  @around [:__DIR__, :__ENV__, :__MODULE__, :__STACKTRACE__, :binding, :import_config, :use]
  # Within a module another one has a longer name.
  @definitions [:defmodule, :defprotocol, :defimpl]

  defp looks_around?(quoted) do
    {_, looks?} =
      Macro.prewalk(quoted, false, fn
        {name, _, _} = node, _ when name in @around or name in @definitions ->
          {node, true}

        {:__aliases__, _, [name | _]} = node, _ when name in [:Code, :Mix] ->
          {node, true}

        node, looks? ->
          {node, looks?}
      end)

    looks?
  end

  # What is in the dictionary of a process while a file is evaluated, and which part of it becomes the configuration.
  defp surroundings(options) do
    outside = Process.get()

    script = """
    import Config
    before = Process.get()
    config :beamship, probe: true
    send(self(), {#{inspect(__MODULE__)}, before, Process.get()})
    """

    [beamship: [probe: true]] = Config.Reader.eval!("runtime.exs", script, options)

    receive do
      {__MODULE__, before, later} ->
        # What Elixir itself keeps there is about the evaluation. The order is that of hashes, which differ from run to run.
        inside = for {{Config, _}, _} = entry <- Enum.sort(before -- outside), do: entry

        case for {key, []} <- inside, {^key, [beamship: [probe: true]]} <- later, do: key do
          [key] -> {:ok, inside, key}
          _ -> :error
        end
    after
      0 -> :error
    end
  end

  defp beam(quoted, surroundings, key) do
    set = for {name, value} <- surroundings, do: quote(do: :erlang.put(unquote(Macro.escape(name)), unquote(Macro.escape(value))))
    unset = for {name, _} <- surroundings, do: quote(do: :erlang.erase(unquote(Macro.escape(name))))

    contents =
      quote do
        def load(config, {provider, state}) do
          unquote_splicing(set)

          try do
            {evaluate(), :erlang.get(unquote(Macro.escape(key)))}
          after
            (unquote_splicing(unset))
          end
          |> case do
            # A file may also return its configuration; few do.
            {[_ | _], []} -> provider.load(config, state)
            {_, new} -> Config.Reader.merge(config, new)
          end
        end

        defp evaluate, do: unquote(quoted)
      end

    {:module, _, binary, _} = Module.create(@module, contents, file: "runtime.exs", line: 1)
    :code.purge(@module)
    :code.delete(@module)
    {:ok, _, chunks} = :beam_lib.all_chunks(binary)
    :beam_lib.build_module(for {id, _} = chunk <- chunks, id in @essential, do: chunk)
  end

  # Whatever is to be said of the file is said when it is evaluated.
  defp quietly(function) do
    device = Process.whereis(:standard_error)
    {:ok, nowhere} = StringIO.open("")
    options = Map.take(Code.compiler_options(), [:debug_info, :docs, :ignore_module_conflict])
    Code.compiler_options(debug_info: false, docs: false, ignore_module_conflict: true)
    Process.unregister(:standard_error)
    Process.register(nowhere, :standard_error)

    try do
      {:ok, function.()}
    catch
      _, reason -> {:error, reason}
    after
      Process.unregister(:standard_error)
      Process.register(device, :standard_error)
      Code.compiler_options(options)
      StringIO.close(nowhere)
    end
  end
end
