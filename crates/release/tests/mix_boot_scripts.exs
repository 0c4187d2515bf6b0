# Asks Mix itself: for every scenario (a directory with generated applications and a `scenario.config`), builds the
# release with `Mix.Release` and writes `.rel`, `.script` and `.boot`, or the error, beside it. Facts about the
# toolchain go to `facts.config`.
[root] = System.argv()
Mix.start()
Mix.shell(Mix.Shell.Quiet)

facts = [
  {:elixir_version, to_charlist(System.version())},
  {:otp_release, :erlang.system_info(:otp_release)},
  {:otp_lib, :code.lib_dir()},
  {:erts_version, :erlang.system_info(:version)},
  {:directories,
   for app <- [:elixir, :eex, :ex_unit, :iex, :logger, :mix] do
     {app, :code.lib_dir(app)}
   end}
]

File.write!(Path.join(root, "facts.config"), :io_lib.format("~tp.~n", [facts]))

for directory <- root |> Path.join("case-*") |> Path.wildcard() do
  {:ok, [scenario]} = directory |> Path.join("scenario.config") |> to_charlist() |> :file.consult()
  paths = directory |> Path.join("lib/*/ebin") |> Path.wildcard() |> Enum.map(&to_charlist/1)
  Enum.each(paths, &:code.add_pathz/1)

  config =
    Keyword.merge(Mix.Project.config(),
      app: scenario[:app],
      version: "1.2.3",
      build_path: Path.join(directory, "_build"),
      releases: [demo: [applications: scenario[:applications]]]
    )

  try do
    release = Mix.Release.from_config!(:demo, config, [])
    # One `-boot` list and the clean one, as the assemble step makes them.
    for {name, modes} <- release.boot_scripts do
      path = Path.join(directory, to_string(name))
      consolidated = if scenario[:consolidated], do: ["$RELEASE_LIB/../releases/1.2.3/consolidated"], else: []

      case Mix.Release.make_boot_script(release, path, modes, consolidated) do
        :ok -> :ok
        {:error, message} -> raise message
      end
    end
  rescue
    error -> File.write!(Path.join(directory, "error"), Exception.message(error))
  catch
    kind, reason -> File.write!(Path.join(directory, "error"), inspect({kind, reason}))
  end

  Enum.each(paths, &:code.del_path/1)
end
