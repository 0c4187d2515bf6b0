defmodule Guestbook.Web.JSONTest do
  use ExUnit.Case, async: true

  alias Guestbook.Web.{HTMLEngine, JSON}

  doctest HTMLEngine

  test "encodes" do
    value = %{"b" => [1, nil, true, %{}], a: "\"quoted\" \\ \n \t \0 ä😀 \u2028"}

    assert value |> JSON.encode() |> IO.iodata_to_binary() ==
             ~S({"a":"\"quoted\" \\ \n \u0009 \u0000 ä😀 \u2028","b":[1,null,true,{}]})
  end

  test "decodes what it has encoded" do
    value = %{"text" => "ä😀\"\\\n\0\u2029", "list" => [[], [1, -2], %{"x" => false}], "nothing" => nil}
    assert value |> JSON.encode() |> IO.iodata_to_binary() |> JSON.decode() == {:ok, value}
  end

  test "decodes numbers, escapes and space" do
    assert JSON.decode(~s( [ 0 , -1.5, 1e3, 2.5E-1 ] \n)) == {:ok, [0, -1.5, 1000.0, 0.25]}
    assert JSON.decode(~S("\u00e4\ud83d\ude00\/\b\f\r\t")) == {:ok, "ä😀/\b\f\r\t"}
  end

  test "refuses what is not JSON" do
    for text <- [
          "",
          "{",
          "[1,]",
          "{\"a\"}",
          "{\"a\":1,}",
          "\"\\ud83d\"",
          "\"\n\"",
          "01",
          "nul",
          "1 2",
          "\"\xFF\"",
          "1e999"
        ] do
      assert {text, JSON.decode(text)} == {text, :error}
    end
  end
end
