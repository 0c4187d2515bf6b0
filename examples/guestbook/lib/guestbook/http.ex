defmodule Guestbook.HTTP do
  @moduledoc """
  A small HTTP/1.1 server on `:gen_tcp`.

  A fixed number of processes wait in accept on one listening socket, and the one that gets a connection serves it
  itself: no socket changes hands, and clients beyond that number wait in the kernel's queue.

  Shutdown goes in the order of the children, last first: the listener serves whom the kernel has queued and closes its
  socket, which ends every accept, then the connections are told to stop, all at once. Those without a request close; the
  others answer theirs first. Who connects in the moment between the last accept and the close is reset before anything of
  the request was read, as with every server that closes its socket; later ones are refused.

  Options:

    * `:handler` - a function from `Guestbook.HTTP.Request` to `Guestbook.HTTP.Response`. Required;
    * `:ip` - the address to listen on, `{127, 0, 0, 1}` by default;
    * `:port` - 4000 by default; 0 lets the system choose, see `port/1`;
    * `:connections` - how many connections are served at a time, 100 by default;
    * `:max_body` - the longest request body in bytes, 64 KiB by default;
    * `:idle_timeout`, `:request_timeout` - how long to wait for the next request, and for the whole of one, in
      milliseconds;
    * `:name` - this module by default.
  """

  use Supervisor

  alias Guestbook.HTTP.{Listener, Tally}

  @defaults [
    ip: {127, 0, 0, 1},
    port: 4000,
    connections: 100,
    max_body: 64 * 1024,
    idle_timeout: 15_000,
    request_timeout: 10_000,
    name: __MODULE__
  ]

  @spec start_link(keyword) :: Supervisor.on_start()
  def start_link(options) do
    options = Keyword.merge(@defaults, options)
    Supervisor.start_link(__MODULE__, options, name: options[:name])
  end

  @doc "The port that the server listens on."
  @spec port(Supervisor.supervisor()) :: :inet.port_number()
  def port(server \\ __MODULE__) do
    {Listener, listener, _, _} = server |> Supervisor.which_children() |> List.keyfind(Listener, 0)
    Listener.port(listener)
  end

  @impl true
  def init(options) do
    connections = Module.concat(options[:name], Connections)
    options = Keyword.put(options, :tally, Tally.new())

    # The tally ends last: nothing is left to be counted.
    children = [
      {Tally, options[:tally]},
      {DynamicSupervisor, name: connections, max_restarts: options[:connections]},
      {Listener, {connections, options}}
    ]

    # Connections cannot outlive their supervisor, nor can they accept without the listener's socket.
    Supervisor.init(children, strategy: :one_for_all)
  end
end
