defmodule Guestbook.HTTP.Tally do
  @moduledoc """
  Counts what the server does, and says so when it has ended: an accepted connection, or a request that has begun,
  without an answer would be seen there.
  """

  use GenServer

  @counters [:connections, :requests, :answers]

  @opaque t :: :counters.counters_ref()

  @spec new :: t
  def new, do: :counters.new(length(@counters), [:write_concurrency])

  @spec start_link(t) :: GenServer.on_start()
  def start_link(tally), do: GenServer.start_link(__MODULE__, tally)

  @doc "Counts an accepted connection, a request whose first line is there, or an answer that has been sent."
  @spec count(t, :connections | :requests | :answers) :: :ok
  def count(tally, counter), do: :counters.add(tally, index(counter), 1)

  @impl true
  def init(tally) do
    # So that terminate/2 is called.
    Process.flag(:trap_exit, true)
    {:ok, tally}
  end

  @impl true
  def terminate(_reason, tally) do
    [connections, requests, answers] = for counter <- @counters, do: :counters.get(tally, index(counter))
    # Not by the logger: after many requests at once it may be dropping messages.
    IO.puts(:stderr, "Answered #{answers} of #{requests} requests on #{connections} connections")
  end

  defp index(counter), do: Enum.find_index(@counters, &(&1 == counter)) + 1
end
