defmodule Guestbook.Web.Page do
  @moduledoc "The page: entries, and the form for a new one."

  require EEx

  alias Guestbook.Entry
  alias Guestbook.Web.{HTMLEngine, Static}

  # Relative, so that the module does not depend on where the project is.
  EEx.function_from_file(:defp, :template, Path.relative_to_cwd(Path.join(__DIR__, "page.html.eex")), [:assigns],
    engine: HTMLEngine,
    trim: true
  )

  @doc """
  Renders the page.

  Assigns: `:entries`, `:token` (for the form), `:flash` (a sentence or nil), `:fields` and `:errors` (what was sent,
  and what is wrong with it).
  """
  @spec render(map) :: iodata
  def render(assigns), do: template(assigns)

  defp asset(path), do: Static.path(path)

  defp lines(text), do: text |> String.split("\n") |> Enum.intersperse(HTMLEngine.raw("<br>"))

  defp count(1), do: "1 entry"
  defp count(number), do: "#{number} entries"

  defp date(time), do: Calendar.strftime(time, "%-d %B %Y, %H:%M UTC")
end
