defmodule Guestbook.HTTP.Listener do
  @moduledoc "Owns the listening socket: opens it, starts the connections that accept from it, and closes it first of all."

  use GenServer

  require Logger

  alias Guestbook.HTTP.Connection

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
        {:ok, %{socket: socket, port: port}}

      {:error, reason} ->
        where = "#{address(options[:ip])}:#{options[:port]}"
        {:stop, "cannot listen on #{where}: #{:inet.format_error(reason)}"}
    end
  end

  @impl true
  def handle_call(:port, _from, state), do: {:reply, state.port, state}

  @impl true
  def terminate(_reason, state), do: :gen_tcp.close(state.socket)

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
      backlog: 1024,
      reuseaddr: true,
      nodelay: true,
      send_timeout: 15_000,
      send_timeout_close: true
    ])
  end

  defp address(ip) when tuple_size(ip) == 8, do: "[#{:inet.ntoa(ip)}]"
  defp address(ip), do: to_string(:inet.ntoa(ip))
end
