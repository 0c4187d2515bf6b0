defmodule Guestbook.Repo.Adapter do
  @moduledoc """
  What `Guestbook.Repo` needs to know about a database.

  A connection is a process linked to the one that called `c:connect/1`; its exit is how a lost connection is noticed.
  Parameters are written `$1`, `$2` …, in the order of their first use, and never become part of the statement's text.
  """

  @type connection :: pid
  @type value :: String.t() | integer
  @type row :: [value]

  @doc "The name that migrations match on."
  @callback name() :: atom

  @callback connect(options :: keyword) :: {:ok, connection} | {:error, message :: String.t()}

  @callback query(connection, sql :: String.t(), parameters :: [value]) ::
              {:ok, [row]} | {:error, message :: String.t()}

  @callback disconnect(connection) :: :ok

  @doc "The statement that opens a transaction which is going to write."
  @callback begin_transaction() :: String.t()

  @doc "Statements that make other migrators wait until the transaction ends."
  @callback migration_lock() :: [String.t()]
end
