defmodule Guestbook.Web.HTMLEngine do
  @moduledoc """
  An EEx engine for HTML: whatever `<%= … %>` yields is escaped, unless it is marked as HTML by `raw/1` or comes from a
  block of the template itself.
  """

  @behaviour EEx.Engine

  @type html :: {:safe, iodata}

  @doc "Marks text that is HTML already."
  @spec raw(iodata) :: html
  def raw(html), do: {:safe, html}

  @doc """
  Escapes text for HTML, in an element or in a quoted attribute.

      iex> IO.iodata_to_binary(Guestbook.Web.HTMLEngine.escape("<b title='x'>"))
      "&lt;b title=&#39;x&#39;&gt;"
  """
  @spec escape(html | nil | String.t() | integer | list) :: iodata
  def escape({:safe, html}), do: html
  def escape(nil), do: ""
  def escape(number) when is_integer(number), do: Integer.to_string(number)
  def escape(list) when is_list(list), do: Enum.map(list, &escape/1)

  def escape(text) when is_binary(text) do
    for <<char <- text>> do
      case char do
        ?& -> "&amp;"
        ?< -> "&lt;"
        ?> -> "&gt;"
        ?" -> "&quot;"
        ?' -> "&#39;"
        char -> char
      end
    end
  end

  # The state is the pieces so far, newest first.

  @impl true
  def init(_options), do: []

  @impl true
  def handle_begin(_state), do: []

  @impl true
  def handle_text(state, _meta, text), do: [text | state]

  @impl true
  def handle_expr(state, "=", expression) do
    [quote(do: unquote(__MODULE__).escape(unquote(expression))) | state]
  end

  def handle_expr(state, marker, expression), do: EEx.Engine.handle_expr(state, marker, expression)

  # A block inside of an expression (`for`, `if`) is escaped where the expression ends; what it yields is HTML.
  @impl true
  def handle_end(state), do: quote(do: {:safe, unquote(Enum.reverse(state))})

  @impl true
  def handle_body(state), do: Enum.reverse(state)
end
