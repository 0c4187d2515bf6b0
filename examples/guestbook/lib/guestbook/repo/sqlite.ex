defmodule Guestbook.Repo.SQLite do
  @moduledoc """
  SQLite through the port driver of `sqlite3`.

  Options: `:path`, the database file. Its directory is created when it does not exist.
  """

  @behaviour Guestbook.Repo.Adapter

  # Another process (a migration beside a running server) may hold the write lock for a moment.
  @pragmas [
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON"
  ]

  @query_timeout 10_000

  @impl true
  def name, do: :sqlite

  @impl true
  def connect(options) do
    path = Keyword.fetch!(options, :path)

    with :ok <- make_directory(Path.dirname(path)),
         {:ok, connection} <- open(path) do
      Enum.each(@pragmas, &query(connection, &1, []))
      {:ok, connection}
    end
  end

  @impl true
  def query(connection, sql, parameters) do
    case :sqlite3.sql_exec_timeout(connection, sql, parameters, @query_timeout) do
      {:error, _code, message} -> {:error, to_string(message)}
      {:error, reason} -> {:error, inspect(reason)}
      result when is_list(result) -> rows(result)
      _ok_or_rowid -> {:ok, []}
    end
  end

  @impl true
  def disconnect(connection), do: :sqlite3.close(connection)

  @impl true
  def begin_transaction, do: "BEGIN IMMEDIATE"

  @impl true
  def migration_lock, do: []

  defp make_directory(directory) do
    with {:error, reason} <- File.mkdir_p(directory) do
      {:error, "cannot create the directory #{directory}: #{:file.format_error(reason)}"}
    end
  end

  defp open(path) do
    case :sqlite3.open(:anonymous, file: String.to_charlist(path)) do
      {:ok, connection} -> {:ok, connection}
      {:error, reason} -> {:error, "cannot open #{path}: #{reason}"}
    end
  end

  # A statement that fails after its first row reports the error beside the rows.
  defp rows(result) do
    case List.keyfind(result, :error, 0) do
      {:error, _code, message} -> {:error, to_string(message)}
      nil -> {:ok, for(row <- Keyword.fetch!(result, :rows), do: Tuple.to_list(row))}
    end
  end
end
