defmodule Guestbook.Web.RouterTest do
  use ExUnit.Case

  alias Guestbook.HTTP.Request
  alias Guestbook.Repo
  alias Guestbook.Web.{JSON, Router, Token}

  setup do
    {:ok, _} = Repo.query("DELETE FROM entries")
    :ok
  end

  defp get(path, headers \\ %{}), do: Router.call(%Request{method: "GET", path: path, headers: headers})

  defp post(fields, headers) do
    headers = Map.merge(%{"content-type" => "application/x-www-form-urlencoded"}, headers)
    Router.call(%Request{method: "POST", path: "/entries", headers: headers, body: URI.encode_query(fields)})
  end

  defp body(response), do: IO.iodata_to_binary(response.body)

  defp cookies(response), do: for({"set-cookie", cookie} <- response.headers, do: hd(String.split(cookie, ";")))

  # What a browser has after it has got the page.
  defp visit do
    page = get("/")
    [_, token] = Regex.run(~r/name="token" value="([^"]*)"/, body(page))
    [visitor] = cookies(page)
    {token, %{"cookie" => visitor}}
  end

  test "an entry is left and read" do
    {token, headers} = visit()
    response = post(%{token: token, name: "Ada <b>", message: "Hello & <script>\nworld"}, headers)

    assert response.status == 303
    assert {"location", "/"} in response.headers

    page = body(get("/", headers))
    assert page =~ "Ada &lt;b&gt;"
    assert page =~ "Hello &amp; &lt;script&gt;<br>world"
    assert page =~ "1 entry"

    json = get("/entries.json")

    assert {:ok, %{"entries" => [%{"name" => "Ada <b>", "message" => "Hello & <script>\nworld"}]}} =
             JSON.decode(body(json))
  end

  test "thanks are said once" do
    {token, headers} = visit()
    [flash] = cookies(post(%{token: token, name: "Ada", message: "Hello"}, headers))

    page = get("/", %{"cookie" => headers["cookie"] <> "; " <> flash})
    assert body(page) =~ "Thank you for your entry."
    assert cookies(page) == ["_guestbook_flash="]

    forged = "_guestbook_flash=" <> Base.url_encode64("Visit evil.example", padding: false) <> ".AAAA"
    refute body(get("/", %{"cookie" => forged})) =~ "evil"
  end

  test "what is wrong with an entry is said in the form" do
    {token, headers} = visit()
    response = post(%{token: token, name: "\"Ada\"", message: " "}, headers)

    assert response.status == 422
    assert body(response) =~ "Please write a message."
    assert body(response) =~ ~s(value="&quot;Ada&quot;")
    assert {:ok, []} = Guestbook.list_entries()
  end

  test "forms without their token are refused" do
    {token, headers} = visit()
    {other_token, _} = visit()
    fields = %{name: "Ada", message: "Hello"}

    for {fields, headers} <- [
          {fields, headers},
          {Map.put(fields, :token, token), %{}},
          {Map.put(fields, :token, other_token), headers},
          {Map.put(fields, :token, Token.sign("flash", "x")), %{"cookie" => "_guestbook_visitor=x"}},
          {Map.put(fields, :token, "x"), headers}
        ] do
      assert post(fields, headers).status == 403
    end

    assert post(%{}, %{"content-type" => "text/plain"}).status == 415
    assert {:ok, []} = Guestbook.list_entries()
  end

  test "a form that is not properly encoded is still a form" do
    {token, headers} = visit()
    headers = Map.put(headers, "content-type", "application/x-www-form-urlencoded")

    request = %Request{
      method: "POST",
      path: "/entries",
      headers: headers,
      body: "token=#{token}&name=%zz&message=%ff&x"
    }

    response = Router.call(request)
    assert {response.status, body(response) =~ "The text is not UTF-8."} == {422, true}
  end

  test "other addresses and methods" do
    assert body(get("/healthz")) == "ok\n"
    assert get("/robots.txt").status == 200
    assert get("/nothing").status == 404
    assert get("/../mix.exs").status == 404
    assert Router.call(%Request{method: "DELETE", path: "/"}).status == 405
    assert {"allow", "POST"} in get_entries().headers
  end

  defp get_entries, do: Router.call(%Request{method: "PUT", path: "/entries"})
end
