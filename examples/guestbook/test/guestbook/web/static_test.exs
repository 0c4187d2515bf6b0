defmodule Guestbook.Web.StaticTest do
  use ExUnit.Case

  alias Guestbook.HTTP.Request
  alias Guestbook.Scratch
  alias Guestbook.Web.Static

  @digest String.duplicate("0a", 16)

  setup do
    directory = Scratch.directory()
    root = Path.join(directory, "static")
    File.mkdir_p!(Path.join(root, "css"))
    File.write!(Path.join(directory, "secret"), "secret")
    File.write!(Path.join(root, ".hidden"), "secret")
    File.write!(Path.join(root, "css/app.css"), "body{}")
    File.write!(Path.join(root, "css/app.css.gz"), :zlib.gzip("body{}"))
    File.write!(Path.join(root, "css/app-#{@digest}.css"), "body{}")
    File.write!(Path.join(root, "with space.txt"), "text")
    %{root: root}
  end

  defp serve(root, path, query \\ "", headers \\ %{}) do
    Static.serve(%Request{method: "GET", path: path, query: query, headers: headers}, root)
  end

  defp header(response, name), do: response.headers |> List.keyfind(name, 0, {name, nil}) |> elem(1)

  test "serves files with their type", %{root: root} do
    assert {:ok, response} = serve(root, "/css/app.css")
    assert response.body == {:file, Path.join(root, "css/app.css"), 6}
    assert header(response, "content-type") == "text/css; charset=utf-8"
    assert header(response, "cache-control") == "public"
    assert {:ok, _} = serve(root, "/with%20space.txt")
  end

  test "serves nothing from outside of its directory", %{root: root} do
    for path <- [
          "/../secret",
          "/css/../../secret",
          "/%2e%2e/secret",
          "/..%2fsecret",
          "/css/..%2f..%2fsecret",
          "//secret",
          "/.hidden",
          "/css",
          "/css/",
          "/css/app.css/",
          "/css/app.css%00",
          "/%zz",
          "secret",
          ""
        ] do
      assert {path, serve(root, path)} == {path, :error}
    end
  end

  test "serves the compressed file to those who accept it", %{root: root} do
    for accept <- ["gzip", "br, GZIP;q=0.5", "*"] do
      assert {:ok, response} = serve(root, "/css/app.css", "", %{"accept-encoding" => accept})
      assert header(response, "content-encoding") == "gzip"
      assert header(response, "content-type") == "text/css; charset=utf-8"
      assert {:file, path, _} = response.body
      assert path |> File.read!() |> :zlib.gunzip() == "body{}"
    end

    for accept <- ["", "br", "gzip;q=0", "gzip;q=0.000", "xgzip"] do
      assert {:ok, response} = serve(root, "/css/app.css", "", %{"accept-encoding" => accept})
      assert header(response, "content-encoding") == nil
    end
  end

  test "lets browsers keep what has a digest", %{root: root} do
    for {path, query} <- [{"/css/app-#{@digest}.css", ""}, {"/css/app-#{@digest}.css", "vsn=d"}] do
      assert {:ok, response} = serve(root, path, query)
      assert header(response, "cache-control") == "public, max-age=31536000, immutable"
    end
  end

  test "sends nothing that the browser has already", %{root: root} do
    {:ok, response} = serve(root, "/css/app.css")
    {:ok, again} = serve(root, "/css/app.css", "", %{"if-none-match" => header(response, "etag")})
    assert {again.status, again.body} == {304, ""}
  end

  test "takes names from the manifest when there is one", %{root: root} do
    on_exit(fn -> Static.load_manifest("/nonexistent") end)

    assert Static.path("css/app.css") == "/css/app.css"
    manifest = ~s({"version": 1, "latest": {"css/app.css": "css/app-#{@digest}.css"}, "digests": {}})
    File.write!(Path.join(root, "cache_manifest.json"), manifest)
    Static.load_manifest(root)
    assert Static.path("css/app.css") == "/css/app-#{@digest}.css?vsn=d"
    assert Static.path("robots.txt") == "/robots.txt"
  end
end
