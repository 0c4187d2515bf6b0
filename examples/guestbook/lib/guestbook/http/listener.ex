defmodule Guestbook.HTTP.Listener do
  @moduledoc """
  Owns the listening socket: opens it, starts the connections that accept from it, and closes it first of all.

  Clients that the kernel has queued have connected, and most have sent their request: they are served before the socket is
  closed, beyond the number of connections that are served at a time.
  """

  use GenServer

  require Logger

  alias Guestbook.HTTP.{Connection, Tally}

  # How many clients the kernel queues.
  @backlog 1024

  @spec start_link({GenServer.server(), keyword}) :: GenServer.on_start()
  def start_link(argument), do: GenServer.start_link(__MODULE__, argument)

  @spec port(pid) :: :inet.port_number()
  def port(listener), do: GenServer.call(listener, :port)

  @impl true
  def init({connections, options}) do
    # So that terminate/2 is called, and closes the socket before the connections are told to stop.
    Process.flag(:trap_exit, true)

    case listen(options) do
      {:ok, socket} ->
        for _ <- 1..options[:connections] do
          {:ok, _} = DynamicSupervisor.start_child(connections, {Connection, {socket, options}})
        end

        {:ok, port} = :inet.port(socket)
        Logger.info("Listening on http://#{address(options[:ip])}:#{port}")
        {:ok, %{socket: socket, port: port, connections: connections, options: options}}

      {:error, reason} ->
        where = "#{address(options[:ip])}:#{options[:port]}"
        {:stop, "cannot listen on #{where}: #{:inet.format_error(reason)}"}
    end
  end

  @impl true
  def handle_call(:port, _from, state), do: {:reply, state.port, state}

  @impl true
  def terminate(_reason, state) do
    # Those that are busy accept no more when they have answered: what is queued has only one taker, which sees the end.
    for {_, connection, _, _} <- DynamicSupervisor.which_children(state.connections), is_pid(connection) do
      Process.exit(connection, :shutdown)
    end

    # No more than were queued when it began: new ones may come as fast as these are taken.
    take_queued(state, @backlog)
    :gen_tcp.close(state.socket)
  end

  defp take_queued(_state, 0), do: :ok

  defp take_queued(state, left) do
    with {:ok, socket} <- :gen_tcp.accept(state.socket, 0),
         :ok <- Tally.count(state.options[:tally], :connections),
         {:ok, connection} <- DynamicSupervisor.start_child(state.connections, {Connection, {:accepted, state.options}}) do
      Connection.give(connection, socket)
      take_queued(state, left - 1)
    else
      # Nobody is queued, or there is no file descriptor for who is.
      {:error, _reason} -> :ok
    end
  end

  defp listen(options) do
    family = if tuple_size(options[:ip]) == 8, do: :inet6, else: :inet

    :gen_tcp.listen(options[:port], [
      family,
      :binary,
      ip: options[:ip],
      active: false,
      packet: :http_bin,
      # The longest line in bytes; a longer one closes the connection, without an answer.
      packet_size: 64 * 1024,
      backlog: @backlog,
      reuseaddr: true,
      nodelay: true,
      send_timeout: 15_000,
      send_timeout_close: true
    ])
  end

  defp address(ip) when tuple_size(ip) == 8, do: "[#{:inet.ntoa(ip)}]"
  defp address(ip), do: to_string(:inet.ntoa(ip))
end
