[socket, source, cache, color] = System.argv()
System.argv(["release"])

if Version.compare(System.version(), "1.14.0") == :lt do
  IO.puts(:stderr, "beamship needs Elixir 1.14 or newer, but `elixir` is version #{System.version()}")
  System.halt(1)
end

cache = cache != "" && "#{cache}-elixir#{System.version()}-otp#{:erlang.system_info(:otp_release)}"

# What beamship_preload.erl has loaded already is passed over.
{bridge, used} =
  try do
    {:ok, <<sum::binary-16, packed::binary>>} = :file.read_file(cache)
    ^sum = :erlang.md5(packed)
    {bridge, used} = :erlang.binary_to_term(packed)

    for {module, code} <- bridge, not :erlang.module_loaded(module) do
      {:module, _} = :code.load_binary(module, [], code)
    end

    {bridge, used}
  catch
    _, _ -> {nil, []}
  end

if color != "", do: Application.put_env(:elixir, :ansi_enabled, true)

compile = fn ->
  # What runs once is quicker without what only makes it faster: two thirds of the time. The modules say so themselves:
  # ERL_COMPILER_OPTIONS is the project's, and Elixir may read it once and keep it.
  quick = quote do: @compile([:no_copt, :no_bool_opt, :no_type_opt, :no_ssa_opt])

  bridge =
    source
    |> File.read!()
    |> Code.string_to_quoted!(file: source)
    |> Macro.prewalk(fn
      {:defmodule, meta, [name, [do: body]]} -> {:defmodule, meta, [name, [do: {:__block__, [], [quick, body]}]]}
      other -> other
    end)
    |> Code.compile_quoted(source)

  apply(Beamship.Bridge.Cache, :write, [cache, {bridge, []}])
  bridge
end

bridge = bridge || compile.()
:persistent_term.put(Beamship.Bridge.Cache, {cache, {bridge, used}})

apply(Beamship.Bridge, :connect, [socket])
apply(Beamship.Bridge.Inputs, :watch, [])
Mix.start()
Mix.CLI.main(["beamship.bridge"])
