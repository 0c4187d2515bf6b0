defmodule Beamship.Bridge.Strip do
  @moduledoc false

  # Which chunks of a BEAM file stay, and in which order, differs between versions of Elixir and of OTP. So the running
  # Mix is asked: a module that holds a chunk of every kind is stripped by it.

  import Beamship.Bridge, only: [refuse: 1]

  @known ~w(AtU8 Atom Code StrT ImpT ExpT LocT FunT LitT Meta Attr CInf Line Type Dbgi Docs ExCk Abst SpDF Recs DbgB)c

  def describe(false), do: false
  def describe(nil), do: describe(true)
  def describe(true), do: describe([])

  def describe(options) when is_list(options) do
    if not Keyword.keyword?(options), do: bad(options)
    keep = List.wrap(options[:keep])
    if not Enum.all?(keep, &(is_binary(&1) and byte_size(&1) == 4)), do: bad(options)
    if not is_boolean(options[:compress] || false), do: bad(options)

    {:ok, stripped} = Mix.Release.strip_beam(probe(Enum.map(keep, &String.to_charlist/1)), keep: keep)
    {:ok, _, chunks} = :beam_lib.all_chunks(stripped)
    %{chunks: Enum.map(chunks, fn {id, _} -> List.to_string(id) end), compress: options[:compress] || false}
  end

  def describe(other), do: bad(other)

  defp bad(value) do
    refuse(
      "the release option :strip_beams has to be true, false or [keep: [CHUNK, ...], compress: BOOLEAN] " <>
        "with chunk names of four characters, got: #{inspect(value)}"
    )
  end

  # The chunks of a real module, and an empty one of every other kind; only the obsolete table of atoms is looked into.
  defp probe(keep) do
    {module, binary, _} = :code.get_object_code(Mix.Release)
    name = Atom.to_string(module)
    {:ok, _, chunks} = :beam_lib.all_chunks(binary)
    present = Enum.map(chunks, &elem(&1, 0))
    wanted = Enum.uniq(@known ++ :beam_lib.significant_chunks() ++ keep) -- present

    {:ok, probe} = :beam_lib.build_module(chunks ++ Enum.map(wanted, &{&1, if(&1 == ~c"Atom", do: <<1::32, byte_size(name), name::binary>>, else: "")}))
    probe
  end
end
