defmodule Guestbook.Repo.Migrator do
  @moduledoc """
  Brings the schema of the database up to date, or back.

  A migration is a file `VERSION_name.exs` in `priv/repo/migrations` that defines a module
  `Guestbook.Repo.Migrations.Name` with `up/1` and `down/1`: both take the name of the adapter and return the statements
  to run. Each migration runs in a transaction of its own, together with its line in `schema_migrations`; a second
  migrator waits for the first and finds nothing left to do.
  """

  alias Guestbook.Repo

  @type migration :: %{version: pos_integer, name: String.t(), module: module, path: Path.t()}

  @create_table "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, inserted_at BIGINT NOT NULL)"

  @doc "All migrations with their state, oldest first."
  @spec status(GenServer.server(), Path.t()) :: {:ok, [{:up | :down, migration}]} | {:error, Repo.Error.t()}
  def status(repo, directory \\ directory()) do
    adapter = Repo.adapter(repo)

    with {:ok, applied} <- Repo.transaction(repo, &applied_versions(adapter, &1)) do
      {:ok, for(migration <- migrations(directory), do: {state(migration, applied), migration})}
    end
  end

  @doc "Applies every migration that is not applied yet, and returns those that it applied."
  @spec migrate(GenServer.server(), Path.t()) :: {:ok, [migration]} | {:error, Repo.Error.t()}
  def migrate(repo, directory \\ directory()) do
    run_each(repo, :up, migrations(directory))
  end

  @doc "Takes back, newest first, every migration from `version` on, and returns those that it took back."
  @spec rollback(GenServer.server(), pos_integer, Path.t()) :: {:ok, [migration]} | {:error, Repo.Error.t()}
  def rollback(repo, version, directory \\ directory()) do
    run_each(repo, :down, directory |> migrations() |> Enum.filter(&(&1.version >= version)) |> Enum.reverse())
  end

  defp directory, do: Application.app_dir(:guestbook, "priv/repo/migrations")

  defp migrations(directory) do
    for path <- directory |> Path.join("*_*.exs") |> Path.wildcard() |> Enum.sort() do
      [version, name] = path |> Path.basename(".exs") |> String.split("_", parts: 2)
      module = Module.concat(Guestbook.Repo.Migrations, Macro.camelize(name))
      %{version: String.to_integer(version), name: name, module: module, path: path}
    end
  end

  defp run_each(repo, direction, migrations) do
    adapter = Repo.adapter(repo)

    # Asked first, so that a database which cannot be reached is not blamed on a migration.
    with {:ok, _} <- Repo.query(repo, "SELECT 1") do
      Enum.reduce_while(migrations, {:ok, []}, fn migration, {:ok, done} ->
        load(migration)

        case Repo.transaction(repo, &run(adapter, direction, migration, &1)) do
          {:ok, true} -> {:cont, {:ok, done ++ [migration]}}
          {:ok, false} -> {:cont, {:ok, done}}
          {:error, error} -> {:halt, {:error, in_migration(error, migration)}}
        end
      end)
    end
  end

  # Returns whether there was anything to do.
  defp run(adapter, direction, migration, query) do
    applied = applied_versions(adapter, query)

    if state(migration, applied) == direction do
      false
    else
      for sql <- apply(migration.module, direction, [adapter.name()]), do: query.(sql, [])
      record(direction, migration.version, query)
      true
    end
  end

  defp applied_versions(adapter, query) do
    for sql <- adapter.migration_lock(), do: query.(sql, [])
    query.(@create_table, [])
    for [version] <- query.("SELECT version FROM schema_migrations", []), into: MapSet.new(), do: version
  end

  defp record(:up, version, query) do
    query.("INSERT INTO schema_migrations (version, inserted_at) VALUES ($1, $2)", [version, System.os_time(:second)])
  end

  defp record(:down, version, query) do
    query.("DELETE FROM schema_migrations WHERE version = $1", [version])
  end

  defp state(migration, applied), do: if(migration.version in applied, do: :up, else: :down)

  defp load(migration) do
    Code.ensure_loaded?(migration.module) or Code.require_file(migration.path)
  end

  defp in_migration(error, migration) do
    %{error | message: "#{migration.version} #{migration.name}: #{error.message}"}
  end
end
