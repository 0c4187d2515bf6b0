defmodule Guestbook do
  @moduledoc """
  A page on which one leaves and reads entries.

    * `Guestbook` and `Guestbook.Entry`: what a guestbook is;
    * `Guestbook.Repo`: where entries are kept, SQLite or PostgreSQL;
    * `Guestbook.HTTP`: an HTTP/1.1 server, which knows nothing about guestbooks;
    * `Guestbook.Web`: the page, its forms and its files;
    * `Guestbook.Release`: what an operator does with a release, migrations above all.
  """

  alias Guestbook.{Entry, Repo}

  @doc "The newest entries, newest first."
  @spec list_entries(GenServer.server(), pos_integer) :: {:ok, [Entry.t()]} | {:error, Repo.Error.t()}
  def list_entries(repo \\ Repo, limit \\ 100) do
    sql = "SELECT id, name, message, inserted_at FROM entries ORDER BY inserted_at DESC, id DESC LIMIT $1"

    with {:ok, rows} <- Repo.query(repo, sql, [limit]) do
      {:ok, Enum.map(rows, &load/1)}
    end
  end

  @doc "Keeps a new entry, made of what a form sent."
  @spec add_entry(GenServer.server(), %{optional(String.t()) => String.t()}) ::
          {:ok, Entry.t()} | {:error, Entry.errors() | Repo.Error.t()}
  def add_entry(repo \\ Repo, fields) do
    sql =
      "INSERT INTO entries (name, message, inserted_at) VALUES ($1, $2, $3) RETURNING id, name, message, inserted_at"

    with {:ok, entry} <- Entry.new(fields),
         {:ok, [row]} <- Repo.query(repo, sql, [entry.name, entry.message, System.os_time(:second)]) do
      {:ok, load(row)}
    end
  end

  defp load([id, name, message, inserted_at]) do
    %Entry{id: id, name: name, message: message, inserted_at: DateTime.from_unix!(inserted_at)}
  end
end
