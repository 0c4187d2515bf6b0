defmodule Guestbook.Entry do
  @moduledoc "What somebody has written into the guestbook."

  @enforce_keys [:name, :message]
  defstruct [:id, :name, :message, :inserted_at]

  @type t :: %__MODULE__{
          id: pos_integer | nil,
          name: String.t(),
          message: String.t(),
          inserted_at: DateTime.t() | nil
        }

  @type errors :: %{optional(:name | :message) => String.t()}

  @max_name 80
  @max_message 1_000

  def max_name, do: @max_name
  def max_message, do: @max_message

  @doc """
  Makes an entry of what a form sent. Line ends become `\\n`, and space around the texts is removed.

  ## Examples

      iex> Guestbook.Entry.new(%{"name" => " Ada ", "message" => "Hello"})
      {:ok, %Guestbook.Entry{name: "Ada", message: "Hello"}}

      iex> Guestbook.Entry.new(%{"name" => "Ada"})
      {:error, %{message: "Please write a message."}}
  """
  @spec new(%{optional(String.t()) => String.t()}) :: {:ok, t} | {:error, errors}
  def new(fields) do
    name = clean(fields["name"])
    message = clean(fields["message"])

    errors =
      for {field, text} <- [
            name: check_name(name),
            message: check_text(message, @max_message, "Please write a message.")
          ],
          text != nil,
          into: %{},
          do: {field, text}

    if errors == %{}, do: {:ok, %__MODULE__{name: name, message: message}}, else: {:error, errors}
  end

  defp clean(nil), do: ""
  defp clean(text), do: text |> String.replace("\r\n", "\n") |> String.trim()

  defp check_name(name) do
    if String.contains?(name, "\n"),
      do: "A name has only one line.",
      else: check_text(name, @max_name, "Please write your name.")
  end

  defp check_text("", _max, when_empty), do: when_empty

  defp check_text(text, max, _when_empty) do
    cond do
      not String.valid?(text) -> "The text is not UTF-8."
      # Control characters have no place in a guestbook, and PostgreSQL does not store NUL.
      text =~ ~r/[\x00-\x08\x0b-\x1f\x7f]/ -> "The text contains control characters."
      String.length(text) > max -> "Please use no more than #{max} characters."
      true -> nil
    end
  end
end
