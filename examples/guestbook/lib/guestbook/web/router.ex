defmodule Guestbook.Web.Router do
  @moduledoc """
  From a request to a response.

  The form is protected against being sent by other sites' pages: it carries a token that is the signed value of a
  cookie, which another site can neither read nor make. The sentence shown after an entry was added travels in a signed
  cookie as well.
  """

  require Logger

  alias Guestbook.HTTP.{Request, Response}
  alias Guestbook.Repo
  alias Guestbook.Web.{JSON, Page, Static, Token}

  @visitor_cookie "_guestbook_visitor"
  @flash_cookie "_guestbook_flash"
  @cookie_attributes "; Path=/; HttpOnly; SameSite=Lax"

  @spec call(Request.t()) :: Response.t()
  def call(%Request{method: method, path: path} = request) do
    case {method, path} do
      {get, "/"} when get in ["GET", "HEAD"] -> index(request)
      {"POST", "/entries"} -> create(request)
      {get, "/entries.json"} when get in ["GET", "HEAD"] -> entries_json()
      {get, "/healthz"} when get in ["GET", "HEAD"] -> health()
      {get, _} when get in ["GET", "HEAD"] -> static(request)
      {_, known} when known in ["/", "/entries.json", "/healthz"] -> not_allowed("GET, HEAD")
      {_, "/entries"} -> not_allowed("POST")
      _ -> Response.text(404)
    end
  end

  defp index(request) do
    page(request, 200, %{flash: flash(request), fields: %{}, errors: %{}})
  end

  defp create(request) do
    with {:ok, fields} <- Request.form(request),
         :ok <- check_token(request, fields),
         {:ok, _entry} <- Guestbook.add_entry(fields) do
      flash = Token.sign("flash", "Thank you for your entry.")
      cookie = "#{@flash_cookie}=#{flash}#{@cookie_attributes}; Max-Age=60"
      %Response{status: 303, headers: [{"location", "/"}, {"set-cookie", cookie}]}
    else
      {:error, status} when is_integer(status) -> Response.text(status)
      {:error, %Repo.Error{} = error} -> unavailable(error)
      {:error, errors} -> page(request, 422, %{flash: nil, fields: elem(Request.form(request), 1), errors: errors})
    end
  end

  defp entries_json do
    with {:ok, entries} <- Guestbook.list_entries() do
      entries =
        for entry <- entries do
          %{
            id: entry.id,
            name: entry.name,
            message: entry.message,
            inserted_at: DateTime.to_iso8601(entry.inserted_at)
          }
        end

      %Response{
        headers: [{"content-type", "application/json"}, {"cache-control", "no-store"}],
        body: [JSON.encode(%{entries: entries}), ?\n]
      }
    else
      {:error, error} -> unavailable(error)
    end
  end

  defp health do
    case Repo.query("SELECT 1") do
      {:ok, _} -> Response.text(200, "ok\n")
      {:error, _} -> Response.text(503, "the database is not available\n")
    end
  end

  defp static(request) do
    case Static.serve(request) do
      {:ok, response} -> response
      :error -> Response.text(404)
    end
  end

  defp page(request, status, assigns) do
    case Guestbook.list_entries() do
      {:ok, entries} ->
        visitor = visitor(request) || Token.random()

        body =
          assigns
          |> Map.merge(%{entries: entries, token: Token.sign("form", visitor)})
          |> Page.render()

        %Response{status: status, headers: page_headers() ++ cookies(request, visitor), body: body}

      {:error, error} ->
        unavailable(error)
    end
  end

  defp page_headers do
    [
      {"content-type", "text/html; charset=utf-8"},
      {"cache-control", "no-store"},
      {"content-security-policy", "default-src 'self'; frame-ancestors 'none'; form-action 'self'"},
      {"referrer-policy", "same-origin"},
      {"x-content-type-options", "nosniff"}
    ]
  end

  defp cookies(request, visitor) do
    cookies = Request.cookies(request)

    new =
      if cookies[@visitor_cookie] != visitor,
        do: [{"set-cookie", "#{@visitor_cookie}=#{visitor}#{@cookie_attributes}"}],
        else: []

    shown =
      if cookies[@flash_cookie],
        do: [{"set-cookie", "#{@flash_cookie}=#{@cookie_attributes}; Max-Age=0"}],
        else: []

    new ++ shown
  end

  defp visitor(request) do
    case Request.cookies(request)[@visitor_cookie] do
      visitor when visitor in [nil, ""] -> nil
      visitor -> visitor
    end
  end

  defp flash(request) do
    case Token.verify("flash", Request.cookies(request)[@flash_cookie] || "") do
      {:ok, flash} -> flash
      :error -> nil
    end
  end

  defp check_token(request, fields) do
    with {:ok, visitor} <- Token.verify("form", fields["token"] || ""),
         ^visitor <- visitor(request) do
      :ok
    else
      _ -> {:error, 403}
    end
  end

  defp unavailable(error) do
    Logger.error("The entries are not available: #{error.message}")
    Response.text(503, "The guestbook cannot reach its entries right now.\n")
  end

  defp not_allowed(methods) do
    response = Response.text(405)
    %{response | headers: [{"allow", methods} | response.headers]}
  end
end
