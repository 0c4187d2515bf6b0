defmodule Guestbook.Release do
  @moduledoc """
  What an operator does with a release, where there is no Mix:

      bin/guestbook eval "Guestbook.Release.migrate()"
      bin/guestbook eval "Guestbook.Release.status()"
      bin/guestbook eval "Guestbook.Release.rollback(Guestbook.Repo, 20261109101500)"

  Each of them starts only the part of the system that it needs, by the flag `:minimal` that `Guestbook.Application`
  looks at, and ends with an exit status other than 0 when it fails.
  """

  alias Guestbook.Repo
  alias Guestbook.Repo.Migrator

  @app :guestbook

  @doc "Applies all pending migrations."
  @spec migrate() :: :ok
  def migrate do
    start_minimal()

    case ok!(Migrator.migrate(Repo), "migrate the database") do
      [] -> IO.puts("The database is up to date.")
      migrations -> for migration <- migrations, do: IO.puts("applied #{title(migration)}")
    end

    :ok
  end

  @doc "Takes back the migrations from `version` on, newest first."
  @spec rollback(module, pos_integer) :: :ok
  def rollback(repo, version) do
    start_minimal()

    case ok!(Migrator.rollback(repo, version), "roll the database back") do
      [] -> IO.puts("Nothing to roll back: no migration from #{version} on is applied.")
      migrations -> for migration <- migrations, do: IO.puts("rolled back #{title(migration)}")
    end

    :ok
  end

  @doc "Prints which migrations are applied."
  @spec status() :: :ok
  def status do
    start_minimal()

    for {state, migration} <- ok!(Migrator.status(Repo), "read the state of the database") do
      IO.puts("#{String.pad_trailing(to_string(state), 6)}#{title(migration)}")
    end

    :ok
  end

  defp start_minimal do
    Application.load(@app)
    Application.put_env(@app, :minimal, true)
    {:ok, _} = Application.ensure_all_started(@app)
  end

  defp title(migration), do: "#{migration.version} #{migration.name}"

  defp ok!({:ok, value}, _action), do: value

  defp ok!({:error, error}, action) do
    IO.puts(:stderr, "Cannot #{action}: #{error.message}")
    exit({:shutdown, 1})
  end
end
