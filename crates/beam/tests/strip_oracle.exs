# Strips every BEAM file of this installation with `Mix.Release.strip_beam/2` and writes the results to the file named
# on the command line, for strip_oracle.rs to compare. Records: `<<Kind, Size:32, Bytes>>`.
[output] = System.argv()
{:ok, _} = Application.ensure_all_started(:mix)
file = File.open!(output, [:write, :raw, :binary, {:delayed_write, 1_000_000, 1000}])
record = fn kind, bytes -> :ok = :file.write(file, [kind, <<IO.iodata_length(bytes)::32>>, bytes]) end

# The list of chunks that stay differs between versions of Elixir and OTP. A file that has every chunk there is shows it.
ids = ~w(Atom AtU8 Code StrT ImpT ExpT FunT LitT Line Type Meta Attr Recs DbgB CInf Dbgi Docs ExCk LocT Abst SpDF)c
ids = Enum.uniq(ids ++ :beam_lib.significant_chunks())
{:ok, probe} = :beam_lib.build_module(for id <- ids, do: {id, <<1::32, 1, "m">>})
{:ok, stripped} = Mix.Release.strip_beam(probe)
for {id, _data} <- elem(:beam_lib.all_chunks(stripped), 2), do: record.("W", List.to_string(id))

beams =
  [:code.lib_dir(), Path.dirname(:code.lib_dir(:elixir))]
  |> Enum.flat_map(&Path.wildcard(Path.join([to_string(&1), "*", "ebin", "*.beam"])))
  |> Enum.uniq()

for {path, index} <- Enum.with_index(beams) do
  bytes = File.read!(path)
  {:ok, stripped} = Mix.Release.strip_beam(bytes)
  record.("P", path)
  record.("S", stripped)

  if rem(index, 25) == 0 do
    {:ok, kept} = Mix.Release.strip_beam(bytes, keep: ["Docs", "Dbgi", "Line"])
    record.("K", kept)
    {:ok, compressed} = Mix.Release.strip_beam(bytes, compress: true)
    record.("C", compressed)
    record.("Z", :zlib.gzip(bytes))
    {:ok, {module, [atoms: atoms]}} = :beam_lib.chunks(bytes, [:atoms])
    record.("A", Enum.map(atoms, fn {_, atom} -> [Atom.to_string(atom), 0] end))
    record.("M", Atom.to_string(module))
  end
end

:ok = File.close(file)
