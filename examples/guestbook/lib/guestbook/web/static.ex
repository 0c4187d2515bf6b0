defmodule Guestbook.Web.Static do
  @moduledoc """
  Files of `priv/static`.

  A build may have digested them: then `cache_manifest.json` maps `assets/css/app.css` to a name that contains a digest
  of its content, `path/1` gives the page that name, and browsers may keep the file for ever. A file beside which there
  is one with `.gz` at the end is sent compressed to those who accept it.
  """

  alias Guestbook.HTTP.{Request, Response}
  alias Guestbook.Web.JSON

  @for_ever "public, max-age=31536000, immutable"

  @content_types %{
    ".css" => "text/css; charset=utf-8",
    ".gif" => "image/gif",
    ".html" => "text/html; charset=utf-8",
    ".ico" => "image/x-icon",
    ".jpg" => "image/jpeg",
    ".js" => "text/javascript; charset=utf-8",
    ".json" => "application/json",
    ".map" => "application/json",
    ".png" => "image/png",
    ".svg" => "image/svg+xml",
    ".txt" => "text/plain; charset=utf-8",
    ".webp" => "image/webp",
    ".woff2" => "font/woff2"
  }

  @doc "Reads the manifest, once, when the server starts."
  @spec load_manifest(Path.t()) :: :ok
  def load_manifest(root \\ root()) do
    latest =
      with {:ok, text} <- File.read(Path.join(root, "cache_manifest.json")),
           {:ok, %{"latest" => latest}} when is_map(latest) <- JSON.decode(text) do
        latest
      else
        _ -> %{}
      end

    :persistent_term.put(__MODULE__, latest)
  end

  @doc "The address of a file of `priv/static`."
  @spec path(String.t()) :: String.t()
  def path(file) do
    case :persistent_term.get(__MODULE__, %{}) do
      %{^file => digested} -> "/#{digested}?vsn=d"
      _ -> "/#{file}"
    end
  end

  @doc "The file that the request asks for, if there is one."
  @spec serve(Request.t(), Path.t()) :: {:ok, Response.t()} | :error
  def serve(request, root \\ root()) do
    with {:ok, relative} <- relative_path(request.path),
         path = Path.join(root, relative),
         {:ok, %File.Stat{type: :regular} = stat} <- File.stat(path, time: :posix) do
      {path, stat, encoding} = precompressed(path, stat, request)
      headers = headers(relative, request, stat) ++ encoding

      if Request.header(request, "if-none-match") == etag(stat) do
        {:ok, %Response{status: 304, headers: headers}}
      else
        {:ok, %Response{headers: headers, body: {:file, path, stat.size}}}
      end
    else
      _ -> :error
    end
  end

  # Segments are decoded one by one: a slash that was written as %2F does not separate directories.
  defp relative_path("/" <> path) do
    segments = path |> String.split("/") |> Enum.map(&URI.decode/1)
    if Enum.all?(segments, &plain_name?/1), do: {:ok, Path.join(segments)}, else: :error
  end

  defp relative_path(_path), do: :error

  # Neither `.` and `..` nor hidden files nor anything that a file system would take apart.
  defp plain_name?(segment) do
    segment != "" and not String.starts_with?(segment, ".") and not String.contains?(segment, ["/", "\\", <<0>>])
  end

  defp precompressed(path, stat, request) do
    with true <- accepts_gzip?(request),
         {:ok, %File.Stat{type: :regular} = gzip_stat} <- File.stat(path <> ".gz", time: :posix) do
      {path <> ".gz", gzip_stat, [{"content-encoding", "gzip"}]}
    else
      _ -> {path, stat, []}
    end
  end

  defp accepts_gzip?(request) do
    request
    |> Request.header("accept-encoding")
    |> to_string()
    |> String.downcase()
    |> String.split(",")
    |> Enum.any?(&(&1 =~ ~r/\A\s*(gzip|\*)\s*(;\s*q\s*=\s*(0?\.0*[1-9]|1).*)?\z/))
  end

  defp headers(relative, request, stat) do
    [
      {"content-type", Map.get(@content_types, Path.extname(relative), "application/octet-stream")},
      {"cache-control", cache_control(request)},
      {"etag", etag(stat)},
      {"vary", "accept-encoding"},
      {"x-content-type-options", "nosniff"}
    ]
  end

  # The page adds ?vsn=d to a name that has a digest; a reference within a digested file has the digest only.
  defp cache_control(request) do
    if request.query == "vsn=d" or request.path =~ ~r/-[0-9a-f]{32}(\.[^\/]*)?\z/, do: @for_ever, else: "public"
  end

  defp etag(stat), do: ~s("#{Integer.to_string(:erlang.phash2({stat.size, stat.mtime}), 36)}")

  defp root, do: Application.app_dir(:guestbook, "priv/static")
end
