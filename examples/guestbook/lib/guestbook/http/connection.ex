defmodule Guestbook.HTTP.Connection do
  @moduledoc """
  Accepts a connection, serves its requests, and accepts the next one.

  The process traps exits, so the supervisor's `:shutdown` arrives as a message. It is looked at where a request has not
  begun: one that has, or that is on its way, is answered first, with `connection: close`.
  """

  use Task, restart: :transient, shutdown: 15_000

  require Logger

  alias Guestbook.HTTP.{Request, Response, Tally}

  # How long a request may be on its way when the system shuts down.
  @last_request_timeout 100

  # How long, and how much, to read what a client still sends after it was refused: closing at once would reset the
  # connection, and the client might never see the answer.
  @linger_timeout 1_000
  @linger_bytes 1024 * 1024

  # How long to wait for the socket that somebody else has accepted.
  @give_timeout 5_000

  @doc "Accepts from a listening socket, or with `:accepted` serves the one connection that `give/2` hands over."
  @spec start_link({:gen_tcp.socket() | :accepted, keyword}) :: {:ok, pid}
  def start_link({listening, options}), do: Task.start_link(__MODULE__, :run, [listening, options])

  @doc "Hands over a connection that the caller has accepted."
  @spec give(pid, :gen_tcp.socket()) :: :ok
  def give(connection, socket) do
    # Should the client be gone already, the connection finds that out.
    _ = :gen_tcp.controlling_process(socket, connection)
    send(connection, {:serve, socket})
    :ok
  end

  @doc false
  def run(:accepted, options) do
    Process.flag(:trap_exit, true)

    receive do
      {:serve, socket} ->
        serve(socket, options)
        :gen_tcp.close(socket)
    after
      @give_timeout -> :ok
    end
  end

  def run(listening, options) do
    Process.flag(:trap_exit, true)
    accept(listening, options)
  end

  defp accept(listening, options) do
    case :gen_tcp.accept(listening) do
      {:ok, socket} ->
        Tally.count(options[:tally], :connections)
        serve(socket, options)
        :gen_tcp.close(socket)
        forget_socket_messages()
        if shutdown?(), do: :ok, else: accept(listening, options)

      # The listener has closed its socket: during the call, or before it.
      {:error, reason} when reason in [:closed, :einval] ->
        :ok

      # The client went away (econnaborted), or there are no file descriptors (emfile): others may have more luck.
      {:error, reason} ->
        Logger.warning("Cannot accept a connection: #{:inet.format_error(reason)}")
        Process.sleep(100)
        accept(listening, options)
    end
  end

  defp serve(socket, options) do
    with {:ok, request_line} <- await_request(socket, options[:idle_timeout]),
         :ok <- Tally.count(options[:tally], :requests),
         {:ok, request} <- Request.read(socket, request_line, options) do
      started = System.monotonic_time()
      response = handle(options[:handler], request)
      close? = shutdown?() or not Request.keep_alive?(request)
      sent = Response.send(response, socket, close: close?, head: request.method == "HEAD")
      log(request, response, started)
      if sent == :ok, do: Tally.count(options[:tally], :answers)

      if sent == :ok and not close?, do: serve(socket, options)
    else
      {:error, status} -> refuse(socket, status)
      :closed -> :ok
    end
  end

  # Waits for the request line as a message, so that a shutdown can end the wait.
  defp await_request(socket, timeout) do
    case :inet.setopts(socket, active: :once) do
      :ok -> receive_request(socket, timeout, false)
      {:error, _reason} -> :closed
    end
  end

  defp receive_request(socket, timeout, last?) do
    receive do
      {:http, ^socket, {:http_request, _, _, _} = request_line} -> {:ok, request_line}
      # RFC 9112 2.2: an empty line before a request is ignored.
      {:http, ^socket, {:http_error, line}} when line in ["\r\n", "\n"] -> await_request(socket, timeout)
      {:http, ^socket, _not_a_request} -> {:error, 400}
      {:tcp_error, ^socket, _reason} -> :closed
      {:tcp_closed, ^socket} -> :closed
      {:EXIT, process, _reason} = shutdown when is_pid(process) and not last? -> last_request(socket, shutdown)
    after
      timeout -> :closed
    end
  end

  # The request line may have come already, behind the shutdown: asking the socket for another message would get the first
  # header, which is read otherwise.
  defp last_request(socket, shutdown) do
    send(self(), shutdown)
    receive_request(socket, @last_request_timeout, true)
  end

  # Leaves the message where it is found again.
  defp shutdown? do
    receive do
      {:EXIT, process, _reason} = shutdown when is_pid(process) ->
        send(self(), shutdown)
        true
    after
      0 -> false
    end
  end

  # A socket is linked like a process, and a closed one may have sent more than was read.
  defp forget_socket_messages do
    receive do
      {:EXIT, port, _reason} when is_port(port) -> forget_socket_messages()
      {:tcp_closed, _socket} -> forget_socket_messages()
      {tag, _socket, _} when tag in [:http, :tcp, :tcp_error] -> forget_socket_messages()
    after
      0 -> :ok
    end
  end

  defp handle(handler, request) do
    handler.(request)
  catch
    kind, reason ->
      Logger.error("#{request.method} #{request.path}: " <> Exception.format(kind, reason, __STACKTRACE__))
      Response.text(500)
  end

  defp refuse(socket, status) do
    Response.send(Response.text(status), socket, close: true)
    :gen_tcp.shutdown(socket, :write)
    :inet.setopts(socket, active: false, packet: :raw)
    linger(socket, System.monotonic_time(:millisecond) + @linger_timeout, @linger_bytes)
  end

  defp linger(socket, deadline, bytes) do
    time_left = deadline - System.monotonic_time(:millisecond)

    with true <- time_left > 0 and bytes > 0,
         {:ok, data} <- :gen_tcp.recv(socket, 0, time_left) do
      linger(socket, deadline, bytes - byte_size(data))
    end
  end

  defp log(request, response, started) do
    Logger.info(fn ->
      time = System.convert_time_unit(System.monotonic_time() - started, :native, :microsecond)
      "#{request.method} #{request.path} #{response.status} in #{time} µs"
    end)
  end
end
