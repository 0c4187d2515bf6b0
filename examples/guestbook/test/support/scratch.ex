defmodule Guestbook.Scratch do
  @moduledoc "Directories and repositories that last as long as a test."

  import ExUnit.Callbacks

  alias Guestbook.Repo

  @doc "A new directory."
  def directory do
    name = "guestbook_test_#{System.pid()}_#{System.unique_integer([:positive])}"
    path = Path.join(System.tmp_dir!(), name)
    File.mkdir!(path)
    on_exit(fn -> File.rm_rf!(path) end)
    path
  end

  @doc "A repository without any tables. On PostgreSQL its tables are temporary ones, which end with the connection."
  def repo(:sqlite) do
    repo(adapter: Repo.SQLite, path: Path.join(directory(), "ünïcode dir/guest book.db"))
  end

  def repo(:postgres) do
    {:ok, options} = Repo.Postgres.parse_url(System.fetch_env!("DATABASE_URL"))
    repo = repo([adapter: Repo.Postgres] ++ options)
    {:ok, _} = Repo.query(repo, "SET search_path TO pg_temp")
    repo
  end

  def repo(options) when is_list(options) do
    name = :"repo_#{System.unique_integer([:positive])}"
    start_supervised!({Repo, [name: name] ++ options}, id: name)
    name
  end
end
