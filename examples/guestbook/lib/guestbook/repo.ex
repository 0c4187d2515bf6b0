defmodule Guestbook.Repo do
  @moduledoc """
  The one connection to the database, and the process that keeps it.

  The connection is opened when the application starts and, after it was lost, when it is next needed, but not more than
  once a second: as long as the database is away, queries fail at once instead of queueing up behind a timeout.
  A guestbook is served well by one connection; statements run one after the other.

  Options: `:adapter`, a `Guestbook.Repo.Adapter`, and the options of that adapter. `:name` defaults to this module, and
  all others to the application's configuration.
  """

  use GenServer

  require Logger

  alias Guestbook.Repo.Error

  @retry_after 1_000
  @call_timeout 20_000

  @type result :: {:ok, [Guestbook.Repo.Adapter.row()]} | {:error, Error.t()}

  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options) do
    {name, options} = Keyword.pop(options, :name, __MODULE__)
    GenServer.start_link(__MODULE__, options, name: name)
  end

  @doc "Runs one statement. Parameters are written `$1`, `$2` …, in the order of their first use."
  @spec query(GenServer.server(), String.t(), [Guestbook.Repo.Adapter.value()]) :: result
  def query(repo \\ __MODULE__, sql, parameters \\ []) do
    GenServer.call(repo, {:query, sql, parameters}, @call_timeout)
  end

  @doc """
  Runs `fun` in a transaction, and in the repository's process.

  `fun` is given a function that runs a statement and returns its rows. When a statement fails the transaction is rolled
  back and the error is returned.
  """
  @spec transaction(GenServer.server(), (query -> value)) :: {:ok, value} | {:error, Error.t()}
        when query: (String.t(), [Guestbook.Repo.Adapter.value()] -> [Guestbook.Repo.Adapter.row()]), value: term
  def transaction(repo \\ __MODULE__, fun) do
    GenServer.call(repo, {:transaction, fun}, :infinity)
  end

  @doc "The adapter in use."
  @spec adapter(GenServer.server()) :: module
  def adapter(repo \\ __MODULE__), do: GenServer.call(repo, :adapter)

  @impl true
  def init([]), do: :guestbook |> Application.fetch_env!(__MODULE__) |> init()

  def init(options) do
    # The connection is linked: its end must reach this process as a message, and this process's end must close it.
    Process.flag(:trap_exit, true)
    {adapter, options} = Keyword.pop!(options, :adapter)
    # The options may hold a password; within a function they stay out of crash reports.
    state = %{adapter: adapter, options: fn -> options end, connection: nil, failure: nil}
    {:ok, state, {:continue, :connect}}
  end

  @impl true
  def handle_continue(:connect, state), do: {:noreply, connect(state)}

  @impl true
  def handle_call(:adapter, _from, state), do: {:reply, state.adapter, state}

  def handle_call(request, _from, state) do
    case connect(state) do
      %{connection: nil, failure: {_time, message}} = state ->
        {:reply, {:error, %Error{message: message}}, state}

      state ->
        try do
          {:reply, run(request, state), state}
        catch
          :exit, reason ->
            Logger.error("The connection to the database was lost: #{inspect(reason)}")
            Process.exit(state.connection, :kill)
            {:reply, {:error, %Error{message: "the connection to the database was lost"}}, %{state | connection: nil}}
        end
    end
  end

  @impl true
  def handle_info({:EXIT, connection, _reason}, %{connection: connection} = state) do
    Logger.warning("The database has closed the connection")
    {:noreply, %{state | connection: nil}}
  end

  # A connection that was given up, or could not be opened.
  def handle_info({:EXIT, _process, _reason}, state), do: {:noreply, state}
  def handle_info(_notice, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, %{connection: nil}), do: :ok
  def terminate(_reason, state), do: state.adapter.disconnect(state.connection)

  defp connect(%{connection: nil} = state) do
    if retry?(state.failure) do
      case state.adapter.connect(state.options.()) do
        {:ok, connection} ->
          %{state | connection: connection, failure: nil}

        {:error, message} ->
          Logger.error("The database is not available: #{message}")
          %{state | failure: {now(), message}}
      end
    else
      state
    end
  end

  defp connect(state), do: state

  defp retry?(nil), do: true
  defp retry?({time, _message}), do: now() - time >= @retry_after

  defp now, do: System.monotonic_time(:millisecond)

  defp run({:query, sql, parameters}, state) do
    with {:error, message} <- state.adapter.query(state.connection, sql, parameters) do
      {:error, %Error{message: message}}
    end
  end

  defp run({:transaction, fun}, %{adapter: adapter, connection: connection}) do
    query = fn sql, parameters ->
      case adapter.query(connection, sql, parameters) do
        {:ok, rows} -> rows
        {:error, message} -> raise Error, message
      end
    end

    try do
      query.(adapter.begin_transaction(), [])
      value = fun.(query)
      query.("COMMIT", [])
      {:ok, value}
    rescue
      error in Error ->
        adapter.query(connection, "ROLLBACK", [])
        {:error, error}
    end
  end
end
