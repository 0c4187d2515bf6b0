defmodule Guestbook.Web.JSON do
  @moduledoc """
  As much JSON as the guestbook needs: it also runs where neither Elixir nor OTP has a JSON module.
  """

  @doc "Encodes maps, lists, strings, integers, booleans and nil. Maps are written in the order of their keys."
  @spec encode(term) :: iodata
  def encode(nil), do: "null"
  def encode(value) when is_boolean(value) or is_integer(value), do: to_string(value)
  def encode(value) when is_binary(value), do: [?", for(<<char::utf8 <- value>>, do: escape(char)), ?"]
  def encode(value) when is_list(value), do: [?[, value |> Enum.map(&encode/1) |> Enum.intersperse(?,), ?]]

  def encode(value) when is_map(value) do
    members = for {key, member} <- Enum.sort(value), do: [encode(to_string(key)), ?:, encode(member)]
    [?{, Enum.intersperse(members, ?,), ?}]
  end

  defp escape(?"), do: ~S(\")
  defp escape(?\\), do: ~S(\\)
  defp escape(?\n), do: ~S(\n)
  # U+2028 and U+2029 end a line in older JavaScript; the rest below a space is not allowed unescaped.
  defp escape(char) when char < 0x20 or char in [0x2028, 0x2029], do: :io_lib.format("\\u~4.16.0b", [char])
  defp escape(char), do: <<char::utf8>>

  @doc "Decodes a JSON text. Numbers with a fraction or exponent become floats."
  @spec decode(binary) :: {:ok, term} | :error
  def decode(text) do
    {value, rest} = text |> skip_space() |> value()
    if skip_space(rest) == "", do: {:ok, value}, else: :error
  catch
    :invalid -> :error
  end

  defp value("null" <> rest), do: {nil, rest}
  defp value("true" <> rest), do: {true, rest}
  defp value("false" <> rest), do: {false, rest}
  defp value("\"" <> rest), do: string(rest, [])
  defp value("[" <> rest), do: rest |> skip_space() |> first_element()
  defp value("{" <> rest), do: rest |> skip_space() |> first_member()
  defp value(text), do: number(text)

  defp first_element("]" <> rest), do: {[], rest}
  defp first_element(text), do: elements(text, [])

  defp elements(text, done) do
    {element, rest} = text |> skip_space() |> value()

    case skip_space(rest) do
      "," <> rest -> elements(rest, [element | done])
      "]" <> rest -> {Enum.reverse([element | done]), rest}
      _ -> throw(:invalid)
    end
  end

  defp first_member("}" <> rest), do: {%{}, rest}
  defp first_member(text), do: members(text, %{})

  defp members(text, done) do
    with "\"" <> rest <- skip_space(text),
         {key, rest} = string(rest, []),
         ":" <> rest <- skip_space(rest) do
      {member, rest} = rest |> skip_space() |> value()
      done = Map.put(done, key, member)

      case skip_space(rest) do
        "," <> rest -> members(rest, done)
        "}" <> rest -> {done, rest}
        _ -> throw(:invalid)
      end
    else
      _ -> throw(:invalid)
    end
  end

  defp string("\"" <> rest, done), do: {done |> Enum.reverse() |> IO.iodata_to_binary(), rest}
  defp string("\\u" <> rest, done), do: unicode_escape(rest, done)

  defp string(<<?\\, char, rest::binary>>, done) do
    case char do
      ?b -> string(rest, ["\b" | done])
      ?f -> string(rest, ["\f" | done])
      ?n -> string(rest, ["\n" | done])
      ?r -> string(rest, ["\r" | done])
      ?t -> string(rest, ["\t" | done])
      char when char in [?", ?\\, ?/] -> string(rest, [<<char>> | done])
      _ -> throw(:invalid)
    end
  end

  defp string(<<char::utf8, rest::binary>>, done) when char >= 0x20, do: string(rest, [<<char::utf8>> | done])
  defp string(_text, _done), do: throw(:invalid)

  # A character beyond the basic plane is written as two surrogates.
  defp unicode_escape(text, done) do
    case hex4(text) do
      {high, "\\u" <> rest} when high in 0xD800..0xDBFF ->
        case hex4(rest) do
          {low, rest} when low in 0xDC00..0xDFFF ->
            string(rest, [<<0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00::utf8>> | done])

          _ ->
            throw(:invalid)
        end

      {char, _rest} when char in 0xD800..0xDFFF ->
        throw(:invalid)

      {char, rest} ->
        string(rest, [<<char::utf8>> | done])
    end
  end

  defp hex4(<<digits::binary-size(4), rest::binary>>) do
    if digits =~ ~r/\A[0-9a-fA-F]{4}\z/, do: {String.to_integer(digits, 16), rest}, else: throw(:invalid)
  end

  defp hex4(_text), do: throw(:invalid)

  defp number(text) do
    case Regex.run(~r/\A-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/, text) do
      nil -> throw(:invalid)
      [digits] -> {String.to_integer(digits), after_prefix(text, digits)}
      # Erlang wants a fraction before an exponent.
      [digits, "", _] -> {digits |> String.replace(~r/[eE]/, ".0e") |> to_float(), after_prefix(text, digits)}
      [digits | _] -> {to_float(digits), after_prefix(text, digits)}
    end
  end

  defp to_float(digits) do
    String.to_float(digits)
  rescue
    ArgumentError -> throw(:invalid)
  end

  defp after_prefix(text, prefix), do: binary_part(text, byte_size(prefix), byte_size(text) - byte_size(prefix))

  defp skip_space(<<char, rest::binary>>) when char in ~c" \t\r\n", do: skip_space(rest)
  defp skip_space(text), do: text
end
