defmodule Guestbook.HTTPTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog

  alias Guestbook.HTTP
  alias Guestbook.HTTP.Response

  setup context do
    name = Module.concat(__MODULE__, "Server#{System.unique_integer([:positive])}")
    options = [name: name, port: 0, handler: handler(self()), max_body: 100, connections: 3]
    start_supervised!({HTTP, Keyword.merge(options, context[:options] || [])}, restart: :temporary)
    %{server: name, port: HTTP.port(name)}
  end

  # Answers with what it was asked; /wait tells the test and waits for its word.
  defp handler(test) do
    fn
      %{path: "/crash"} ->
        raise "crash"

      %{path: "/wait"} ->
        send(test, {:waiting, self()})
        receive do: (:go_on -> Response.text(200, "waited"))

      request ->
        Response.text(200, "#{request.method} #{request.path} #{request.query} [#{request.body}]")
    end
  end

  defp connect(port) do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: false])
    socket
  end

  # Sends the text and reads until the server closes.
  defp exchange(port, text) do
    socket = connect(port)
    :ok = :gen_tcp.send(socket, text)
    read_to_end(socket, "")
  end

  defp read_to_end(socket, read) do
    case :gen_tcp.recv(socket, 0, 5_000) do
      {:ok, data} -> read_to_end(socket, read <> data)
      {:error, :closed} -> read
    end
  end

  defp wait_until(is_so?) do
    unless is_so?.() do
      Process.sleep(5)
      wait_until(is_so?)
    end
  end

  defp status("HTTP/1.1 " <> <<status::binary-size(3)>> <> _), do: String.to_integer(status)

  test "answers requests on one connection, in order, until it is asked to close", %{port: port} do
    answer =
      exchange(port, """
      GET /one?a=b HTTP/1.1\r
      Host: x\r
      \r
      POST /two HTTP/1.1\r
      host: x\r
      CONTENT-LENGTH: 5\r
      \r
      hello\r
      PUT /three HTTP/1.1\r
      host: x\r
      connection: close\r
      \r
      """)

    assert [_, one, two, three] = String.split(answer, "HTTP/1.1 ")
    assert one =~ "200 OK\r\n" and one =~ "\r\n\r\nGET /one a=b []"
    assert two =~ "\r\n\r\nPOST /two  [hello]"
    assert three =~ "connection: close\r\n" and three =~ "\r\n\r\nPUT /three  []"
  end

  test "takes a request in pieces", %{port: port} do
    socket = connect(port)
    :ok = :inet.setopts(socket, nodelay: true)
    request = "POST /p HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 6\r\n\r\nab\r\ncd"
    for <<byte::binary-size(1) <- request>>, do: :ok = :gen_tcp.send(socket, byte)
    assert read_to_end(socket, "") =~ "POST /p  [ab\r\ncd]"
  end

  test "closes after an HTTP/1.0 request", %{port: port} do
    assert exchange(port, "GET / HTTP/1.0\r\n\r\n") =~ "connection: close"
  end

  test "sends no body for HEAD", %{port: port} do
    answer = exchange(port, "HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer =~ "content-length: 10\r\n"
    assert String.ends_with?(answer, "\r\n\r\n")
  end

  test "says that it wants the body", %{port: port} do
    socket = connect(port)
    head = "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"
    :ok = :gen_tcp.send(socket, head)
    assert {:ok, "HTTP/1.1 100 Continue\r\n\r\n"} = :gen_tcp.recv(socket, 0, 5_000)
    :ok = :gen_tcp.send(socket, "ok")
    assert read_to_end(socket, "") =~ "[ok]"
  end

  test "refuses what is not a proper request", %{port: port} do
    for {status, text} <- [
          {400, "this is not HTTP\r\n\r\n"},
          {400, "GET / HTTP/1.1\r\n\r\n"},
          {400, "GET / HTTP/1.1\r\nhost x\r\n\r\n"},
          {400, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n"},
          {400, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"},
          {400, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"},
          {411, "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"},
          {413, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 101\r\n\r\n" <> String.duplicate("x", 101)},
          {414, "GET /#{String.duplicate("x", 9_000)} HTTP/1.1\r\nhost: x\r\n\r\n"},
          {417, "POST / HTTP/1.1\r\nhost: x\r\nexpect: cake\r\ncontent-length: 1\r\n\r\n"},
          {431, "GET / HTTP/1.1\r\nhost: x\r\nx: #{String.duplicate("x", 40_000)}\r\n\r\n"},
          {431, "GET / HTTP/1.1\r\nhost: x\r\n#{String.duplicate("name: value\r\n", 4_000)}\r\n"},
          {505, "GET / HTTP/2.0\r\nhost: x\r\n\r\n"}
        ] do
      assert {text, status} == {text, text |> then(&exchange(port, &1)) |> status()}
    end
  end

  test "closes the connection on a line without an end", %{port: port} do
    assert exchange(port, "GET /#{String.duplicate("x", 70_000)}") == ""
  end

  @tag options: [request_timeout: 50]
  test "does not wait for ever for the rest of a request", %{port: port} do
    assert exchange(port, "GET / HTTP/1.1\r\nhost:") |> status() == 408
    assert exchange(port, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabc") |> status() == 408
  end

  @tag options: [idle_timeout: 50]
  test "closes a connection without requests", %{port: port} do
    assert exchange(port, "") == ""
  end

  test "survives a handler that crashes, and clients that go away", %{port: port} do
    log =
      capture_log(fn ->
        answer = exchange(port, "GET /crash HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert status(answer) == 500
        refute answer =~ "RuntimeError"
      end)

    assert log =~ "GET /crash: ** (RuntimeError) crash"

    for _ <- 1..10 do
      socket = connect(port)
      :ok = :gen_tcp.send(socket, "GET / HTTP/1.1\r\nho")
      :ok = :inet.setopts(socket, linger: {true, 0})
      :gen_tcp.close(socket)
    end

    assert exchange(port, "GET / HTTP/1.0\r\n\r\n") |> status() == 200
  end

  @tag options: [connections: 1]
  test "answers a request that comes behind the shutdown", %{server: server, port: port} do
    [{_, connection, _, _}] = DynamicSupervisor.which_children(Module.concat(server, Connections))
    socket = connect(port)

    wait_until(fn ->
      {:links, links} = Process.info(connection, :links)
      Enum.any?(links, &(is_port(&1) and :inet.getopts(&1, [:active]) == {:ok, active: :once}))
    end)

    :erlang.suspend_process(connection)
    Process.exit(connection, :shutdown)
    :ok = :gen_tcp.send(socket, "GET /late HTTP/1.1\r\nhost: x\r\n\r\n")
    wait_until(fn -> Process.info(connection, :message_queue_len) == {:message_queue_len, 2} end)
    :erlang.resume_process(connection)
    answer = read_to_end(socket, "")
    assert answer =~ "GET /late" and answer =~ "connection: close"
  end

  test "answers whom the kernel has queued when it is stopped", %{server: server, port: port} do
    request = fn path ->
      socket = connect(port)
      :ok = :gen_tcp.send(socket, "GET #{path} HTTP/1.1\r\nhost: x\r\n\r\n")
      socket
    end

    # As many as are served at a time.
    waiting = for _ <- 1..3, do: request.("/wait")
    handlers = for _ <- 1..3, do: receive(do: ({:waiting, handler} -> handler))
    queued = for _ <- 1..5, do: request.("/queued")
    stopped = Task.async(fn -> Supervisor.stop(server) end)
    for socket <- queued, do: assert(read_to_end(socket, "") =~ "GET /queued")
    for handler <- handlers, do: send(handler, :go_on)
    for socket <- waiting, do: assert(read_to_end(socket, "") =~ "waited")
    assert Task.await(stopped) == :ok
    assert :gen_tcp.connect({127, 0, 0, 1}, port, []) == {:error, :econnrefused}
  end

  test "finishes its requests when it is stopped", %{server: server, port: port} do
    busy = connect(port)
    :ok = :gen_tcp.send(busy, "GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
    assert_receive {:waiting, handler}, 5_000

    idle = connect(port)
    :ok = :gen_tcp.send(idle, "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert {:ok, "HTTP/1.1 200" <> _} = :gen_tcp.recv(idle, 0, 5_000)
    stopped = Task.async(fn -> Supervisor.stop(server) end)

    # The idle connection is closed while the other is waited for, and nobody can connect any more.
    assert read_to_end(idle, "") == ""
    assert {:error, :econnrefused} = :gen_tcp.connect({127, 0, 0, 1}, port, [])
    assert Task.yield(stopped, 0) == nil

    send(handler, :go_on)
    answer = read_to_end(busy, "")
    assert answer =~ "connection: close" and answer =~ "waited"
    assert Task.await(stopped) == :ok
  end

  test "says why it cannot listen", %{port: port} do
    Process.flag(:trap_exit, true)

    capture_log(fn ->
      assert {:error, reason} = HTTP.start_link(name: :second_server, port: port, handler: handler(self()))
      assert inspect(reason) =~ "cannot listen on 127.0.0.1:#{port}: address already in use"
    end)
  end
end
