defmodule Guestbook.Repo.Postgres do
  @moduledoc """
  PostgreSQL through `p1_pgsql`, over TCP without TLS.

  Options: `:host`, `:port`, `:user`, `:password`, `:database`, as `parse_url/1` returns them.
  """

  @behaviour Guestbook.Repo.Adapter

  @connect_timeout 5_000
  @query_timeout 10_000

  # "guestbk" in ASCII: any number will do that nobody else takes an advisory lock on.
  @migration_lock 0x6775657374626B

  @doc """
  Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. The schemes `postgresql` and `ecto` mean the same.
  """
  @spec parse_url(String.t()) :: {:ok, keyword} | {:error, message :: String.t()}
  def parse_url(url) do
    case URI.new(url) do
      {:ok, %URI{scheme: scheme}} when scheme not in ["postgres", "postgresql", "ecto"] ->
        {:error, "must start with postgres:// or ecto://"}

      {:ok, %URI{host: host, path: "/" <> database} = uri} when host not in [nil, ""] and database != "" ->
        if tls?(uri) do
          {:error, "asks for TLS by sslmode, which the guestbook does not support"}
        else
          {user, password} = credentials(uri.userinfo)

          {:ok, host: host, port: uri.port || 5432, user: user, password: password, database: URI.decode(database)}
        end

      _ ->
        {:error, "must have the form postgres://USER:PASSWORD@HOST:PORT/DATABASE"}
    end
  end

  defp tls?(%URI{query: query}) do
    mode = URI.decode_query(query || "")["sslmode"]
    mode not in [nil, "disable", "allow", "prefer"]
  end

  defp credentials(userinfo) do
    case String.split(userinfo || "postgres", ":", parts: 2) do
      [user, password] -> {URI.decode(user), URI.decode(password)}
      [user] -> {URI.decode(user), ""}
    end
  end

  @impl true
  def name, do: :postgres

  @impl true
  def connect(options) do
    arguments =
      Keyword.update!(options, :host, &String.to_charlist/1) ++
        [as_binary: true, connect_timeout: @connect_timeout]

    case :pgsql.connect(arguments) do
      {:ok, connection} ->
        Process.link(connection)
        forget_password(connection)
        # The driver takes a notice amid the answers to a prepared statement for a protocol error.
        {:ok, _} = query(connection, "SET client_min_messages = error", [])
        {:ok, connection}

      {:error, reason} ->
        {:error, "cannot connect to #{options[:host]}:#{options[:port]}: #{reason_text(reason)}"}
    end
  end

  # The driver keeps its options in its state, and a crash report prints the state.
  defp forget_password(connection) do
    :sys.replace_state(connection, fn state -> put_elem(state, 1, Keyword.delete(elem(state, 1), :password)) end)
  end

  @impl true
  def query(connection, sql, []) do
    {:ok, results} = :pgsql.squery(connection, sql, @query_timeout)

    case List.keyfind(results, :error, 0) do
      {:error, error} -> {:error, error[:message]}
      nil -> {:ok, results |> List.last() |> simple_rows()}
    end
  end

  # The unnamed prepared statement: the server parses the statement and takes the parameters separately.
  def query(connection, sql, parameters) do
    with {:ok, _status, _parameters, _columns} <- :pgsql.prepare(connection, "", sql),
         {:ok, {_command, result}} <- :pgsql.execute(connection, "", parameters) do
      {:ok, if(is_list(result), do: Enum.map(result, &decode_row/1), else: [])}
    else
      {:error, error} -> {:error, error[:message]}
    end
  end

  @impl true
  # `:pgsql.terminate/1` would log the closed socket as an error.
  def disconnect(connection) do
    Process.exit(connection, :shutdown)
    :ok
  end

  @impl true
  def begin_transaction, do: "BEGIN"

  @impl true
  def migration_lock, do: ["SELECT pg_advisory_xact_lock(#{@migration_lock})"]

  @integer_types [:int2, :int4, :int8]

  # Columns of a prepared statement come with their type and the binary format decoded.
  defp decode_row(row) do
    for {type, value} <- row do
      if type in @integer_types, do: String.to_integer(value), else: value
    end
  end

  # Columns of a simple query come as text; the types are in the description, by their number in pg_type.
  defp simple_rows({_command, columns, rows}) do
    for row <- rows do
      for {column, value} <- Enum.zip(columns, row) do
        if elem(column, 3) in [20, 21, 23], do: String.to_integer(value), else: value
      end
    end
  end

  defp simple_rows(_command), do: []

  defp reason_text({:init, {:error, reason}}), do: to_string(:inet.format_error(reason))
  defp reason_text({:authentication, [_ | _] = error}), do: error[:message] || inspect(error)
  defp reason_text({:error_response, [_ | _] = error}), do: error[:message] || inspect(error)
  defp reason_text(reason), do: inspect(reason)
end
