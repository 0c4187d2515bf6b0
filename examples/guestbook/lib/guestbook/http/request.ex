defmodule Guestbook.HTTP.Request do
  @moduledoc """
  A request, and reading one from a socket that delivers `packet: :http_bin`.

  Header names are in lower case; of a header that came twice the values are joined by a comma, as RFC 9110 has it.
  """

  @enforce_keys [:method, :path]
  defstruct [:method, :path, query: "", version: {1, 1}, headers: %{}, body: ""]

  @type t :: %__MODULE__{
          method: String.t(),
          path: String.t(),
          query: String.t(),
          version: {non_neg_integer, non_neg_integer},
          headers: %{optional(String.t()) => String.t()},
          body: binary
        }

  @type request_line :: {:http_request, atom | String.t(), term, {non_neg_integer, non_neg_integer}}

  @typedoc "The status to answer with, or that there is nobody left to answer."
  @type failure :: {:error, 400..599} | :closed

  # Bytes of the address, and of all headers together. The socket itself gives up on a line far longer than that, by
  # closing the connection.
  @max_target 8 * 1024
  @max_headers 32 * 1024

  @doc """
  Reads the rest of the request that begins with `request_line`.

  Options: `:max_body` in bytes, `:request_timeout` in milliseconds for the headers and again for the body. The timeout
  covers the whole of them, so that a client that sends a byte now and then does not hold a connection for ever.
  """
  @spec read(:gen_tcp.socket(), request_line, keyword) :: {:ok, t} | failure
  def read(socket, {:http_request, method, target, version}, options) do
    with {:ok, path, query} <- parse_target(target),
         :ok <- check_version(version),
         {:ok, headers} <- read_headers(socket, deadline(options), %{}, 0),
         :ok <- check_host(version, headers),
         {:ok, length} <- body_length(headers, options[:max_body]),
         :ok <- continue(socket, headers, length),
         {:ok, body} <- read_body(socket, length, deadline(options)) do
      {:ok,
       %__MODULE__{
         method: to_string(method),
         path: path,
         query: query,
         version: version,
         headers: headers,
         body: body
       }}
    end
  end

  @doc "The value of a header, named in lower case."
  @spec header(t, String.t()) :: String.t() | nil
  def header(request, name), do: request.headers[name]

  @doc "The cookies that came with the request."
  @spec cookies(t) :: %{optional(String.t()) => String.t()}
  def cookies(request) do
    for pair <- request |> header("cookie") |> to_string() |> String.split(";"),
        [name, value] <- [String.split(pair, "=", parts: 2)],
        into: %{},
        do: {String.trim(name), String.trim(value)}
  end

  @doc "The fields of a form that was sent as `application/x-www-form-urlencoded`."
  @spec form(t) :: {:ok, %{optional(String.t()) => String.t()}} | {:error, 415}
  def form(request) do
    case request |> header("content-type") |> to_string() |> String.downcase(:ascii) do
      "application/x-www-form-urlencoded" <> _ -> {:ok, URI.decode_query(request.body, %{}, :www_form)}
      _ -> {:error, 415}
    end
  end

  @doc "Whether the client wants to send another request on this connection."
  @spec keep_alive?(t) :: boolean
  def keep_alive?(%__MODULE__{version: {1, 0}}), do: false

  def keep_alive?(request) do
    options = request |> header("connection") |> to_string() |> String.downcase(:ascii) |> String.split([",", " "])
    "close" not in options
  end

  defp deadline(options), do: now() + options[:request_timeout]

  defp time_left(deadline), do: max(deadline - now(), 0)

  defp now, do: System.monotonic_time(:millisecond)

  defp parse_target({:abs_path, target}), do: split_target(target)
  defp parse_target({:absoluteURI, _scheme, _host, _port, target}), do: split_target(target)
  defp parse_target(_target), do: {:error, 400}

  defp split_target(target) when byte_size(target) > @max_target, do: {:error, 414}

  defp split_target(target) do
    case String.split(target, "?", parts: 2) do
      [path, query] -> {:ok, path, query}
      [path] -> {:ok, path, ""}
    end
  end

  defp check_version({1, _minor}), do: :ok
  defp check_version(_version), do: {:error, 505}

  # RFC 9112 3.2: a server must refuse a request without it.
  defp check_host({1, 1}, headers) when not is_map_key(headers, "host"), do: {:error, 400}
  defp check_host(_version, _headers), do: :ok

  defp read_headers(_socket, _deadline, _headers, size) when size > @max_headers, do: {:error, 431}

  defp read_headers(socket, deadline, headers, size) do
    case :gen_tcp.recv(socket, 0, time_left(deadline)) do
      {:ok, {:http_header, _, name, _, value}} ->
        name = name |> to_string() |> String.downcase(:ascii)
        headers = Map.update(headers, name, value, &(&1 <> ", " <> value))
        read_headers(socket, deadline, headers, size + byte_size(name) + byte_size(value))

      {:ok, :http_eoh} ->
        {:ok, headers}

      {:ok, {:http_error, _line}} ->
        {:error, 400}

      {:error, :timeout} ->
        {:error, 408}

      {:error, _reason} ->
        :closed
    end
  end

  # Chunked bodies are refused: no browser sends a form that way. With both headers it is a smuggling attempt.
  defp body_length(%{"transfer-encoding" => _, "content-length" => _}, _max), do: {:error, 400}
  defp body_length(%{"transfer-encoding" => _}, _max), do: {:error, 411}

  defp body_length(%{"content-length" => text}, max) do
    cond do
      not (text =~ ~r/\A[0-9]{1,18}\z/) -> {:error, 400}
      String.to_integer(text) > max -> {:error, 413}
      true -> {:ok, String.to_integer(text)}
    end
  end

  defp body_length(_headers, _max), do: {:ok, 0}

  defp continue(socket, %{"expect" => expect}, length) when length > 0 do
    case String.downcase(expect, :ascii) do
      "100-continue" -> with {:error, _} <- :gen_tcp.send(socket, "HTTP/1.1 100 Continue\r\n\r\n"), do: :closed
      _ -> {:error, 417}
    end
  end

  defp continue(_socket, _headers, _length), do: :ok

  defp read_body(_socket, 0, _deadline), do: {:ok, ""}

  defp read_body(socket, length, deadline) do
    :ok = :inet.setopts(socket, packet: :raw)

    case :gen_tcp.recv(socket, length, time_left(deadline)) do
      {:ok, body} ->
        :ok = :inet.setopts(socket, packet: :http_bin)
        {:ok, body}

      {:error, :timeout} ->
        {:error, 408}

      {:error, _reason} ->
        :closed
    end
  rescue
    # The options of a socket cannot be set any more once the client has reset the connection.
    MatchError -> :closed
  end
end
