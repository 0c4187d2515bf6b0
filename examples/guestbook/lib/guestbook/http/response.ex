defmodule Guestbook.HTTP.Response do
  @moduledoc """
  A response, and sending one.

  The body is iodata, or `{:file, path, size}` for a file that the kernel sends.
  """

  defstruct status: 200, headers: [], body: ""

  @type t :: %__MODULE__{
          status: 100..599,
          headers: [{String.t(), String.t()}],
          body: iodata | {:file, Path.t(), non_neg_integer}
        }

  @reasons %{
    200 => "OK",
    303 => "See Other",
    304 => "Not Modified",
    400 => "Bad Request",
    403 => "Forbidden",
    404 => "Not Found",
    405 => "Method Not Allowed",
    408 => "Request Timeout",
    411 => "Length Required",
    413 => "Content Too Large",
    414 => "URI Too Long",
    415 => "Unsupported Media Type",
    417 => "Expectation Failed",
    422 => "Unprocessable Content",
    431 => "Request Header Fields Too Large",
    500 => "Internal Server Error",
    503 => "Service Unavailable",
    505 => "HTTP Version Not Supported"
  }

  @doc "What the status says in words."
  @spec reason(100..599) :: String.t()
  def reason(status), do: Map.fetch!(@reasons, status)

  @doc "A response of plain text, by default the words of the status."
  @spec text(100..599, iodata | nil) :: t
  def text(status, text \\ nil) do
    %__MODULE__{
      status: status,
      headers: [{"content-type", "text/plain; charset=utf-8"}],
      body: text || reason(status) <> "\n"
    }
  end

  @doc """
  Sends the response. Options: `:head`, to leave the body out; `:close`, to say that the connection will be closed.
  """
  @spec send(t, :gen_tcp.socket(), keyword) :: :ok | {:error, term}
  def send(response, socket, options) do
    head = [
      "HTTP/1.1 #{response.status} #{reason(response.status)}\r\n",
      for({name, value} <- headers(response, options), do: [name, ": ", value, "\r\n"]),
      "\r\n"
    ]

    if options[:head] || response.status == 304 do
      :gen_tcp.send(socket, head)
    else
      send_with_body(socket, head, response.body)
    end
  end

  defp send_with_body(socket, head, {:file, path, size}) do
    with {:ok, file} <- :file.open(path, [:read, :raw, :binary]) do
      try do
        with :ok <- :gen_tcp.send(socket, head),
             {:ok, ^size} <- :file.sendfile(file, socket, 0, size, []) do
          :ok
        else
          {:ok, _shorter} -> {:error, :file_changed}
          {:error, reason} -> {:error, reason}
        end
      after
        :file.close(file)
      end
    end
  end

  defp send_with_body(socket, head, body), do: :gen_tcp.send(socket, [head, body])

  defp headers(response, options) do
    fixed = [{"date", Calendar.strftime(DateTime.utc_now(), "%a, %d %b %Y %H:%M:%S GMT")}]
    length = if response.status == 304, do: [], else: [{"content-length", to_string(body_size(response.body))}]
    close = if options[:close], do: [{"connection", "close"}], else: []
    fixed ++ length ++ close ++ response.headers
  end

  defp body_size({:file, _path, size}), do: size
  defp body_size(body), do: IO.iodata_length(body)
end
