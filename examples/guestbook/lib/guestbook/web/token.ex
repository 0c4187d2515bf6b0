defmodule Guestbook.Web.Token do
  @moduledoc """
  Values that a browser keeps for us and cannot change, signed with `SECRET_KEY_BASE`.

  A signature is bound to a purpose, so that a value signed for one cannot be used for another.
  """

  @doc "The value with its signature, in characters that a cookie and a form field may have."
  @spec sign(String.t(), String.t()) :: String.t()
  def sign(purpose, value), do: encode(value) <> "." <> encode(signature(purpose, value))

  @doc "The value, when the signature is ours."
  @spec verify(String.t(), String.t()) :: {:ok, String.t()} | :error
  def verify(purpose, signed) do
    with [value, signature] <- String.split(signed, "."),
         {:ok, value} <- Base.url_decode64(value, padding: false),
         {:ok, signature} <- Base.url_decode64(signature, padding: false),
         true <- equal?(signature, signature(purpose, value)) do
      {:ok, value}
    else
      _ -> :error
    end
  end

  @doc "A value that nobody can guess."
  @spec random() :: String.t()
  def random, do: encode(:crypto.strong_rand_bytes(18))

  defp signature(purpose, value) do
    secret = Application.fetch_env!(:guestbook, :secret_key_base)
    :crypto.mac(:hmac, :sha256, secret, [purpose, 0, value])
  end

  # In constant time: how much of a guess was right must not show.
  defp equal?(left, right), do: byte_size(left) == byte_size(right) and :crypto.hash_equals(left, right)

  defp encode(bytes), do: Base.url_encode64(bytes, padding: false)
end
