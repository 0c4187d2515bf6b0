defmodule Guestbook.EntryTest do
  use ExUnit.Case, async: true

  alias Guestbook.Entry

  doctest Entry

  test "line ends are unified, and space around the text is removed" do
    assert {:ok, %Entry{name: "Ada", message: "one\ntwo"}} =
             Entry.new(%{"name" => "Ada", "message" => " one\r\ntwo\r\n"})
  end

  test "empty, long and strange texts are refused" do
    assert {:error, %{name: _, message: _}} = Entry.new(%{})
    assert {:error, %{message: "Please use" <> _}} = new(message: String.duplicate("ä", 1001))
    assert {:ok, _} = new(message: String.duplicate("ä", 1000))
    assert {:error, %{message: "The text contains" <> _}} = new(message: "a\0b")
    assert {:error, %{name: "A name has" <> _}} = new(name: "a\nb")
    assert {:error, %{message: "The text is not UTF-8."}} = new(message: <<0xFF, 0xFE>>)
  end

  defp new(fields) do
    fields = Map.new(fields, fn {key, value} -> {to_string(key), value} end)
    Entry.new(Map.merge(%{"name" => "Ada", "message" => "Hello"}, fields))
  end
end
