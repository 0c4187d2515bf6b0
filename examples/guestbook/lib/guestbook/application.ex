defmodule Guestbook.Application do
  @moduledoc false

  use Application

  alias Guestbook.{HTTP, Repo, Web}

  # Children stop in reverse order: the server finishes its requests while the repository still answers.
  @impl true
  def start(_type, _args) do
    children = [Repo | server()]
    Supervisor.start_link(children, strategy: :one_for_one, name: Guestbook.Supervisor)
  end

  # `:minimal` is what Guestbook.Release sets; `:enabled` what PHX_SERVER sets (config/runtime.exs).
  defp server do
    options = Application.get_env(:guestbook, HTTP, [])

    if options[:enabled] && !Application.get_env(:guestbook, :minimal) do
      Web.Static.load_manifest()
      [{HTTP, Keyword.put(options, :handler, &Web.Router.call/1)}]
    else
      []
    end
  end
end
