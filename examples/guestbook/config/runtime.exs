import Config

# Evaluated whenever the system starts, `mix run` and releases alike. What is wrong with the environment is said here, in
# one sentence, before anything has been started.

if config_env() != :test do
  port =
    case Integer.parse(System.get_env("PORT", "4000")) do
      {port, ""} when port in 0..65_535 -> port
      _ -> raise "PORT must be a number from 0 to 65535, not #{inspect(System.get_env("PORT"))}."
    end

  # Only this machine can connect unless BIND says otherwise; in a container BIND=0.0.0.0 (or BIND=::) is needed.
  ip =
    case "BIND" |> System.get_env("127.0.0.1") |> String.to_charlist() |> :inet.parse_strict_address() do
      {:ok, ip} -> ip
      {:error, _} -> raise "BIND must be an IP address such as 0.0.0.0, not #{inspect(System.get_env("BIND"))}."
    end

  config :guestbook, Guestbook.HTTP, ip: ip, port: port
end

if config_env() == :prod do
  # bin/server sets PHX_SERVER, as it does in a Phoenix release; `eval` and a plain `start` do not serve pages.
  server? = System.get_env("PHX_SERVER") in ["true", "1"]
  config :guestbook, Guestbook.HTTP, enabled: server?

  secret = System.get_env("SECRET_KEY_BASE")

  if server? and byte_size(secret || "") < 64 do
    raise "SECRET_KEY_BASE must be set to a random text of at least 64 bytes (try: openssl rand -base64 48)."
  end

  config :guestbook, :secret_key_base, secret

  # An empty variable is an unset one, as the XDG specification has it.
  variable = fn name -> if (value = System.get_env(name)) not in [nil, ""], do: value end

  cond do
    url = variable.("DATABASE_URL") ->
      case Guestbook.Repo.Postgres.parse_url(url) do
        {:ok, options} -> config :guestbook, Guestbook.Repo, [adapter: Guestbook.Repo.Postgres] ++ options
        {:error, message} -> raise "DATABASE_URL #{message}."
      end

    path = variable.("DATABASE_PATH") ->
      config :guestbook, Guestbook.Repo, adapter: Guestbook.Repo.SQLite, path: Path.expand(path)

    # Outside of the release: the next version replaces its directory, or it is read-only.
    state = variable.("XDG_STATE_HOME") || (variable.("HOME") && Path.join(variable.("HOME"), ".local/state")) ->
      path = Path.join(state, "guestbook/guestbook.db")
      config :guestbook, Guestbook.Repo, adapter: Guestbook.Repo.SQLite, path: path

    true ->
      raise "DATABASE_PATH or DATABASE_URL must be set where there is no HOME to keep the database in."
  end
end
